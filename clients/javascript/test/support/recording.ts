import { Client, type ClientOptions } from "../../src/index.ts";

/** One request that has to be made, and what is answered. */
export interface Exchange {
  request: {
    method: string;
    path: string;
    query?: Record<string, string>;
    headers?: Record<string, string>;
    body?: unknown;
  };
  answer:
    | { status: number; headers?: Record<string, string>; body?: unknown; text?: string; breaksOff?: boolean }
    | { failure: string };
}

/** What a client did over a recording. */
export interface Recording {
  client: Client;
  /** The requests that were made, written as exchanges have them. */
  requests: (Exchange["request"] & { headers: Record<string, string> })[];
  /** How long it waited between attempts, in seconds. */
  waits: number[];
}

export const BASE = "http://tower.example/prefix";
export const PASSWORD = "correct horse";

/** A client over a recorded transport: each request gets the next answer, and none beyond the last. */
export function recorded(exchanges: Exchange[], options: ClientOptions = {}): Recording {
  const requests: Recording["requests"] = [];
  const waits: number[] = [];
  const client = new Client(BASE, PASSWORD, {
    async fetch(input, init = {}) {
      const exchange = exchanges[requests.length];
      requests.push(requestOf(String(input), init));
      if (!exchange) throw new Error("There was one request too many.");
      return answerOf(exchange.answer);
    },
    async sleep(ms) {
      waits.push(ms / 1_000);
    },
    ...options,
  });
  return { client, requests, waits };
}

function requestOf(address: string, init: RequestInit): Recording["requests"][number] {
  if (!address.startsWith(`${BASE}/`)) throw new Error(`${address} is not below the base URL.`);
  const url = new URL(address);
  const query = Object.fromEntries(url.searchParams);
  return {
    method: init.method ?? "GET",
    path: url.pathname.replace("/prefix", ""),
    ...(Object.keys(query).length > 0 && { query }),
    ...(init.body !== undefined && { body: JSON.parse(String(init.body)) }),
    headers: Object.fromEntries(new Headers(init.headers)),
  };
}

function answerOf(answer: Exchange["answer"]): Response {
  if ("failure" in answer) throw new TypeError("fetch failed", { cause: { code: answer.failure } });
  const { status, headers = {}, body, text = "", breaksOff = false } = answer;
  return new Response(body === undefined ? streamOf(text, breaksOff) : JSON.stringify(body), { status, headers });
}

/** A text as networks bring it: in pieces that heed neither lines nor characters. */
function streamOf(text: string, breaksOff: boolean): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      at += 7;
      if (at - 7 < bytes.length) controller.enqueue(bytes.subarray(at - 7, at));
      else if (breaksOff) controller.error(new TypeError("terminated"));
      else controller.close();
    },
  });
}
