import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** A local server of a test's. */
export interface Server extends AsyncDisposable {
  url: string;
  /** The bodies of the requests that arrived, by method and path. */
  requests: { line: string; body: string }[];
}

/** Starts a server on loopback; `answer` gets the request when its body is there. */
export async function serve(
  answer: (...args: Parameters<RequestListener>) => void,
  host = "127.0.0.1",
): Promise<Server> {
  const requests: Server["requests"] = [];
  const server = createServer(async (request, response) => {
    requests.push({ line: `${request.method} ${request.url}`, body: await textOf(request) });
    answer(request, response);
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** An address where nobody listens. */
export async function nowhere(): Promise<string> {
  const server = await serve(() => {});
  await server[Symbol.asyncDispose]();
  return server.url;
}
