import type { Excuse, Hold, Observed, Uptime } from "../observed.ts";
import { Silences } from "./silences.ts";

const SECOND_MS = 1_000;
/** An attempt that a kill cut off is begun again after so long (docs/decisions/0003). */
export const CLAIM_MS = 15 * SECOND_MS;
/** What is due is begun within so much time of the system being up, on a machine that does much else. */
const SLACK_MS = 12 * SECOND_MS;
/** So many attempts in a row may be cut off by kills before it is a fault. */
const MOST_CUT_OFF = 4;
/** So much may the log be behind, or a clock be read before. */
const LOG_MS = 1_500;
/** An excuse lasts as long as a promise, within these bounds (docs/decisions/0027). */
const SHORTEST_EXCUSE_MS = 60 * SECOND_MS;
const LONGEST_EXCUSE_MS = 900 * SECOND_MS;
/** Where many begin to fall silent, it is waited so long to see how many, also where a kill took the log of that. */
const HOLD_MS = 20 * SECOND_MS;
/** One that is held twice is held for so long at most before the second time. */
const FIRST_HOLD_MS = 60 * SECOND_MS;

/** When the system was up, when it was killed, and who was excused: what the bounds of a run depend on. */
export class Timeline {
  readonly #uptimes: readonly Uptime[];
  readonly #kills: number[];
  readonly #excuses = new Map<string, Excuse[]>();
  readonly #holds: readonly Hold[];
  readonly #silences: Silences;

  constructor(observed: Pick<Observed, "operations" | "uptimes" | "excuses" | "holds">) {
    const { uptimes, excuses, holds } = observed;
    this.#holds = holds;
    this.#silences = new Silences(observed);
    this.#uptimes = uptimes;
    this.#kills = uptimes.flatMap(({ killMs }) => (killMs === undefined ? [] : [killMs]));
    for (const excuse of excuses) {
      this.#excuses.set(excuse.service, [...(this.#excuses.get(excuse.service) ?? []), excuse]);
    }
  }

  /** How many kills there were within a time. */
  kills(fromMs: number, toMs: number): number {
    return this.#kills.filter((ms) => ms >= fromMs && ms <= toMs).length;
  }

  /** For how long of a time the system was up. */
  uptime(fromMs: number, toMs: number): number {
    return this.#uptimes.reduce((sum, { readyMs = toMs, killMs = toMs }) => {
      return sum + Math.max(0, Math.min(killMs, toMs) - Math.max(readyMs, fromMs));
    }, 0);
  }

  /** By when something must have been begun that is due at a moment. */
  latest(dueMs: number): number {
    const undisturbedMs = this.#afterUptime(dueMs);
    const cutOff = Math.min(MOST_CUT_OFF, this.kills(dueMs - SECOND_MS, undisturbedMs));
    return cutOff === 0 ? undisturbedMs : this.#afterUptime(undisturbedMs + cutOff * CLAIM_MS);
  }

  /** Until when a service may have been found alive at the latest that was silent from a moment on. */
  aliveUntilMs(service: string, promiseMs: number, deadlineMs: number, untilMs: number): number {
    const excusedMs = this.tellableMs(service, promiseMs, deadlineMs, untilMs);
    if (excusedMs > deadlineMs) return excusedMs + LOG_MS;
    const holdMs = this.longestHoldMs(service, deadlineMs);
    return holdMs > 0 ? this.latest(deadlineMs) + holdMs : deadlineMs;
  }

  /** For how long, beyond its excuse, a service may have been waited for that was silent from a moment on. */
  longestHoldMs(service: string, deadlineMs: number): number {
    const untilMs = this.latest(deadlineMs) + FIRST_HOLD_MS;
    const isOfThis = ({ service: held, atMs }: Hold) =>
      held === service && atMs >= deadlineMs - LOG_MS && atMs <= untilMs;
    const heldMs = this.#holds.filter(isOfThis).reduce((sum, { forMs }) => sum + forMs, 0);
    return Math.max(heldMs, this.#silences.areMany(deadlineMs) ? HOLD_MS : 0);
  }

  /** From when on a death may be told: the end of the promise, or of the last excuse that was given until a moment. */
  tellableMs(service: string, promiseMs: number, deadMs: number, untilMs: number): number {
    const excuseMs = Math.min(LONGEST_EXCUSE_MS, Math.max(SHORTEST_EXCUSE_MS, promiseMs));
    return Math.max(
      deadMs,
      ...this.#excusesOf(service, deadMs, untilMs).map(({ atMs, forMs = 0 }) => atMs + Math.max(excuseMs, forMs)),
    );
  }

  #excusesOf(service: string, fromMs: number, toMs: number): Excuse[] {
    const all = this.#excuses.get(service) ?? [];
    return all.filter(({ atMs }) => atMs >= fromMs - LOG_MS && atMs <= toMs + LOG_MS);
  }

  /** When the system has been up for the slack since a moment. */
  #afterUptime(fromMs: number): number {
    let leftMs = SLACK_MS;
    for (const { readyMs, killMs = Number.POSITIVE_INFINITY } of this.#uptimes) {
      if (readyMs === undefined || killMs <= fromMs) continue;
      const beginMs = Math.max(readyMs, fromMs);
      if (killMs - beginMs >= leftMs) return beginMs + leftMs;
      leftMs -= killMs - beginMs;
    }
    return Number.POSITIVE_INFINITY;
  }
}
