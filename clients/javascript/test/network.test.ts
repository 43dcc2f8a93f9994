import { describe, expect, it } from "vitest";
import { Client, WatchTowerError } from "../src/index.ts";
import { nowhere, serve } from "./support/server.ts";

const quick = { attempts: 1, timeoutMs: 150 };

async function failureOf(work: Promise<unknown>): Promise<WatchTowerError> {
  const error = await work.then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(WatchTowerError);
  return error as WatchTowerError;
}

describe("a client on a real network", () => {
  it("says that nobody listens", async () => {
    const { status, hint } = await failureOf(new Client(await nowhere(), "secret", quick).heartbeats());
    expect(status).toBe(0);
    expect(hint).toContain("ECONNREFUSED");
  });

  it("gives up a server that never answers", async () => {
    await using server = await serve(() => {});
    const { status, hint } = await failureOf(new Client(server.url, "secret", quick).heartbeats());
    expect(status).toBe(0);
    expect(hint).toBe("no answer within 150 ms");
  });

  it("gives up a server that answers drop by drop", async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    });
    const { hint } = await failureOf(new Client(server.url, "secret", quick).heartbeats());
    expect(hint).toBe("no answer within 150 ms");
  });

  it("finds a server below a path, and one on IPv6", async () => {
    for (const host of ["127.0.0.1", "::1"]) {
      await using server = await serve((_, response) => response.end('{"result":200,"heartBeats":[]}'), host);
      expect(await new Client(`${server.url}/tower/`, "secret", quick).heartbeats()).toEqual([]);
      expect(server.requests).toEqual([{ line: "GET /tower/heartbeats", body: "" }]);
    }
  });

  it("doesn't follow a redirect, which would carry the password elsewhere", async () => {
    await using other = await serve((_, response) => response.end('{"result":200,"heartBeats":[]}'));
    await using server = await serve((_, response) => response.writeHead(302, { location: other.url }).end());
    const { status, hint } = await failureOf(new Client(server.url, "secret", quick).heartbeats());
    expect(status).toBe(302);
    expect(hint).toContain(other.url);
    expect(other.requests).toEqual([]);
  });
});

/** All that an iterator gives, and the error that it ends with. */
async function readAll<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error?: unknown }> {
  const read: T[] = [];
  try {
    for await (const item of items) read.push(item);
    return { items: read };
  } catch (error) {
    return { items: read, error };
  }
}

const event = (id: number) => ({
  id: String(id),
  date: 1,
  level: 0,
  message: "é".repeat(50),
  service: "a",
  alert: false,
});
const NDJSON = { "content-type": "application/x-ndjson; charset=utf-8" };
const SSE = { "content-type": "text/event-stream" };

describe("an export on a real network", () => {
  it("gives the lines as they come, and ends where the server ends it", async () => {
    let goOn = () => {};
    await using server = await serve(async (_, response) => {
      response.writeHead(200, NDJSON).write(`${JSON.stringify(event(1))}\n{"id":`);
      await new Promise<void>((done) => {
        goOn = done;
      });
      response.end('"2"}\n');
    });
    const events = new Client(server.url, "secret", quick).exportEvents();
    expect((await events.next()).value).toEqual(event(1));
    goOn();
    expect(await readAll(events)).toEqual({ items: [{ id: "2" }] });
  });

  it("is an error where the connection breaks off, also between two lines", async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200, NDJSON).write(`${JSON.stringify(event(1))}\n`, () => response.destroy());
    });
    const { items, error } = await readAll(new Client(server.url, "secret", quick).exportEvents());
    expect(items).toEqual([event(1)]);
    expect(error).toMatchObject({ name: "WatchTowerError", status: 0 });
  });

  it("is an error where nothing comes any more", async () => {
    await using server = await serve((_, response) => response.writeHead(200, NDJSON).write("{}\n"));
    const client = new Client(server.url, "secret", { ...quick, idleTimeoutMs: 100 });
    const { items, error } = await readAll(client.exportEvents());
    expect(items).toEqual([{}]);
    expect(error).toMatchObject({ status: 0, hint: "nothing came within 100 ms" });
  });

  it("may take longer than an answer, as long as something comes, and as long as its reader wants", async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200, NDJSON);
      let count = 0;
      const timer = setInterval(() => {
        response.write("{}\n");
        if (++count === 6) response.end();
      }, 50);
      response.on("close", () => clearInterval(timer));
    });
    const client = new Client(server.url, "secret", { ...quick, idleTimeoutMs: 150 });
    let count = 0;
    for await (const _ of client.exportEvents()) {
      if (count++ === 0) await new Promise((done) => setTimeout(done, 300));
    }
    expect(count).toBe(6);
  });

  it("reads no more than is asked for, so that memory stays flat", async () => {
    let written = 0;
    const line = `${JSON.stringify({ ...event(1), message: "a".repeat(60_000) })}\n`;
    await using server = await serve((_, response) => {
      response.writeHead(200, NDJSON);
      const write = () => {
        while (written < 1_000) {
          written++;
          if (!response.write(line)) return response.once("drain", write);
        }
        return response.end();
      };
      write();
    });
    let count = 0;
    for await (const _ of new Client(server.url, "secret").exportEvents()) {
      if (++count > 1) continue;
      // Of the 60 MB only what fits into the buffers on the way is written while nobody reads.
      for (let before = 0; before < written; await new Promise((done) => setTimeout(done, 100))) before = written;
      expect(written).toBeLessThan(500);
    }
    expect(count).toBe(1_000);
  });

  it("closes its connection when its reader has enough", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await serve((_, response) => {
      response.on("close", () => closed.resolve());
      response.writeHead(200, NDJSON).write("{}\n{}\n");
    });
    for await (const _ of new Client(server.url, "secret").exportEvents()) break;
    await closed.promise;
  });
});

describe("a tail on a real network", () => {
  it("goes on over connections that end, break off, fall silent or can't be made, until its signal", async () => {
    const endings = ["end", "break", "silence", "unavailable", "stay"];
    let connection = 0;
    await using server = await serve((request, response) => {
      const ending = endings[connection++];
      if (ending === "unavailable") return response.writeHead(503).end();
      const after = Number(request.headers["last-event-id"] ?? 0);
      response.writeHead(200, SSE);
      response.write(`retry: 10\n\nid: ${after + 1}\ndata: ${JSON.stringify(event(after + 1))}\n\n`, () => {
        if (ending === "end") response.end();
        if (ending === "break") response.destroy();
      });
      return undefined;
    });
    const client = new Client(server.url, "secret", { idleTimeoutMs: 100 });
    const ended = new AbortController();
    const errors: string[] = [];
    let opened = 0;
    const events = client.tail(
      {},
      {
        signal: ended.signal,
        onError: ({ status, hint }) => errors.push(status === 0 && hint.startsWith("nothing") ? hint : String(status)),
        onOpen: () => opened++,
      },
    );
    const ids: string[] = [];
    for await (const { id } of events) {
      ids.push(id);
      if (id === "4") ended.abort();
    }
    expect(ids).toEqual(["1", "2", "3", "4"]);
    expect(errors).toEqual(["0", "nothing came within 100 ms", "503"]);
    expect(opened).toBe(4);
  });

  it("ends by its signal while nothing comes, and while it waits", async () => {
    for (const isOpen of [true, false]) {
      const arrived = Promise.withResolvers<void>();
      await using server = await serve((_, response) => {
        if (isOpen) response.writeHead(200, SSE).write(": here\n\n");
        else response.writeHead(429, { "retry-after": "60" }).end();
        arrived.resolve();
      });
      const ended = new AbortController();
      const failed = Promise.withResolvers<void>();
      const options = { signal: ended.signal, onError: () => failed.resolve(), onOpen: () => failed.resolve() };
      const next = new Client(server.url, "secret").tail({}, options).next();
      await Promise.all([arrived.promise, failed.promise]);
      ended.abort();
      expect(await next).toEqual({ done: true, value: undefined });
    }
  });
});

describe("a client", () => {
  it.each([
    "",
    "tower.example",
    "ftp://tower.example",
    "http://ann:pw@tower.example",
    "http://tower.example/?a=b",
    "http://tower.example/#a",
  ])("refuses the address %j", (url) => {
    expect(() => new Client(url, "secret")).toThrow(WatchTowerError);
  });

  it.each(["", " ", "a ", "käse", "two\nlines", "\0"])("refuses the password %j, and doesn't repeat it", (password) => {
    expect(() => new Client("http://tower.example", password)).toThrow(/^The password: must be printable ASCII/);
  });
});
