/** What came as server-sent events. */
export interface Heard {
  // biome-ignore lint/suspicious/noExplicitAny: what arrives is looked at, not trusted.
  events: { id: string; type: string; data: any }[];
  comments: number;
}

/** Reads server-sent events as a browser does (HTML, 9.2.6); it keeps its place over several answers. */
export class EventReader implements Heard {
  readonly events: Heard["events"] = [];
  comments = 0;
  /** What the client would send as Last-Event-ID. */
  lastEventId = "";
  retryMs: number | undefined;
  #idBuffer = "";
  #data: string[] = [];
  #type = "";
  #rest = "";
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #decoder = new TextDecoder();

  /** Begins with an answer. What an answer before it left unfinished is dropped. */
  open(body: ReadableStream<Uint8Array>): void {
    this.#reader = body.getReader();
    this.#decoder = new TextDecoder();
    this.#rest = "";
    this.#data = [];
    this.#type = "";
    this.#idBuffer = this.lastEventId;
  }

  /** Reads what comes next; false at the end. */
  async read(): Promise<boolean> {
    const part = await this.#reader?.read();
    if (!part || part.done) return false;
    const lines = (this.#rest + this.#decoder.decode(part.value, { stream: true })).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
    return true;
  }

  /** Reads until so many events were heard. */
  async readEvents(count: number): Promise<void> {
    while (this.events.length < count && (await this.read()));
  }

  /** Reads until the answer ends. */
  async readAll(): Promise<void> {
    while (await this.read());
  }

  /** Goes away. */
  async close(): Promise<void> {
    await this.#reader?.cancel();
  }

  #take(line: string): void {
    if (line === "") {
      this.#dispatch();
      return;
    }
    if (line.startsWith(":")) {
      this.comments++;
      return;
    }
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    if (name === "event") this.#type = value;
    if (name === "id" && !value.includes("\0")) this.#idBuffer = value;
    if (name === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(): void {
    this.lastEventId = this.#idBuffer;
    const data = this.#data.join("\n");
    if (data !== "") this.events.push({ id: this.lastEventId, type: this.#type || "message", data: JSON.parse(data) });
    this.#data = [];
    this.#type = "";
  }
}
