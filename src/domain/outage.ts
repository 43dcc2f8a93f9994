import { type Alive, deadlineMs, type Service } from "./service.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "./time.ts";

/*
 * Silence is a service's own only while we listen. Where we did not, or may not have, nobody dies of it at once: the
 * service is excused for a while, in which it can pulse again.
 */

/** What tells of an outage of ours rather than of a service: a late alarm, a refused pulse, the silence of many. */
export type OutageSign = "late" | "refused" | "silence";

/** Cloudflare delays an alarm by up to a minute: one that is later tells that nothing was watched. */
export const LATEST_ALARM_MS = MINUTE_MS;
/** Clients try again within seconds, and connections have to be made anew: less would be no chance. */
const SHORTEST_EXCUSE_MS = MINUTE_MS;
/** Nobody should wait longer to hear of a real death, however rarely the service pulses. */
const LONGEST_EXCUSE_MS = 15 * MINUTE_MS;

/** The silences of so long are looked at together. */
export const SILENCE_WINDOW_MS = 5 * MINUTE_MS;
/** Fewer may well be dead, all of them. */
const FEWEST_SILENT = 5;
const SILENT_SHARE = 0.5;
/** So many of those that were due, within so short a time, may be the beginning of it. */
const RISING_SHARE = 0.1;
/** The silences of so long are looked at for that. */
export const RISING_WINDOW_MS = 10 * SECOND_MS;
/** By then those who fall silent together have done so. */
const HOLD_MS = 20 * SECOND_MS;
/** A service is excused once in this time because others are silent: who breaks each promise must not be excused for good. */
const SILENCE_EXCUSED_ONCE_MS = HOUR_MS;

/**
 * Whether the silence of a service that is about to die may be ours, as far as its own object can tell.
 * @param refusedMs when a pulse of it could not be stored
 */
export function doubtOf(service: Service, refusedMs: number | undefined, nowMs: number): OutageSign | undefined {
  if (!isDue(service, nowMs)) return undefined;
  if (refusedMs !== undefined && refusedMs > service.lastMs) return "refused";
  return nowMs - deadlineMs(service) > LATEST_ALARM_MS ? "late" : undefined;
}

/** Whether a service is about to be found dead, and may still be excused because others are silent, too. */
export function isNewSilence(service: Service | undefined, nowMs: number): service is Alive {
  if (service === undefined || !isDue(service, nowMs)) return false;
  if (service.excusedUntilMs !== undefined && !service.isHeld) return false;
  return service.silenceExcusedMs === undefined || nowMs - service.silenceExcusedMs >= SILENCE_EXCUSED_ONCE_MS;
}

function isDue(service: Service, nowMs: number): service is Alive {
  return service.status === "alive" && deadlineMs(service) <= nowMs;
}

/**
 * The service, excused from now on: for as long as one of its promises, so that a service which pulses steadily shows that
 * it lives, but for no less than a minute and no more than 15.
 */
export function excuse({ isHeld: _, ...service }: Alive, sign: OutageSign, nowMs: number): Alive {
  const promiseMs = (service.nextInSeconds + service.graceSeconds) * SECOND_MS;
  const excuseMs = Math.min(LONGEST_EXCUSE_MS, Math.max(SHORTEST_EXCUSE_MS, promiseMs));
  const excused: Alive = { ...service, excusedUntilMs: nowMs + excuseMs };
  if (sign === "silence") excused.silenceExcusedMs = nowMs;
  return excused;
}

/** The service, which waits for a moment, until it is known how many others fall silent. */
export function hold(service: Alive, nowMs: number): Alive {
  return { ...service, excusedUntilMs: nowMs + HOLD_MS, isHeld: true };
}

/** Whose silence it is: the service's own, perhaps ours, which will be known in a moment, or ours. */
export type SilenceVerdict = "own" | "perhaps" | "ours";

/**
 * Judges a silence by how many fall silent together: then it may be the way to us that is broken.
 * @param silent how many have fallen silent within the window, and lately, which is within {@link RISING_WINDOW_MS}
 * @param due how many had to pulse within the window, those included
 */
export function judgeSilence(silent: { all: number; lately: number }, due: number): SilenceVerdict {
  if (silent.all >= FEWEST_SILENT && silent.all >= due * SILENT_SHARE) return "ours";
  return silent.lately >= FEWEST_SILENT && silent.lately >= due * RISING_SHARE ? "perhaps" : "own";
}

/** What is told at once of an outage, by its first sign. */
export function outageMessage(sign: OutageSign, since: string): string {
  const signs: Record<OutageSign, string> = {
    late: "watchTower itself was not running, or could not be reached: alarms came more than a minute late",
    refused: "watchTower's storage refused pulses",
    silence: "half of the services that were due, or more, fell silent together",
  };
  return (
    `No pulses reach watchTower since ${since}: ${signs[sign]}. ` +
    "Before a service that was silent meanwhile counts as dead, it is given the time of one of its promises, from 1 to 15 minutes."
  );
}
