import type { Client } from "./client.ts";
import { backgroundTimer, onCleanExit } from "./host.ts";
import type { HeartBeat, PulseOptions } from "./types.ts";

/** How a {@link Pulser} pulses. */
export interface PulserOptions extends PulseOptions {
  /** Seconds between two pulses; each comes after 0.9 to 1.1 of it. */
  interval: number;
  /** What each pulse promises, in seconds; one and a half intervals and 10 seconds by default. */
  nextIn?: number;
  /** Hears of each pulse that the server took. */
  onPulse?: (heartBeat: HeartBeat) => void;
  /** Hears of each pulse, or cancel, that failed. */
  onError?: (error: unknown) => void;
  /** Another source of numbers from 0 to 1, for tests. */
  random?: () => number;
}

/**
 * Pulses in the background until it is stopped. It cancels the service when it is stopped, or when the host program ends
 * by itself; not when that crashes. It keeps no program alive, and throws nothing into it.
 */
export class Pulser {
  readonly #client: Client;
  readonly #service: string;
  readonly #options: PulserOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #underWay: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #forgetHost: (() => void) | undefined;
  #failures = 0;

  constructor(client: Client, service: string, options: PulserOptions) {
    if (!(options.interval > 0)) throw new RangeError("interval must be a number of seconds above 0.");
    this.#client = client;
    this.#service = service;
    this.#options = options;
  }

  /** Pulses at once, and from then on. */
  start(): this {
    if (this.#forgetHost || this.#stopped) return this;
    this.#forgetHost = onCleanExit(() => void this.stop());
    this.#beat();
    return this;
  }

  /** Ends the pulses and cancels the service. Never rejects: `onError` hears of a cancel that failed. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #beat(): void {
    this.#underWay = this.#pulse().then(() => {
      if (!this.#stopped) this.#timer = backgroundTimer(() => this.#beat(), this.#pauseMs());
    });
  }

  async #pulse(): Promise<void> {
    const {
      interval,
      nextIn = Math.ceil(interval * 1.5 + 10),
      onPulse,
      onError: _,
      random: __,
      ...said
    } = this.#options;
    try {
      const heartBeat = await this.#client.withAttempts(1).pulse(this.#service, { ...said, nextIn });
      this.#failures = 0;
      onPulse?.(heartBeat);
    } catch (error) {
      this.#failures++;
      this.#report(error);
    }
  }

  #pauseMs(): number {
    const { interval, random = Math.random } = this.#options;
    const pause = interval * (0.9 + 0.2 * random());
    return 1_000 * (this.#failures === 0 ? pause : Math.min(pause, 2 ** (this.#failures - 1)));
  }

  async #end(): Promise<void> {
    const wasStarted = this.#forgetHost !== undefined;
    this.#forgetHost?.();
    clearTimeout(this.#timer);
    // A pulse that arrives after the cancel would bring the service back.
    await this.#underWay;
    if (!wasStarted) return;
    try {
      await this.#client.withAttempts(2).cancel(this.#service);
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // What the callback does wrong is not the host program's to suffer.
    }
  }
}
