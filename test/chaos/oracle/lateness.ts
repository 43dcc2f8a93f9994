import { ulidTimeMs } from "../../../src/domain/ulid.ts";
import type { AlertRow } from "../observed.ts";
import type { Change } from "./history.ts";
import type { PathPaces } from "./path-paces.ts";
import { isFlapping, overtakenMs, pathOf, type Telling } from "./telling.ts";
import { CLAIM_MS, type Timeline } from "./timeline.ts";

/** Pauses between attempts double from here (docs/decisions/0013). */
const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 3_600_000;
/** What a provider has said is stored within so long, on a machine that does much else. */
const SETTLED_AFTER_MS = 10_000;
/** So much earlier may the sender have begun to count than the stub. */
const CLOCK_MS = 1_000;

/** Says that something is wrong with an alert. */
export type Violate = (rule: string, detail: string) => void;

/**
 * After a success, or a refusal, only a kill may lead to another attempt, or the refusal of a digest; otherwise pauses are
 * as long as promised. Returns how often it was told again.
 */
export function checkRepeats(told: readonly Telling[], timeline: Timeline, violate: Violate): number {
  let repeats = 0;
  told.slice(1).forEach((telling, i) => {
    const before = told[i] as Telling;
    const answeredMs = before.atMs + before.answerMs;
    if (before.verdict === "failed") {
      const wasCut = timeline.kills(before.atMs, answeredMs + SETTLED_AFTER_MS) > 0;
      const pauseMs = telling.atMs - (wasCut ? before.atMs : answeredMs);
      const leastMs = wasCut ? FIRST_DELAY_MS : Math.max(FIRST_DELAY_MS, before.retryAfterMs);
      if (pauseMs < leastMs - CLOCK_MS) violate("too soon", `again after ${pauseMs} ms, not ${leastMs}`);
      return;
    }
    if (before.verdict === "taken") repeats++;
    else if (before.isDigest) return;
    if (timeline.kills(before.atMs, Math.min(telling.atMs, answeredMs + SETTLED_AFTER_MS)) === 0) {
      violate("told twice", `at ${before.atMs} and at ${telling.atMs}, without a kill between`);
    }
  });
  return repeats;
}

/** Every attempt comes within its bound; returns how long after it could be told it was first tried to tell it. */
export function checkLateness(
  row: AlertRow,
  told: readonly Telling[],
  freeMs: number,
  changes: readonly Change[],
  { timeline, paces }: { timeline: Timeline; paces: PathPaces },
  violate: Violate,
): { lagMs: number; upMs: number } | undefined {
  const path = pathOf(row);
  const happenedMs = ulidTimeMs(row.id);
  // While a service flaps, its notices wait for ten minutes, and newer ones take their place.
  if (isFlapping(changes, happenedMs)) return undefined;
  const first = told[0];
  const endMs = first?.atMs ?? overtakenMs(row, changes);
  if (endMs === undefined) return undefined;
  let tellableMs = happenedMs;
  if (row.kind === "dead") {
    const death = changes.find(({ atMs, kind }) => kind === "died" && atMs === happenedMs);
    tellableMs = timeline.tellableMs(row.service, death?.promiseMs ?? 0, happenedMs, endMs);
    if (first && (endMs < happenedMs || endMs < tellableMs - CLOCK_MS)) {
      violate("told too early", `${tellableMs - endMs} ms before its time`);
    }
  }
  const allowed = (dueMs: number, untilMs: number) => {
    const latestMs = timeline.latest(paces.untroubledMs(path, dueMs));
    if (latestMs >= untilMs) return latestMs;
    const waitMs = paces.longestWaitMs(path, dueMs, untilMs);
    return waitMs === 0 ? latestMs : timeline.latest(paces.untroubledMs(path, latestMs + waitMs));
  };
  // Attempts that the stub knows nothing of were cut off by a kill, or were answered for the provider's patience.
  const unseen = Math.max(0, row.attempts - told.length);
  const unseenMs = Array.from({ length: unseen }, (_, i) => delayMs(i)).reduce((sum, ms) => sum + ms, 0);
  const dueMs = Math.max(tellableMs, freeMs) + unseenMs;
  const isLate = (ms: number) => endMs > allowed(ms, endMs);
  if (isLate(dueMs) && (row.kind !== "dead" || isLate(dueMs + timeline.longestHoldMs(row.service, happenedMs)))) {
    violate("told too late", `${endMs - tellableMs} ms after it could be told`);
  }
  told.slice(1).forEach((telling, i) => {
    const before = told[i] as Telling;
    const pauseMs = Math.max(delayMs(i + unseen), before.retryAfterMs, CLAIM_MS);
    if (telling.atMs > allowed(before.atMs + before.answerMs + pauseMs + unseenMs, telling.atMs)) {
      violate("tried too late", `${telling.atMs - before.atMs} ms after attempt ${i + 1}`);
    }
  });
  return first && { lagMs: endMs - tellableMs, upMs: timeline.uptime(tellableMs, endMs) };
}

/** The pause after the n-th attempt, counted from 0. */
function delayMs(n: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(n, 20));
}
