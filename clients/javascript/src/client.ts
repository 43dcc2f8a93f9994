import { type Answer, Connection } from "./connection.ts";
import { WatchTowerError } from "./error.ts";
import { bodyOf, stampedBody } from "./new-event.ts";
import { linesOf } from "./stream.ts";
import { tailOf } from "./tail.ts";
import type {
  Alert,
  AlertFilter,
  ClientOptions,
  EventFilter,
  EventOptions,
  EventStats,
  ExportFilter,
  HeartBeat,
  Hello,
  Level,
  NewEvent,
  PulseOptions,
  Rule,
  RuleOptions,
  SentEvents,
  TailFilter,
  TailOptions,
  WatchTowerEvent,
} from "./types.ts";
import { ulidMaker } from "./ulid.ts";

/** A watchTower. Each call is one request, tried again where that helps; it throws a {@link WatchTowerError}. */
export class Client {
  readonly #connection: Connection;
  readonly #withAttempts: (attempts: number) => Client;
  readonly #now: () => number;

  /**
   * @param url where watchTower is: http or https, with a path prefix where it has one
   * @param password printable ASCII
   */
  constructor(url: string, password: string, options: ClientOptions = {}) {
    this.#connection = new Connection(url, password, options);
    this.#now = options.now ?? Date.now;
    this.#withAttempts = (attempts) => new Client(url, password, { ...options, attempts });
  }

  /** The same watchTower, with another number of attempts for each call. */
  withAttempts(attempts: number): Client {
    return this.#withAttempts(attempts);
  }

  /** How far the server's clock was ahead of ours at its last answer, in milliseconds; 0 where it doesn't say. */
  get clockOffsetMs(): number {
    return this.#connection.clockOffsetMs;
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
    const answer = await this.#unlessUnknown(this.#connection.request("GET", "/heartbeat", { query: { service } }));
    return answer && objectOf<HeartBeat>(answer, "heartBeat");
  }

  /** Stores an event, and returns its id; undefined from a server that gives none. */
  async event(
    service: string,
    message: string,
    level?: Level,
    options: EventOptions & { signal?: AbortSignal } = {},
  ): Promise<string | undefined> {
    const { signal, ...said } = options;
    const body = bodyOf({ service, message, level, ...said });
    const { id } = await this.#connection.request("POST", "/event", { body }, signal);
    return typeof id === "string" ? id : undefined;
  }

  /** As {@link event}: the original's name for it. */
  add(service: string, message: string, level?: Level, options?: EventOptions): Promise<string | undefined> {
    return this.event(service, message, level, options);
  }

  /**
   * Stores events, at most 1,000 and 1 MiB of them, by one request, and says what became of each. They get ids, so that
   * another attempt stores none twice, unless they have one, or a date that is a text.
   */
  async sendEvents(events: readonly NewEvent[], options: { signal?: AbortSignal } = {}): Promise<SentEvents> {
    const newId = ulidMaker();
    const body = events.map((event) => stampedBody(event, newId, this.#now()));
    const answer = await this.#connection.request("POST", "/events", { body, isNew: true }, options.signal);
    return {
      stored: Number(answer.stored),
      ids: listOf<string>(answer, "ids"),
      refused: listOf<SentEvents["refused"][number]>(answer, "refused"),
      queued: answer.queued === true,
    };
  }

  /** The events that match, newest first, page by page as they are needed. */
  events(filter: EventFilter = {}): AsyncGenerator<WatchTowerEvent, void, undefined> {
    return this.#pages<WatchTowerEvent>("/events", "events", queryOf(filter));
  }

  /** How many events match: of each level, of the services that have most, and over time, in at most so many buckets. */
  async eventStats(filter: Omit<EventFilter, "limit"> & { buckets?: number } = {}): Promise<EventStats> {
    const answer = await this.#connection.request("GET", "/events/stats", { query: queryOf(filter), isNew: true });
    listOf(answer, "buckets");
    const { result: _, ...stats } = answer;
    return stats as unknown as EventStats;
  }

  /**
   * All events that match, oldest first, as they come. It throws where the connection breaks off; whoever has the last
   * event's id can go on after it.
   */
  async *exportEvents(filter: ExportFilter = {}): AsyncGenerator<WatchTowerEvent, void, undefined> {
    const breaksOff = () => {
      throw new WatchTowerError("GET /events/export", 0, "", "The export breaks off.");
    };
    for await (const line of linesOf(this.exportText("ndjson", filter), breaksOff)) {
      if (line !== "") yield exported(line);
    }
  }

  /** The text of an export, a piece at a time: one JSON object a line, or CSV. It throws where the connection breaks off. */
  async *exportText(format: "ndjson" | "csv", filter: ExportFilter = {}): AsyncGenerator<string, void, undefined> {
    const query = { format, ...queryOf(filter) };
    const type = format === "csv" ? "text/csv" : "application/x-ndjson";
    yield* await this.#connection.stream("/events/export", { type, query });
  }

  /**
   * The events that match, as they are stored from now on, until it is left. A connection that ends is made anew, without
   * an event lost or told twice; a refusal (another 4xx than 429) is thrown.
   */
  tail(filter: TailFilter = {}, options: TailOptions = {}): AsyncGenerator<WatchTowerEvent, void, undefined> {
    const { signal } = options;
    // Attempts are the tail's business: it goes on for as long as somebody reads.
    const once = this.withAttempts(1).#connection;
    const query = queryOf(filter);
    return tailOf(
      {
        open: (headers) => once.stream("/events/tail", { type: "text/event-stream", query, headers }, signal),
        sleep: (ms) => once.sleep(ms, signal),
        random: () => once.random(),
      },
      options,
    );
  }

  /** All alert rules, by name. */
  async rules(): Promise<Rule[]> {
    return listOf<Rule>(await this.#connection.request("GET", "/rules", { isNew: true }), "rules");
  }

  /** One alert rule; undefined where there is none of this name. */
  async rule(name: string): Promise<Rule | undefined> {
    const answer = await this.#unlessUnknown(this.#connection.request("GET", rulePath(name)));
    return answer && objectOf<Rule>(answer, "rule");
  }

  /** Writes an alert rule, in place of that of the same name, and returns it as it holds. */
  async putRule(name: string, rule: RuleOptions): Promise<Rule> {
    const answer = await this.#connection.request("PUT", rulePath(name), { body: { ...rule }, isNew: true });
    return objectOf<Rule>(answer, "rule");
  }

  /** Deletes an alert rule, and says whether there was one. */
  async deleteRule(name: string): Promise<boolean> {
    return (await this.#unlessUnknown(this.#connection.request("DELETE", rulePath(name)))) !== undefined;
  }

  /** The alerts that match, newest first, page by page as they are needed. */
  alerts(filter: AlertFilter = {}): AsyncGenerator<Alert, void, undefined> {
    return this.#pages<Alert>("/alerts", "alerts", queryOf(filter));
  }

  /** Time, version, and what is wrong with the server's configuration. */
  async hello(): Promise<Hello> {
    return (await this.#connection.request("GET", "/hello")) as unknown as Hello;
  }

  async #unlessUnknown(answer: Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof WatchTowerError && error.status === 404) return undefined;
      throw error;
    }
  }

  async *#pages<T>(path: string, name: string, query: Record<string, unknown>): AsyncGenerator<T, void, undefined> {
    for (let cursor: unknown; ; ) {
      const answer = await this.#connection.request("GET", path, { query: { ...query, cursor } });
      yield* listOf<T>(answer, name);
      if (typeof answer.next !== "string") return;
      cursor = answer.next;
    }
  }
}

/** A filter as parameters of a query. */
function queryOf({ fields, ...filter }: ExportFilter & AlertFilter & { buckets?: number }): Record<string, unknown> {
  const query: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(filter)) query[name] = value instanceof Date ? secondsOf(value) : value;
  for (const [name, value] of Object.entries(fields ?? {})) query[`field.${name}`] = value;
  return query;
}

function rulePath(name: string): string {
  return `/rules/${encodeURIComponent(name)}`;
}

function exported(line: string): WatchTowerEvent {
  try {
    return JSON.parse(line) as WatchTowerEvent;
  } catch {
    throw new WatchTowerError("GET /events/export", 200, "", "The answer is not watchTower's.");
  }
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
