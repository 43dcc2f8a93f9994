import type { Client } from "./client.ts";
import { WatchTowerError } from "./error.ts";
import { backgroundTimer, onCleanExit } from "./host.ts";
import { mended, textOf } from "./message.ts";
import { stampedBody } from "./new-event.ts";
import type { EventOptions, Level, NewEvent, SentEvents } from "./types.ts";
import { ulidMaker } from "./ulid.ts";

const LONGEST_PAUSE_SECONDS = 60;
/** What the server takes by one request: so many events, and so many bytes. */
const MOST_EVENTS = 1_000;
const MOST_BYTES = 1_048_576;
/** As old as an event may be when the server gets it. */
const OLDEST_MS = 30 * 86_400_000;
/** By so much a date may differ from the true one before it counts as that of a wrong clock. */
const MOST_WRONG_MS = 300_000;

/** How an {@link EventQueue} works. */
export interface EventQueueOptions {
  /** How many events wait at most; 1,000 by default. */
  capacity?: number;
  /** How long the queue holds up the end of the host program at most, in milliseconds; 5,000 by default. */
  exitTimeoutMs?: number;
  /** Hears of each attempt that failed, of each event that the server refused, and of those that became too old. */
  onError?: (error: unknown) => void;
}

interface Waiting {
  event: NewEvent;
  /** As JSON. */
  bytes: number;
  /** When it was taken, by a clock that nobody sets. */
  takenMs: number;
  /** The date that it got then, in milliseconds since the epoch; undefined where that is the program's. */
  stampedMs: number | undefined;
}

/**
 * Sends events in the background, in order, as many together as there are. Each has an id and its date from when it was
 * taken: it is stored once, with its true date, however often and however late it is sent. The queue never throws, never
 * blocks, and keeps no program alive.
 */
export class EventQueue {
  readonly #client: Client;
  readonly #capacity: number;
  readonly #options: EventQueueOptions;
  readonly #waiting: Waiting[] = [];
  readonly #abort = new AbortController();
  readonly #newId = ulidMaker();
  /** How many events a request has at most. */
  #most = MOST_EVENTS;
  /** Whether the server is older than this client, and takes events one at a time. */
  #isSingle = false;
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
  event(service: string, message: string, level?: Level, options: EventOptions = {}): void {
    this.put({ ...options, service, message, level });
  }

  /** As {@link event}: the original's name for it. */
  add(service: string, message: string, level?: Level, options?: EventOptions): void {
    this.event(service, message, level, options);
  }

  /** Takes an event, and returns at once. */
  put(event: NewEvent): void {
    if (this.#isClosed || this.#waiting.length >= this.#capacity) {
      this.#dropped++;
      return;
    }
    try {
      this.#waiting.push(this.#stamped(event));
    } catch (error) {
      // It can't be written as JSON, and would hold up all others.
      this.#giveUp(event, (error as Error).message);
      return;
    }
    this.#forgetHost ??= onCleanExit(() => void this.close(this.#options.exitTimeoutMs));
    if (!this.#isSending) void this.#send();
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

  #stamped(event: NewEvent): Waiting {
    const nowMs = Date.now();
    const text = JSON.stringify(stampedBody({ ...event, message: mended(event.message) }, this.#newId, nowMs));
    // What the program does with its fields from now on is no part of the event.
    return {
      event: JSON.parse(text),
      bytes: new TextEncoder().encode(text).byteLength,
      takenMs: performance.now(),
      stampedMs: event.id === undefined && event.date === undefined ? nowMs : undefined,
    };
  }

  /** The event with another id, where it may have been refused since our clock was wrong when it was taken. */
  #restamped(waiting: Waiting): Waiting | undefined {
    const { event, takenMs, stampedMs } = waiting;
    const trueMs = Date.now() + this.#client.clockOffsetMs - (performance.now() - takenMs);
    if (stampedMs === undefined || Math.abs(trueMs - stampedMs) < MOST_WRONG_MS) return undefined;
    return { ...waiting, event: { ...event, id: this.#newId(Math.floor(trueMs)) }, stampedMs: undefined };
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    // What a program says in one go travels together.
    await undefined;
    let failures = 0;
    while (this.#waiting.length > 0) {
      this.#giveUpOld(performance.now());
      const batch = this.#batch();
      const [first] = batch;
      if (!first) continue;
      const outcome = await this.#attempt(batch.map(({ event }) => event));
      // Closed in the meantime: what was left is counted.
      if (this.#waiting[0] !== first) break;
      if (!(outcome instanceof Error)) {
        this.#settle(batch, outcome.refused);
        this.#most = Math.min(MOST_EVENTS, this.#most * 2);
        failures = 0;
      } else if (isTemporary(outcome)) {
        await this.#pause(Math.max(2 ** failures++, outcome.retryAfter ?? 0));
      } else if (isOfOne(outcome) && batch.length > 1) {
        // One of them, or all together, are too much: each is tried for itself in the end.
        this.#most = Math.ceil(batch.length / 2);
      } else if (!isMissing(outcome) || this.#isSingle) {
        this.#waiting.splice(0, batch.length);
        this.#dropped += batch.length;
        failures = 0;
      } else {
        this.#isSingle = true;
      }
    }
    this.#isSending = false;
    for (const done of this.#whenEmpty.splice(0)) done();
  }

  /** Takes those out that are stored; of the others some are tried once more, the rest is given up. */
  #settle(batch: Waiting[], refused: SentEvents["refused"]): void {
    const again: Waiting[] = [];
    this.#waiting.splice(0, batch.length);
    for (const { index, hint } of refused) {
      const waiting = batch[index];
      const restamped = waiting && this.#restamped(waiting);
      if (restamped) again.push(restamped);
      else if (waiting) this.#giveUp(waiting.event, hint);
    }
    this.#waiting.unshift(...again);
  }

  /** The events that are sent by the next request: as many as it may have. */
  #batch(): Waiting[] {
    const most = this.#isSingle ? 1 : this.#most;
    // Around a list there are two brackets, and a comma behind each but the last.
    let bytes = 1;
    let count = 0;
    for (const waiting of this.#waiting.slice(0, most)) {
      bytes += waiting.bytes + 1;
      if (count > 0 && bytes > MOST_BYTES) break;
      count++;
    }
    return this.#waiting.slice(0, count);
  }

  #giveUpOld(nowMs: number): void {
    for (let first = this.#waiting[0]; first && nowMs - first.takenMs > OLDEST_MS; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#giveUp(first.event, "It has waited for 30 days; the server takes none that is older.");
    }
  }

  #giveUp(event: NewEvent, hint: string): void {
    this.#dropped++;
    this.#report(new WatchTowerError(`The event of ${textOf(event.service)}`, 400, "invalid_input", hint));
  }

  async #attempt(events: NewEvent[]): Promise<Pick<SentEvents, "refused"> | Error> {
    const { signal } = this.#abort;
    try {
      if (!this.#isSingle) return await this.#client.sendEvents(events, { signal });
      const { service, message, level, ...options } = events[0] as NewEvent;
      await this.#client.event(service, message, level, { ...options, signal });
      return { refused: [] };
    } catch (error) {
      // That a server is older than this client is no failure.
      if (this.#isSingle || !isMissing(error)) this.#report(error);
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // What the callback does wrong is not the host program's to suffer.
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

function isTemporary(error: unknown): error is WatchTowerError {
  return error instanceof WatchTowerError && error.isTemporary;
}

/** Whether the server has no such route. */
function isMissing(error: unknown): boolean {
  return error instanceof WatchTowerError && (error.status === 404 || error.status === 405);
}

/** Whether a request may be refused for one of its events, or for their number. */
function isOfOne(error: unknown): boolean {
  return error instanceof WatchTowerError && (error.status === 400 || error.status === 413);
}
