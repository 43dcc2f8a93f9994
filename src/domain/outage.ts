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
/** So many within that time are a burst, whatever their share. */
const FEWEST_OF_A_BURST = 50;
/** By then those who fall silent together have done so. */
const HOLD_MS = 20 * SECOND_MS;
/** Those of a burst follow one another so far apart: 50 a second are half of what D1, one database for all, can take. */
export const TURN_EVERY_MS = 20;
/** Turns begin anew after so long: those who wait must still be among the silences that are looked at together. */
export const LAST_TURN_MS = SILENCE_WINDOW_MS - 2 * HOLD_MS;
/** Those who got no answer ask again at some moment within so long after {@link HOLD_MS}, so as not to come all at once. */
const UNHEARD_SPREAD_MS = 40 * SECOND_MS;
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
 * it lives, but for no less than a minute and no more than 15; and for so much more as it has to wait for its turn.
 */
export function excuse(service: Alive, sign: OutageSign, waitMs: number, nowMs: number): Alive {
  const { isHeld: _, isUnheard: __, ...rest } = service;
  const promiseMs = (service.nextInSeconds + service.graceSeconds) * SECOND_MS;
  const excuseMs = Math.min(LONGEST_EXCUSE_MS, Math.max(SHORTEST_EXCUSE_MS, promiseMs));
  const excused: Alive = { ...rest, excusedUntilMs: nowMs + excuseMs + waitMs };
  if (sign === "silence") excused.silenceExcusedMs = nowMs;
  return excused;
}

/**
 * The service, which waits for a moment, until it is known how many others fall silent.
 * @param isUnheard whether that is because nobody could say anything of its silence
 */
export function hold({ isUnheard: _, ...service }: Alive, waitMs: number, isUnheard: boolean, nowMs: number): Alive {
  const held: Alive = { ...service, excusedUntilMs: nowMs + waitMs, isHeld: true };
  return isUnheard ? { ...held, isUnheard } : held;
}

/** Whose silence it is: the service's own, perhaps ours, which will be known in a moment, or ours. */
export type SilenceVerdict = "own" | "perhaps" | "ours";

/** What a service hears that asks about its silence; `waitMs` is how long it is held, or excused beyond its time. */
export interface SilenceAnswer {
  verdict: SilenceVerdict;
  waitMs: number;
}

/** How many have fallen silent within the window, and lately, which is within {@link RISING_WINDOW_MS}. */
export interface Silent {
  all: number;
  lately: number;
}

/**
 * Judges a silence by how many fall silent together: then it may be the way to us that is broken.
 * @param due how many had to pulse within the window, those who are silent included
 */
export function judgeSilence(silent: Silent, due: number): SilenceVerdict {
  if (silent.all >= FEWEST_SILENT && silent.all >= due * SILENT_SHARE) return "ours";
  const isRising = silent.lately >= FEWEST_SILENT && silent.lately >= due * RISING_SHARE;
  return isRising || isBurst(silent) ? "perhaps" : "own";
}

/** Whether so many fall silent at once that they have to take turns. */
export function isBurst({ lately }: Silent): boolean {
  return lately >= FEWEST_OF_A_BURST;
}

/**
 * How long a service waits whose silence is not its own, as far as is known.
 * @param turnMs how long it is until its turn
 */
export function waitOf(verdict: "perhaps" | "ours", silent: Silent, turnMs: number): number {
  if (isBurst(silent)) return HOLD_MS + turnMs;
  return verdict === "perhaps" ? HOLD_MS : 0;
}

/** Whether a service may be told to wait: it is once only. */
export function mayBeHeld({ isHeld, isUnheard }: Alive): boolean {
  return isHeld === undefined || isUnheard !== undefined;
}

/**
 * What a service makes of the answer to its question, so that it waits for a bounded time whatever it is answered: once
 * without an answer, and once with one.
 * @param answer undefined where there is none
 * @param random from 0 to less than 1
 */
export function heed(service: Alive, answer: SilenceAnswer | undefined, random: number): SilenceAnswer {
  if (answer?.verdict === "ours") return answer;
  if (answer?.verdict === "perhaps" && mayBeHeld(service)) return answer;
  if (answer || service.isHeld) return { verdict: "own", waitMs: 0 };
  return { verdict: "perhaps", waitMs: HOLD_MS + Math.floor(random * UNHEARD_SPREAD_MS) };
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
