import { HOUR_MS, MINUTE_MS, SECOND_MS } from "./time.ts";

/*
 * A target is told a little at once, one message each, and a lot in few messages: digests. A service that changes all
 * the time is told now and then.
 */

/** So many messages of one alert each may a target get within a minute. */
const MOST_SINGLES = 10;
/** What is more than that is collected for so long. */
const COLLECT_MS = 30 * SECOND_MS;
/** A digest takes in what comes late, until nothing has come for so long. */
const OPEN_FOR_MS = 5 * SECOND_MS;
const LONGEST_OPEN_MS = MINUTE_MS;
/** Those who wait for a digest come one after the other, 1,000 a second, which is what an object can take. */
const APART_MS = 1;
/** A target that refuses a digest is sent none for so long. */
const WITHOUT_DIGESTS_MS = HOUR_MS;
/** More changes than this within an hour are flapping. */
const MOST_CHANGES = 6;
/** A service that flaps is told to a target once in this time. */
export const FLAPPING_EVERY_MS = 10 * MINUTE_MS;

/** What is remembered of the messages to a target; times are milliseconds since the epoch. */
export interface Pace {
  /** When messages of one alert were begun within the last minute, oldest first. */
  singlesMs: readonly number[];
  /** What is more than enough goes into digests, which take alerts in from a moment on; so many were told to come then. */
  digest?: { fromMs: number; untilMs: number; awaited: number };
  /** Until then there are no digests, since the target has refused one; the last turn that was given away. */
  singly?: { untilMs: number; turnMs: number };
  /** When flapping services were told last. */
  flappingMs: ReadonlyMap<string, number>;
}

/** Of a target to which nothing was sent. */
export const UNHURRIED: Pace = { singlesMs: [], flappingMs: new Map() };

/** What to do with an alert: send it by itself, put it into the digest that is being made, or come again. */
export type Admission = { kind: "single" } | { kind: "digest" } | { kind: "later"; atMs: number };

/** Whether a service changes so often that each single change is no news. */
export function isFlapping(changes: number | undefined): boolean {
  return changes !== undefined && changes > MOST_CHANGES;
}

/** Decides how an alert is sent that somebody wants to send now. */
export function admit(
  before: Pace,
  { service, changes }: { service: string; changes?: number },
  nowMs: number,
): { pace: Pace; admission: Admission } {
  const pace = current(before, nowMs);
  const toldMs = isFlapping(changes) ? pace.flappingMs.get(service) : undefined;
  if (toldMs !== undefined) return { pace, admission: { kind: "later", atMs: toldMs + FLAPPING_EVERY_MS } };
  const { digest, singly, singlesMs } = pace;
  if (digest && nowMs < digest.fromMs) return awaitDigest(pace, digest.fromMs, digest.awaited, nowMs);
  if (digest) {
    const untilMs = Math.min(nowMs + OPEN_FOR_MS, digest.fromMs + LONGEST_OPEN_MS);
    return { pace: { ...pace, digest: { ...digest, untilMs } }, admission: { kind: "digest" } };
  }
  if (singlesMs.length < MOST_SINGLES) {
    return { pace: { ...pace, singlesMs: [...singlesMs, nowMs] }, admission: { kind: "single" } };
  }
  if (!singly) return awaitDigest(pace, nowMs + COLLECT_MS, 0, nowMs);
  // Turns begin when the first of these ten is a minute old, and are as far apart as they may be for good.
  const turnMs = Math.max(singly.turnMs + MINUTE_MS / MOST_SINGLES, (singlesMs[0] ?? nowMs) + MINUTE_MS);
  return { pace: { ...pace, singly: { ...singly, turnMs } }, admission: { kind: "later", atMs: turnMs } };
}

function awaitDigest(pace: Pace, fromMs: number, awaited: number, nowMs: number) {
  const atMs = fromMs + Math.min(awaited * APART_MS, LONGEST_OPEN_MS / 2);
  const untilMs = Math.max(atMs, nowMs) + OPEN_FOR_MS;
  const admission: Admission = { kind: "later", atMs };
  return { pace: { ...pace, digest: { fromMs, untilMs, awaited: awaited + 1 } }, admission };
}

/** The target has got an alert. */
export function told(pace: Pace, { service, changes }: { service: string; changes?: number }, nowMs: number): Pace {
  if (!isFlapping(changes)) return pace;
  return { ...pace, flappingMs: new Map(pace.flappingMs).set(service, nowMs) };
}

/** The target does not take digests: until further notice it gets its alerts one by one, as fast as they may come. */
export function withoutDigests({ digest: _, ...pace }: Pace, nowMs: number): Pace {
  return { ...pace, singly: { untilMs: nowMs + WITHOUT_DIGESTS_MS, turnMs: nowMs } };
}

/** Whether nothing of it matters any more. */
export function isUnhurried(pace: Pace, nowMs: number): boolean {
  const { singlesMs, digest, singly, flappingMs } = current(pace, nowMs);
  return singlesMs.length === 0 && !digest && !singly && flappingMs.size === 0;
}

/** Without what is over; neither may what a clock that has stepped back makes of it keep anything waiting. */
function current({ singlesMs, digest, singly, flappingMs }: Pace, nowMs: number): Pace {
  const isWithin = (ms: number, lengthMs: number) => ms <= nowMs && nowMs - ms < lengthMs;
  return {
    singlesMs: singlesMs.filter((ms) => isWithin(ms, MINUTE_MS)),
    ...(digest && digest.fromMs - nowMs <= COLLECT_MS && nowMs < digest.untilMs && { digest }),
    ...(singly && singly.untilMs - nowMs <= WITHOUT_DIGESTS_MS && nowMs < singly.untilMs && { singly }),
    flappingMs: new Map([...flappingMs].filter(([, ms]) => isWithin(ms, FLAPPING_EVERY_MS))),
  };
}
