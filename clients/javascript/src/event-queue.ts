import type { Client } from "./client.ts";
import { WatchTowerError } from "./error.ts";
import { backgroundTimer, onCleanExit } from "./host.ts";
import { mended } from "./message.ts";
import type { Level } from "./types.ts";

const LONGEST_PAUSE_SECONDS = 60;

/** How an {@link EventQueue} works. */
export interface EventQueueOptions {
  /** How many events wait at most; 1,000 by default. */
  capacity?: number;
  /** How long the queue holds up the end of the host program at most, in milliseconds; 5,000 by default. */
  exitTimeoutMs?: number;
  /** Hears of each attempt that failed. */
  onError?: (error: unknown) => void;
}

interface Waiting {
  service: string;
  message: string;
  level: Level | undefined;
  alert: boolean | undefined;
}

/** Sends events in the background, in order. It never throws, never blocks, and keeps no program alive. */
export class EventQueue {
  readonly #client: Client;
  readonly #capacity: number;
  readonly #options: EventQueueOptions;
  readonly #waiting: Waiting[] = [];
  readonly #abort = new AbortController();
  #dropped = 0;
  #isSending = false;
  #isClosed = false;
  #forgetHost: (() => void) | undefined;
  /** Ends the pause before the next attempt. */
  #wake: (() => void) | undefined;
  /** Those who wait for an empty queue. */
  #whenEmpty: (() => void)[] = [];

  constructor(client: Client, options: EventQueueOptions = {}) {
    // Attempts are this queue's business: an event is tried for as long as it lives.
    this.#client = client.withAttempts(1);
    this.#capacity = options.capacity ?? 1_000;
    this.#options = options;
  }

  /** How many events were given up: the queue was full or closed, or the server refused them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many events wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Takes an event, and returns at once. */
  event(service: string, message: string, level?: Level, options: { alert?: boolean } = {}): void {
    if (this.#isClosed || this.#waiting.length >= this.#capacity) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({ service, message: mended(message), level, alert: options?.alert });
    this.#forgetHost ??= onCleanExit(() => void this.close(this.#options.exitTimeoutMs));
    if (!this.#isSending) void this.#send();
  }

  /** As {@link event}: the original's name for it. */
  add(service: string, message: string, level?: Level, options?: { alert?: boolean }): void {
    this.event(service, message, level, options);
  }

  /** Waits until everything is sent, or the time is over, and says whether it was. */
  async flush(timeoutMs = 5_000): Promise<boolean> {
    if (this.#waiting.length === 0) return true;
    this.#wake?.();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isEmpty = new Promise<void>((done) => this.#whenEmpty.push(done));
    const isOver = new Promise<void>((done) => {
      timer = setTimeout(done, timeoutMs);
    });
    await Promise.race([isEmpty, isOver]);
    clearTimeout(timer);
    return this.#waiting.length === 0;
  }

  /** Flushes; what is left is dropped, as is everything that comes later. */
  async close(timeoutMs = 5_000): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#forgetHost?.();
    await this.flush(timeoutMs);
    this.#dropped += this.#waiting.length;
    this.#waiting.length = 0;
    this.#abort.abort();
    this.#wake?.();
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    let failures = 0;
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const error = await this.#attempt(next);
      // Closed in the meantime: what was left is counted.
      if (this.#waiting[0] !== next) break;
      if (error === undefined || !isTemporary(error)) {
        this.#waiting.shift();
        if (error !== undefined) this.#dropped++;
        failures = 0;
      } else {
        await this.#pause(Math.max(2 ** failures++, (error as WatchTowerError).retryAfter ?? 0));
      }
    }
    this.#isSending = false;
    for (const done of this.#whenEmpty.splice(0)) done();
  }

  async #attempt({ service, message, level, alert }: Waiting): Promise<unknown> {
    try {
      const { signal } = this.#abort;
      await this.#client.event(service, message, level, { signal, ...(alert !== undefined && { alert }) });
      return undefined;
    } catch (error) {
      try {
        this.#options.onError?.(error);
      } catch {
        // What the callback does wrong is not the host program's to suffer.
      }
      return error;
    }
  }

  async #pause(seconds: number): Promise<void> {
    await new Promise<void>((done) => {
      const timer = backgroundTimer(done, Math.min(seconds, LONGEST_PAUSE_SECONDS) * 1_000);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
    this.#wake = undefined;
  }
}

function isTemporary(error: unknown): boolean {
  return error instanceof WatchTowerError && error.isTemporary;
}
