import { once } from "node:events";
import { Agent, type IncomingMessage, request as send } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { MOST_BODY_BYTES } from "../../src/domain/limits.ts";
import type { Answered } from "../support/contract.ts";
import type { FuzzRequest } from "./request.ts";

/** What came of a request: an answer with its text, nothing where none was awaited, or a problem. */
export type Result = { answer: Answered & { text: string } } | { problem: string } | undefined;

/** An answer has to be there by then, all of it. */
const TIMEOUT_MS = 10_000;

/** Connections to a watchTower that are kept and used again, as many as there are requests at once. */
export class Wire {
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(baseUrl: string, connections: number) {
    this.#url = new URL(baseUrl);
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Sends a request, and reads its answer. */
  async send(request: FuzzRequest, isSecondTry = false): Promise<Result> {
    try {
      return await this.#exchange(request);
    } catch (error) {
      // A connection that was kept may have been ended just then, after a body that was not read to its end.
      if (!isSecondTry && isReset(error)) return this.send(request, true);
      // It was answered before it was sent, and the connection ended: the answer may get lost on the way.
      if (isReset(error) && (request.body?.byteLength ?? 0) > MOST_BODY_BYTES) return undefined;
      const { code = "", message } = error as NodeJS.ErrnoException;
      return { problem: `${code} ${message}` };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #exchange({ method, target, headers, body, sending }: FuzzRequest): Promise<Result> {
    const lines: Record<string, string[]> = {};
    for (const [name, value] of headers) {
      const key = name.toLowerCase();
      lines[key] = key === "host" ? [value] : [...(lines[key] ?? []), value];
    }
    const isChunked = sending === "chunked" && body !== undefined;
    if (body !== undefined && !isChunked) lines["content-length"] = [String(body.byteLength)];
    // Of a DELETE Node would send it without saying where it ends.
    if (isChunked) lines["transfer-encoding"] = ["chunked"];
    if (lines.host === undefined) lines.host = [this.#url.host];
    const outgoing = send({
      host: this.#url.hostname,
      port: this.#url.port,
      agent: this.#agent,
      method,
      path: target,
      // One value as a text: of some headers Node takes no list.
      headers: Object.fromEntries(
        Object.entries(lines).map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
      ),
      setHost: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
    // An answer may come, and the connection end, before the body has been sent.
    outgoing.on("error", () => undefined);
    if (sending === "cut" && body !== undefined && body.byteLength > 0) {
      answered.catch(() => undefined);
      outgoing.write(body.subarray(0, Math.floor(body.byteLength / 2)));
      await delay(5);
      outgoing.destroy();
      return undefined;
    }
    if (isChunked) for (let at = 0; at < body.byteLength; at += 50_000) outgoing.write(body.subarray(at, at + 50_000));
    outgoing.end(isChunked ? undefined : body);
    const [incoming] = await answered;
    return { answer: await read(incoming) };
  }
}

function isReset(error: unknown): boolean {
  return ["ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");
}

async function read(incoming: IncomingMessage) {
  const chunks: Buffer[] = [];
  const isEndless = incoming.headers["content-type"] === "text/event-stream";
  for await (const chunk of incoming) {
    chunks.push(chunk);
    if (isEndless) break;
  }
  const bytes = Buffer.concat(chunks);
  const text = (
    bytes.length > 0 && incoming.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes
  ).toString("utf8");
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (name !== "set-cookie") headers.set(name, String(value));
  }
  const isJson = text !== "" && (headers.get("content-type")?.startsWith("application/json") ?? false);
  return { status: incoming.statusCode ?? 0, headers, text, body: isJson ? parse(text) : text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
