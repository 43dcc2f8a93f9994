import { hashOf } from "../domain/hash.ts";
import { LAST_TURN_MS, RISING_WINDOW_MS, SILENCE_WINDOW_MS, type Silent, TURN_EVERY_MS } from "../domain/outage.ts";

/** So many are saved at most, of 20 bytes each: one value has 2 MB. */
const MOST_SAVED = 50_000;

/**
 * Who fell silent within the last minutes. What is asked of it costs the same however many they are, since all of them ask
 * at once; of names only hashes are kept: that two services may count as one does no harm.
 */
export class Silences {
  /** When each service fell silent, in that order. */
  readonly #all: Map<number, number>;
  /** The latest of these. */
  readonly #lately: Map<number, number>;
  /** When the turn is of those who were given one. */
  readonly #turns = new Map<number, number>();
  #lastTurnMs = 0;

  constructor(saved: readonly [number, number][] = []) {
    this.#all = new Map(saved);
    this.#lately = new Map(saved);
  }

  /** What is to be saved, for the next one to begin with. */
  get saved(): [number, number][] {
    return [...this.#all].slice(-MOST_SAVED);
  }

  /** A service is silent; returns how many are, this one included. */
  note(service: string, nowMs: number): Silent {
    const key = hashOf(service);
    forgetBefore(this.#all, nowMs - SILENCE_WINDOW_MS);
    if (!this.#all.has(key)) {
      this.#all.set(key, nowMs);
      this.#lately.set(key, nowMs);
    }
    forgetBefore(this.#lately, nowMs - RISING_WINDOW_MS);
    return { all: this.#all.size, lately: this.#lately.size };
  }

  /** How long it is until a service's turn: turns follow one another, and who asks again before his has the same. */
  turnMs(service: string, nowMs: number): number {
    const key = hashOf(service);
    forgetBefore(this.#turns, nowMs);
    let atMs = this.#turns.get(key);
    if (atMs === undefined) {
      atMs = Math.max(this.#lastTurnMs + TURN_EVERY_MS, nowMs);
      // Also where the clock has stepped back.
      if (atMs - nowMs > LAST_TURN_MS) {
        this.#turns.clear();
        atMs = nowMs;
      }
      this.#lastTurnMs = atMs;
      this.#turns.set(key, atMs);
    }
    return atMs - nowMs;
  }
}

/** Forgets what was before a moment, where the oldest is the first. */
function forgetBefore(times: Map<number, number>, ms: number): void {
  for (const [key, atMs] of times) {
    if (atMs >= ms) return;
    times.delete(key);
  }
}
