import { connect, type Socket } from "node:net";

/** A request that is sent as it is, and how long it took, in milliseconds. */
export interface Exchange {
  status: number;
  ms: number;
  /** The status line and the headers. */
  head: string;
  body: Buffer;
}

/** What a request says. */
export interface Said {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A request as bytes, made before it is timed. */
export function encode(host: string, { method = "POST", path = "/", headers = {}, body = "" }: Said): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (method !== "GET") lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

/**
 * One connection, kept open, with one request under way. It knows as much of HTTP as is needed here: Node's own client
 * takes more CPU time for a request than workerd does for a pulse, and on two cores it would be the client that is
 * measured.
 */
export class Connection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #answer: { resolve: (answer: Omit<Exchange, "ms">) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => this.#answer?.reject(error));
    socket.on("close", () => this.#answer?.reject(new Error("the connection was closed before the answer")));
  }

  /** Opens a connection. */
  static open(url: URL): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname, () => {
        socket.off("error", reject);
        resolve(new Connection(socket));
      });
      socket.once("error", reject);
    });
  }

  /** Sends a request, and waits for the whole answer. */
  async send(request: Buffer): Promise<Exchange> {
    // Whoever is idle for long is cut off, and would wait for ever.
    if (this.#socket.destroyed) throw new Error("the connection was closed before the request");
    const beganMs = performance.now();
    const answer = await new Promise<Omit<Exchange, "ms">>((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#socket.write(request);
    });
    return { ...answer, ms: performance.now() - beganMs };
  }

  /** Closes the connection. */
  close(): void {
    this.#answer = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#received.toString("latin1", 0, headEnd);
    const body = bodyOf(head, this.#received.subarray(headEnd + 4));
    if (body === undefined) return;
    this.#received = Buffer.alloc(0);
    this.#answer?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }
}

/** The body, as soon as all of it is there. */
function bodyOf(head: string, received: Buffer): Buffer | undefined {
  const length = head.match(/\r\ncontent-length: *(\d+)/i)?.[1];
  if (length !== undefined) return received.length >= Number(length) ? received : undefined;
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = received.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(received.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (received.length < end + 2) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(received.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
