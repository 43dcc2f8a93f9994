import { setTimeout as delay } from "node:timers/promises";
import { Client } from "./client.ts";
import type { Tower } from "./tower.ts";

const CONNECTIONS = 4;
/** Less than five minutes, so that they count as due. */
const PROMISE_SECONDS = 290;
/** So old is the last pulse of one when it pulses again: half of its promise is for what is slow. */
const PULSE_EVERY_MS = 145_000;
/** A pulse that is not answered well is sent again after so long. */
const AGAIN_AFTER_MS = 1_000;

/** Many services that live: each pulses steadily, whatever else happens. */
export class Crowd implements AsyncDisposable {
  readonly #client: Client;
  readonly #size: number;
  readonly #urlAt: (i: number) => string;
  readonly #leaving = new AbortController();
  #living: Promise<unknown> | undefined;

  constructor(tower: Tower, size: number, urlAt: (i: number) => string) {
    this.#client = new Client(tower.port, tower.password, CONNECTIONS);
    this.#size = size;
    this.#urlAt = urlAt;
  }

  /** Resolves when all of them have pulsed once; they go on by themselves. */
  async gather(): Promise<void> {
    if (this.#size === 0) return;
    const all = Promise.withResolvers<void>();
    const lastMs: number[] = [];
    let next = 0;
    let born = 0;
    const live = async () => {
      while (!this.#leaving.signal.aborted) {
        const i = next++ % this.#size;
        // They pulse in order, so that the next one is the one that waits longest.
        const waitMs = (lastMs[i] ?? Number.NEGATIVE_INFINITY) + PULSE_EVERY_MS - Date.now();
        if (waitMs > 0) await delay(waitMs, undefined, { signal: this.#leaving.signal });
        const isBirth = lastMs[i] === undefined;
        lastMs[i] = Date.now();
        await this.#pulse(i);
        if (isBirth && ++born === this.#size) all.resolve();
      }
    };
    this.#living = Promise.allSettled(Array.from({ length: CONNECTIONS }, live));
    await all.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort();
    await this.#living;
    this.#client.close();
  }

  async #pulse(i: number): Promise<void> {
    for (;;) {
      const fields = { nextIn: PROMISE_SECONDS, grace: 0, urls: [this.#urlAt(i)] };
      const answer = await this.#client.pulse(`living ${i}`, fields);
      if (this.#leaving.signal.aborted || (typeof answer !== "string" && answer.status === 200)) return;
      await delay(AGAIN_AFTER_MS);
    }
  }
}
