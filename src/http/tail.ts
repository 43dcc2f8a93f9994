import type { Event } from "../domain/event.ts";
import { SECOND_MS } from "../domain/time.ts";
import { highestUlid } from "../domain/ulid.ts";
import { errorText, log } from "../log.ts";
import { MOST_QUERIES_OF_A_LOOK, type ReadTail } from "../storage/event-tail.ts";

/**
 * Events are heard once they are so old: their ids are not the order in which they are stored, and one that is stored
 * before this is over is heard in its turn.
 */
const SETTLED_AFTER_MS = SECOND_MS;
/** So long after one look comes the next. */
const LOOK_EVERY_MS = 1_500;
/** Its place is written at least so often. */
const PLACE_EVERY_MS = 10 * SECOND_MS;
/** Written after a look that finds nothing: that somebody has gone shows only when something is written to him. */
const STILL_HERE = ":\n";
/** After a failure the next look waits longer and longer, up to this; after so many in a row the answer ends. */
const LONGEST_DELAY_MS = 8 * SECOND_MS;
const MOST_FAILURES = 5;
/** A client comes again so soon after an answer has ended. */
const COME_AGAIN_MS = SECOND_MS;

/** How much one answer may take. */
export interface TailLimits {
  /** Queries of D1, of which a look takes one where it finds nothing. */
  queries: number;
  ms: number;
  /** Events, where to show one takes some time; it ends behind the look that has passed this. */
  events?: number;
}

/**
 * On the free plan an invocation has 50 queries; on the paid one a thousand, and there it ends now and then, so that no
 * client is used to an answer that never does.
 */
export const TAIL_LIMITS: Record<"free" | "paid", TailLimits> = {
  free: { queries: 48, ms: 300 * SECOND_MS },
  paid: { queries: 900, ms: 900 * SECOND_MS },
};

/**
 * One answer of the live tail, as server-sent events. It looks for events only while somebody reads it, and stops as soon
 * as nobody does. Each event has its id, and now and then comes, without an event, that up to which all have been given: so
 * a client that comes again with the last id that it saw misses nothing and gets nothing twice.
 */
export class Tail {
  readonly #read: ReadTail;
  readonly #show: (event: Event) => object;
  readonly #limits: TailLimits;
  readonly #startedMs = Date.now();
  #position: string;
  #queries = 0;
  #events = 0;
  #failures = 0;
  #nextLookMs = 0;
  #placedMs = 0;
  #hasBegun = false;
  #hasEnded = false;
  #endPause: (() => void) | undefined;

  /** @param afterId where an earlier answer ended; undefined to begin with what comes now */
  constructor(read: ReadTail, show: (event: Event) => object, limits: TailLimits, afterId: string | undefined) {
    this.#read = read;
    this.#show = show;
    this.#limits = limits;
    this.#position = afterId ?? settledId();
  }

  /** The answer's body. */
  stream(): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    return new ReadableStream(
      {
        pull: async (controller) => {
          const text = await this.#next();
          if (text === undefined) {
            if (!this.#hasEnded) controller.close();
          } else controller.enqueue(encoder.encode(text));
        },
        cancel: () => this.#stop(),
      },
      // Nothing is looked for ahead of its reader.
      { highWaterMark: 0 },
    );
  }

  /** What is to be written next, once there is something; undefined at the end. */
  async #next(): Promise<string | undefined> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      return this.#placed(`retry: ${COME_AGAIN_MS}\n${this.#place()}`);
    }
    if (this.#isSpent()) return undefined;
    await this.#pause(this.#nextLookMs - Date.now());
    if (this.#hasEnded) return undefined;
    const events = await this.#look();
    if (this.#hasEnded) return undefined;
    if (events.length > 0) return this.#placed(events.map((event) => this.#eventText(event)).join(""));
    // The last words say up to where everything was said, too.
    const isPlaceDue = this.#isSpent() || Date.now() - this.#placedMs >= PLACE_EVERY_MS;
    return isPlaceDue ? this.#placed(this.#place()) : STILL_HERE;
  }

  #isSpent(): boolean {
    const { queries, ms, events = Number.POSITIVE_INFINITY } = this.#limits;
    return (
      this.#queries > queries - MOST_QUERIES_OF_A_LOOK ||
      this.#events >= events ||
      this.#failures >= MOST_FAILURES ||
      Date.now() - this.#startedMs >= ms
    );
  }

  /** Reads what has come since the last look. Where D1 fails, the next look looks for the same. */
  async #look(): Promise<Event[]> {
    const upToId = settledId();
    this.#nextLookMs = Date.now() + LOOK_EVERY_MS;
    // One's clock may be behind that of whoever gave the id.
    if (upToId <= this.#position) return [];
    try {
      const { rows, reachedId, hasMore, queries } = await this.#read(this.#position, upToId);
      this.#queries += queries;
      this.#failures = 0;
      this.#events += rows.length;
      this.#position = reachedId;
      if (hasMore) this.#nextLookMs = 0;
      return rows;
    } catch (error) {
      this.#queries += MOST_QUERIES_OF_A_LOOK;
      this.#failures++;
      log("warn", "tail.failed", { failures: this.#failures, error: errorText(error) });
      this.#nextLookMs = Date.now() + Math.min(LONGEST_DELAY_MS, LOOK_EVERY_MS * 2 ** (this.#failures - 1));
      return [];
    }
  }

  #eventText(event: Event): string {
    return `id: ${event.id}\ndata: ${JSON.stringify(this.#show(event))}\n\n`;
  }

  /** An id without data makes no event, but is what a client comes again with (HTML, 9.2.6). */
  #place(): string {
    return `id: ${this.#position}\n\n`;
  }

  #placed(text: string): string {
    this.#placedMs = Date.now();
    return text;
  }

  /** Waits, unless somebody stops it. */
  async #pause(ms: number): Promise<void> {
    if (ms <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#endPause = () => {
      clearTimeout(timer);
      resolve();
    };
    await promise;
  }

  #stop(): void {
    this.#hasEnded = true;
    this.#endPause?.();
  }
}

/** The highest id of which all events that are stored in time are stored. */
function settledId(): string {
  return highestUlid(Date.now() - SETTLED_AFTER_MS);
}
