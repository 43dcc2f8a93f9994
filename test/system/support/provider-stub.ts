import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A request as it arrived. */
export interface StubRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** When it was complete, in milliseconds since the epoch. */
  atMs: number;
}

/** What to do with a request; without anything, an empty 200. */
export interface StubAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** `hang`: never answer; `reset`: cut the connection; `garbage`: answer something that is no HTTP. */
  instead?: "hang" | "reset" | "garbage";
  /** How long to wait before. */
  delayMs?: number;
}

/** An HTTP server in the place of a provider. */
export interface ProviderStub extends AsyncDisposable {
  url: string;
  /** Everything that arrived, oldest first. */
  requests: StubRequest[];
  /** Sets what a path (without its query) is answered with from now on: an answer, or one made from each request. */
  answer(path: string, answer: StubAnswer | ((request: StubRequest) => StubAnswer)): void;
  /** Answers a path only when something has happened. */
  hold(path: string, until: Promise<void>): void;
  /** Waits for the `count`-th request that matches, earlier ones included. */
  waitFor(
    matches: (request: StubRequest) => boolean,
    options?: { count?: number; timeoutMs?: number },
  ): Promise<StubRequest>;
  stop(): Promise<void>;
}

/** Starts the stub on loopback, on `port` or any free one. */
export async function startProviderStub(port = 0): Promise<ProviderStub> {
  const requests: StubRequest[] = [];
  const answers = new Map<string, (request: StubRequest) => StubAnswer>();
  const held = new Map<string, Promise<void>>();
  const listeners = new Set<() => void>();

  const server = createServer(async (incoming, response) => {
    const request = await record(incoming).catch(() => undefined);
    if (request === undefined) return;
    requests.push(request);
    for (const listener of listeners) listener();
    const path = request.path.replace(/\?.*/, "");
    await held.get(path);
    const answer = answers.get(path)?.(request) ?? {};
    if (answer.delayMs !== undefined) await delay(answer.delayMs, undefined, { ref: false });
    reply(response, answer);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));

  async function stop(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (path, answer) => answers.set(path, typeof answer === "function" ? answer : () => answer),
    hold: (path, until) => void held.set(path, until),
    waitFor: (matches, { count = 1, timeoutMs = 10_000 } = {}) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          listeners.delete(look);
          const seen = requests.map(({ method, path, body }) => `${method} ${path} ${body}`).join("\n");
          reject(new Error(`Request ${count} did not come within ${timeoutMs} ms. All that came:\n${seen}`));
        }, timeoutMs);
        function look() {
          const found = requests.filter(matches)[count - 1];
          if (found === undefined) return;
          clearTimeout(timer);
          listeners.delete(look);
          resolve(found);
        }
        listeners.add(look);
        look();
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function record(incoming: IncomingMessage): Promise<StubRequest> {
  let body = "";
  for await (const chunk of incoming.setEncoding("utf8")) body += chunk;
  return { method: incoming.method ?? "", path: incoming.url ?? "", headers: incoming.headers, body, atMs: Date.now() };
}

function reply(response: ServerResponse, { status = 200, headers = {}, body = "", instead }: StubAnswer): void {
  if (instead === "reset") response.destroy();
  else if (instead === "garbage") response.socket?.end("\x00\x01 no HTTP \xff\r\n\r\n");
  else if (instead === undefined) response.writeHead(status, headers).end(body);
}
