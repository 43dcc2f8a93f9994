import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "./time.ts";

/** What came of one attempt to deliver; `answer` is what the other side said, for people to read. */
export type Outcome =
  | { kind: "delivered"; answer: string }
  | { kind: "retry"; answer: string; retryAfterMs?: number }
  /** Repeating it unchanged is useless: the other side refused this very message or target. */
  | { kind: "permanent"; answer: string }
  /** Our credentials are missing or refused: our fault, not the message's. */
  | { kind: "credentials"; answer: string };

/** What is remembered of a delivery between two attempts. */
export interface Attempts {
  /** How many attempts were begun. */
  count: number;
  /** When the first one began. */
  firstMs: number;
  /** The last delay between two attempts; 0 before the first retry. */
  delayMs: number;
  /** An attempt that fails from this moment on was the last. */
  giveUpMs: number;
  /** How often the other side refused the thing for its own sake, where that is counted. */
  refusals?: number;
}

/** What to do after an attempt. */
export type Verdict = { kind: "done" } | { kind: "again"; atMs: number; attempts: Attempts } | { kind: "given-up" };

/** The first delay is 5 s: Pushover asks for at least that after a failure (pushover.net/api). */
const FIRST_DELAY_MS = 5 * SECOND_MS;
const LONGEST_DELAY_MS = HOUR_MS;
const LONGEST_D1_DELAY_MS = 10 * MINUTE_MS;
const GIVE_UP_AFTER_MS = DAY_MS;
/** A week leaves an administrator a weekend and more to mend our own credentials. */
const GIVE_UP_ON_CREDENTIALS_AFTER_MS = 7 * DAY_MS;

/** The memory of a delivery whose n-th attempt begins now. */
export function beginAttempt(previous: Attempts | undefined, nowMs: number): Attempts {
  if (!previous) return { count: 1, firstMs: nowMs, delayMs: 0, giveUpMs: nowMs + GIVE_UP_AFTER_MS };
  return { ...previous, count: previous.count + 1 };
}

/** The memory of a delivery that was given up after `count` attempts, and is begun again. */
export function attemptsAgain(count: number, nowMs: number): Attempts {
  return { count, firstMs: nowMs, delayMs: 0, giveUpMs: nowMs + GIVE_UP_AFTER_MS };
}

/**
 * Decides what follows from an attempt. Delays double from 5 s, never decrease, honour Retry-After, and stop growing at
 * an hour; a delivery is given up a day after its first attempt, or a week after it when our credentials were at fault.
 */
export function decide(attempts: Attempts, outcome: Outcome, nowMs: number): Verdict {
  if (outcome.kind === "delivered") return { kind: "done" };
  if (outcome.kind === "permanent") return { kind: "given-up" };
  const ours = outcome.kind === "credentials";
  const giveUpMs = ours
    ? Math.max(attempts.giveUpMs, attempts.firstMs + GIVE_UP_ON_CREDENTIALS_AFTER_MS)
    : attempts.giveUpMs;
  if (nowMs >= giveUpMs) return { kind: "given-up" };
  const asked = ours ? LONGEST_DELAY_MS : (outcome.retryAfterMs ?? 0);
  const delayMs = Math.min(LONGEST_DELAY_MS, Math.max(doubled(attempts.count), attempts.delayMs, asked));
  return { kind: "again", atMs: nowMs + delayMs, attempts: { ...attempts, delayMs, giveUpMs } };
}

/** How long to wait for the database after `failures` failures in a row: it is never given up, and asked every 10 minutes. */
export function databaseDelayMs(failures: number): number {
  return Math.min(LONGEST_D1_DELAY_MS, doubled(failures));
}

function doubled(count: number): number {
  return FIRST_DELAY_MS * 2 ** Math.min(count - 1, 20);
}
