import { type Answer, Connection } from "./connection.ts";
import { WatchTowerError } from "./error.ts";
import type {
  Alert,
  AlertFilter,
  ClientOptions,
  EventFilter,
  HeartBeat,
  Hello,
  Level,
  PulseOptions,
  WatchTowerEvent,
  When,
} from "./types.ts";

/** A watchTower. Each call is one request, tried again where that helps; it throws a {@link WatchTowerError}. */
export class Client {
  readonly #connection: Connection;
  readonly #withAttempts: (attempts: number) => Client;

  /**
   * @param url where watchTower is: http or https, with a path prefix where it has one
   * @param password printable ASCII
   */
  constructor(url: string, password: string, options: ClientOptions = {}) {
    this.#connection = new Connection(url, password, options);
    this.#withAttempts = (attempts) => new Client(url, password, { ...options, attempts });
  }

  /** The same watchTower, with another number of attempts for each call. */
  withAttempts(attempts: number): Client {
    return this.#withAttempts(attempts);
  }

  /**
   * The service lives, and promises its next pulse within `nextIn` seconds. Without a target the server's default is
   * alerted.
   */
  pulse(service: string, said: PulseOptions & { nextIn: number }): Promise<HeartBeat>;
  pulse(
    service: string,
    alertType: string | undefined,
    alertTarget: string | undefined,
    nextIn: number,
    options?: PulseOptions,
  ): Promise<HeartBeat>;
  async pulse(
    service: string,
    first: (PulseOptions & { nextIn: number }) | string | undefined,
    alertTarget?: string,
    nextIn?: number,
    options: PulseOptions = {},
  ): Promise<HeartBeat> {
    const said = typeof first === "object" ? first : { ...options, alertType: first, alertTarget, nextIn };
    const { pauseUntil } = said;
    // JSON leaves out what is undefined.
    const body = { service, ...said, pauseUntil: pauseUntil instanceof Date ? secondsOf(pauseUntil) : pauseUntil };
    const answer = await this.#connection.request("POST", "/heartbeat", { body });
    return objectOf<HeartBeat>(answer, "heartBeat");
  }

  /** Nobody waits for the service any more; with `forget` it is gone. Undefined where it is unknown. */
  async cancel(service: string, options: { forget?: boolean } = {}): Promise<HeartBeat | undefined> {
    const body = { service, ...options };
    const answer = await this.#connection.request("DELETE", "/heartbeat", { body });
    return typeof answer.heartBeat === "string" ? undefined : objectOf<HeartBeat>(answer, "heartBeat");
  }

  /** All services, by name. */
  async heartbeats(): Promise<HeartBeat[]> {
    return listOf<HeartBeat>(await this.#connection.request("GET", "/heartbeats"), "heartBeats");
  }

  /** One service; undefined where it is unknown. */
  async heartbeat(service: string): Promise<HeartBeat | undefined> {
    try {
      const answer = await this.#connection.request("GET", "/heartbeat", { query: { service } });
      return objectOf<HeartBeat>(answer, "heartBeat");
    } catch (error) {
      if (error instanceof WatchTowerError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Stores an event, and returns its id; undefined from a server that gives none. */
  async event(
    service: string,
    message: string,
    level?: Level,
    options: { alert?: boolean; signal?: AbortSignal } = {},
  ): Promise<string | undefined> {
    const { signal, alert } = options;
    const body = { service, message, level, alert };
    const { id } = await this.#connection.request("POST", "/event", { body }, signal);
    return typeof id === "string" ? id : undefined;
  }

  /** As {@link event}: the original's name for it. */
  add(service: string, message: string, level?: Level, options?: { alert?: boolean }): Promise<string | undefined> {
    return this.event(service, message, level, options);
  }

  /** The events that match, newest first, page by page as they are needed. */
  events(filter: EventFilter = {}): AsyncGenerator<WatchTowerEvent, void, undefined> {
    return this.#pages<WatchTowerEvent>("/events", "events", { ...filter });
  }

  /** The alerts that match, newest first, page by page as they are needed. */
  alerts(filter: AlertFilter = {}): AsyncGenerator<Alert, void, undefined> {
    return this.#pages<Alert>("/alerts", "alerts", { ...filter });
  }

  /** Time, version, and what is wrong with the server's configuration. */
  async hello(): Promise<Hello> {
    return (await this.#connection.request("GET", "/hello")) as unknown as Hello;
  }

  async *#pages<T>(path: string, name: string, filter: Record<string, unknown>): AsyncGenerator<T, void, undefined> {
    const query = Object.fromEntries(
      Object.entries(filter).map(([key, value]) => [key, value instanceof Date ? whenText(value) : value]),
    );
    for (let cursor: unknown; ; ) {
      const answer = await this.#connection.request("GET", path, { query: { ...query, cursor } });
      yield* listOf<T>(answer, name);
      if (typeof answer.next !== "string") return;
      cursor = answer.next;
    }
  }
}

function whenText(when: When): string {
  return when instanceof Date ? String(secondsOf(when)) : String(when);
}

function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}

function objectOf<T>(answer: Answer, name: string): T {
  const value = answer[name];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as T;
  throw new WatchTowerError("The answer", 200, "", `It has no ${name}.`);
}

function listOf<T>(answer: Answer, name: string): T[] {
  const value = answer[name];
  if (Array.isArray(value)) return value as T[];
  throw new WatchTowerError("The answer", 200, "", `It has no ${name}.`);
}
