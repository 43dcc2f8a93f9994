import { WatchTowerError } from "./error.ts";
import type { ClientOptions } from "./types.ts";

const LONGEST_RETRY_AFTER_SECONDS = 60;

/** A JSON object that the server answered. */
export type Answer = Record<string, unknown>;

/** What a request says. */
export interface Said {
  query?: Record<string, unknown>;
  body?: Record<string, unknown> | Record<string, unknown>[];
  /** Whether servers that are older than this client lack the route, which is told then. */
  isNew?: boolean;
}

/** What is asked of a stream: its type, and what else is said. */
export interface StreamSaid {
  type: string;
  query?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** Makes requests to one server, and tries them again where that helps. */
export class Connection {
  readonly #base: string;
  readonly #password: string;
  readonly #options: Required<ClientOptions>;
  #clockOffsetMs = 0;

  constructor(url: string, password: string, options: ClientOptions = {}) {
    this.#base = baseOf(url);
    // Anything else can't travel in a header.
    if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(password)) {
      throw new WatchTowerError("The password", 0, "", "must be printable ASCII, without spaces around it.");
    }
    this.#password = password;
    this.#options = {
      timeoutMs: options.timeoutMs ?? 10_000,
      idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
      attempts: options.attempts ?? 4,
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      sleep: options.sleep ?? sleep,
      random: options.random ?? Math.random,
      now: options.now ?? Date.now,
      onWarning: options.onWarning ?? (() => undefined),
    };
  }

  /** Makes a request; throws a {@link WatchTowerError} where it fails for good. */
  request(method: string, path: string, said: Said = {}, signal?: AbortSignal): Promise<Answer> {
    return this.#tried(() => this.#attempt(method, path, said, signal));
  }

  /**
   * Opens a stream of a type, and gives its text as it comes. A connection that breaks off, or on which nothing comes for
   * long, is an error of status 0; only the end that the server makes is one.
   */
  stream(path: string, said: StreamSaid, signal?: AbortSignal): Promise<AsyncGenerator<string, void, undefined>> {
    return this.#tried(() => this.#open(path, said, signal));
  }

  /** Waits, as between two attempts; a signal ends it. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#options.sleep(ms, signal);
  }

  /** How far the server's clock was ahead of ours at its last answer, to the second; 0 where it doesn't say. */
  get clockOffsetMs(): number {
    return this.#clockOffsetMs;
  }

  /** From 0 to 1. */
  random(): number {
    return this.#options.random();
  }

  async #tried<T>(run: () => Promise<T>): Promise<T> {
    const { attempts, sleep, random } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof WatchTowerError) || !error.isTemporary || attempt >= attempts) throw error;
        const { retryAfter = 0 } = error;
        if (retryAfter > LONGEST_RETRY_AFTER_SECONDS) throw error;
        const pauseSeconds = 2 ** (attempt - 1) * (0.5 + random() / 2);
        await sleep(Math.max(pauseSeconds, retryAfter) * 1_000);
      }
    }
  }

  async #attempt(method: string, path: string, said: Said, outer?: AbortSignal): Promise<Answer> {
    const { fetch, timeoutMs } = this.#options;
    const { query, body, isNew = false } = said;
    const what = `${method} ${path}`;
    const headers: Record<string, string> = { accept: "application/json", password: this.#password };
    if (body) headers["content-type"] = "application/json";
    const limit = deadline(timeoutMs, outer);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#base}${path}${queryText(query)}`, {
        method,
        headers,
        redirect: "manual",
        signal: limit.signal,
        ...(body && { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      throw new WatchTowerError(what, 0, "", limit.isOver() ? `no answer within ${timeoutMs} ms` : reasonOf(error));
    } finally {
      limit.clear();
    }
    return this.#read(what, response, text, isNew);
  }

  async #open(path: string, { type, query, headers }: StreamSaid, outer?: AbortSignal) {
    const { fetch, timeoutMs } = this.#options;
    const what = `GET ${path}`;
    const limit = deadline(timeoutMs, outer);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#base}${path}${queryText(query)}`, {
        method: "GET",
        headers: { accept: type, password: this.#password, ...headers },
        redirect: "manual",
        signal: limit.signal,
      });
      const isStream = response.ok && response.headers.get("content-type")?.startsWith(type);
      if (isStream && response.body) return this.#chunksOf(what, response.body, limit);
      text = await response.text();
    } catch (error) {
      limit.clear();
      throw new WatchTowerError(what, 0, "", limit.isOver() ? `no answer within ${timeoutMs} ms` : reasonOf(error));
    }
    limit.clear();
    this.#read(what, response, text, true);
    throw new WatchTowerError(what, response.status, "", "The answer is not watchTower's.");
  }

  async *#chunksOf(what: string, body: ReadableStream<Uint8Array>, limit: Deadline) {
    const { idleTimeoutMs } = this.#options;
    const reader = body.getReader();
    const decoder = new TextDecoder();
    try {
      for (;;) {
        limit.restart(idleTimeoutMs);
        const { done, value } = await reader.read();
        // Whoever reads may take their time.
        limit.pause();
        if (done) return;
        yield decoder.decode(value, { stream: true });
      }
    } catch (error) {
      throw new WatchTowerError(
        what,
        0,
        "",
        limit.isOver() ? `nothing came within ${idleTimeoutMs} ms` : reasonOf(error),
      );
    } finally {
      limit.end();
    }
  }

  #read(what: string, response: Response, text: string, isNew: boolean): Answer {
    const { status, headers } = response;
    const serverMs = Date.parse(headers.get("date") ?? "");
    if (!Number.isNaN(serverMs)) this.#clockOffsetMs = serverMs - this.#options.now();
    // A browser doesn't say where to, and gives no status.
    if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
      const to = headers.get("location") ?? "another address";
      throw new WatchTowerError(what, status, "", `The server redirects to ${to}: use that as the address.`);
    }
    const answer = parse(text);
    const result = typeof answer?.result === "number" ? answer.result : undefined;
    if (response.ok && answer && result === 200) {
      if (Array.isArray(answer.warnings))
        for (const warning of answer.warnings) this.#options.onWarning(String(warning));
      return answer;
    }
    const retryAfter = retryAfterOf(headers.get("retry-after"), this.#options.now());
    // The original server answers 200 always, and says in `result` what it means.
    const meant = response.ok && result !== undefined && result !== 200 ? result : status;
    const code = typeof answer?.code === "string" ? answer.code : "";
    const said = typeof answer?.hint === "string" ? answer.hint : "The answer is not watchTower's.";
    const isMissing = isNew && (meant === 404 || meant === 405);
    const hint = isMissing ? `The server has no ${what}: it is older than this client, or no watchTower.` : said;
    throw new WatchTowerError(what, meant, code, hint, retryAfter);
  }
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      done();
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener("abort", wake);
    if (signal?.aborted) wake();
  });
}

function baseOf(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new WatchTowerError("The address", 0, "", "must be an http or https URL.");
  }
  const { protocol, username, password, search, hash, origin, pathname } = parsed;
  if (!/^https?:$/.test(protocol) || username || password || search || hash) {
    throw new WatchTowerError(
      "The address",
      0,
      "",
      "must be an http or https URL without a user, a query and a fragment.",
    );
  }
  return origin + pathname.replace(/\/+$/, "");
}

function queryText(query: Record<string, unknown> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  // Not `+` for a space, which is right in forms only.
  const pairs = given.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

type Deadline = ReturnType<typeof deadline>;

/** A signal that ends a request when its time is over, or when another one says so. */
function deadline(timeoutMs: number, outer?: AbortSignal) {
  const controller = new AbortController();
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const abort = () => controller.abort();
  const limit = {
    signal: controller.signal,
    isOver: () => isOver,
    restart(ms: number) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        isOver = true;
        abort();
      }, ms);
    },
    pause: () => clearTimeout(timer),
    clear() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", abort);
    },
    /** Ends what is still under way. */
    end() {
      limit.clear();
      abort();
    },
  };
  limit.restart(timeoutMs);
  outer?.addEventListener("abort", abort);
  if (outer?.aborted) abort();
  return limit;
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message ?? "The request failed.";
}

function parse(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Answer) : undefined;
  } catch {
    return undefined;
  }
}

/** A `Retry-After` in seconds; it may be a number or a date. */
function retryAfterOf(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, (dateMs - nowMs) / 1_000);
}
