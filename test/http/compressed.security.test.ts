import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { MOST_BODY_BYTES } from "../../src/domain/limits.ts";
import { countStored, expectRefusal } from "../support/app.ts";
import { call, PASSWORD } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();

const GZIP = { "content-encoding": "gzip" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const MIB = 1024 * 1024;

async function gzip(content: string | Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([content]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** A JSON object of exactly so many bytes. */
const jsonOf = (fields: object, bytes: number) => {
  const text = JSON.stringify({ ...fields, padding: "" });
  return text.replace('"padding":""', `"padding":"${"x".repeat(bytes - text.length)}"`);
};
const EVENT = { service: "packed", message: "hello" };

/** Sends a body that is made while it is read, and says how much of it was asked for. */
async function stream(pieces: Iterable<Uint8Array>, headers: Record<string, string>) {
  let taken = 0;
  const source = pieces[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = source.next();
        if (done) return controller.close();
        taken += value.byteLength;
        controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
  const request = new Request("https://tower.example/event", {
    method: "POST",
    headers: { password: PASSWORD, ...headers },
    body,
  });
  const response = await createApp().fetch(request, env as unknown as Env);
  return { answer: { status: response.status, headers: response.headers, body: await response.json() }, taken };
}

function* repeated(piece: Uint8Array): Generator<Uint8Array> {
  for (;;) yield piece;
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

describe("a body that is compressed by gzip", () => {
  it.each(["gzip", "GZIP", " x-gzip "])(
    "is read as what it holds, JSON or a form, where it says %j",
    async (encoding) => {
      const service = `packed ${encoding}`;
      const headers = { "content-encoding": encoding };
      const json = await call("POST", "/event", { raw: await gzip(JSON.stringify({ ...EVENT, service })), headers });
      expect(json.body).toEqual({ result: 200, id: expect.any(String) });
      const form = await call("POST", "/event", {
        raw: await gzip(`service=${service}&message=a+form`),
        headers: { ...headers, ...FORM },
      });
      expect(form.status).toBe(200);
      const { body } = await call("GET", `/events?service=${encodeURIComponent(service)}`);
      expect(body.events.map(({ message }: { message: string }) => message).sort()).toEqual(["a form", "hello"]);
    },
  );

  it("may come in pieces of any size", async () => {
    const packed = await gzip(JSON.stringify({ ...EVENT, padding: Array.from({ length: 900 }, () => Math.random()) }));
    for (const size of [1, 7, 1_000, 5_000]) {
      expect((await stream(cut(packed, size), GZIP)).answer.status, `${size}`).toBe(200);
    }
  });

  it("may hold as much as another body, and not a byte more", async () => {
    const most = await gzip(jsonOf(EVENT, MOST_BODY_BYTES));
    expect((await call("POST", "/event", { raw: most, headers: GZIP })).status).toBe(200);
    const more = await gzip(jsonOf(EVENT, MOST_BODY_BYTES + 1));
    expectRefusal(await call("POST", "/event", { raw: more, headers: GZIP }), 413, "524288 bytes");
  });

  it("may be as large as it gets when it can't be compressed", async () => {
    const noise = new Uint8Array(MOST_BODY_BYTES / 4);
    for (const part of cut(noise, 65_536)) crypto.getRandomValues(part);
    const padding = Array.from(noise, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const raw = await gzip(JSON.stringify({ ...EVENT, padding }));
    expect(raw.byteLength).toBeGreaterThan(MOST_BODY_BYTES / 4);
    expect((await call("POST", "/event", { raw, headers: GZIP })).status).toBe(200);
  });

  it("is stopped where it becomes too large, however much more would come out of it", async () => {
    const bomb = await gzip(new Uint8Array(64 * MIB));
    const { answer, taken } = await stream(cut(bomb, 256), GZIP);
    expectRefusal(answer, 413, "524288 bytes");
    // So much is inflated at once, and a piece or two may be on their way.
    expect(taken).toBeLessThan(4_096 + 3 * 256);
  });

  it("is stopped where it is endless and nothing comes out of it", async () => {
    const [header, nothing] = [(await gzip("")).subarray(0, 10), new Uint8Array([0, 0, 0, 0xff, 0xff])];
    const blocks = new Uint8Array(4_096 * nothing.byteLength).map((_, i) => nothing[i % nothing.byteLength] as number);
    const { answer, taken } = await stream(
      (function* () {
        yield header;
        yield* repeated(blocks);
      })(),
      GZIP,
    );
    expectRefusal(answer, 413, "524288 bytes");
    expect(taken).toBeLessThan(MOST_BODY_BYTES + 2 * blocks.byteLength);
  });

  it("is refused before it is read where its length says enough", async () => {
    const raw = new Uint8Array(MOST_BODY_BYTES + 1);
    expectRefusal(await call("POST", "/event", { raw, headers: GZIP }), 413, "524288 bytes");
  });

  it.each<[what: string, change: (packed: Uint8Array) => Uint8Array]>([
    ["nothing", () => new Uint8Array()],
    ["no gzip", () => new TextEncoder().encode(JSON.stringify(EVENT))],
    ["a header alone", (packed) => packed.slice(0, 10)],
    ["half a header", (packed) => packed.slice(0, 5)],
    ["one that ends too early", (packed) => packed.slice(0, -12)],
    ["one without its check sum", (packed) => packed.slice(0, -8)],
    ["one with half its length", (packed) => packed.slice(0, -2)],
    ["one whose check sum is wrong", (packed) => packed.map((byte, i) => (i === packed.length - 8 ? byte ^ 1 : byte))],
    ["one whose length is wrong", (packed) => packed.map((byte, i) => (i === packed.length - 1 ? byte ^ 1 : byte))],
    ["one with a byte changed", (packed) => packed.map((byte, i) => (i === 14 ? byte ^ 0xff : byte))],
    ["one with something after it", (packed) => new Uint8Array([...packed, 1, 2, 3])],
    ["a zlib stream", (packed) => new Uint8Array([0x78, 0x9c, ...packed.slice(10)])],
  ])("is refused, and nothing is stored, where it is %s", async (_, change) => {
    const before = await countStored();
    const raw = new Uint8Array(change(await gzip(JSON.stringify(EVENT))));
    const answer = await call("POST", "/event", { raw, headers: GZIP });
    expectRefusal(answer, 400, raw.byteLength === 0 ? /gzip|empty/ : "The body must be one gzip stream");
    expect(await countStored()).toEqual(before);
  });

  it("is refused where what it holds is wrong, as any other body", async () => {
    for (const [content, hint] of [
      ["", "body is empty"],
      ["[]", "must be a JSON object"],
      [new Uint8Array([0x7b, 0xff, 0x7d]), "UTF-8"],
    ] as const) {
      expectRefusal(await call("POST", "/event", { raw: await gzip(content), headers: GZIP }), 400, hint);
    }
    const twice = await gzip(await gzip(JSON.stringify(EVENT)));
    expectRefusal(await call("POST", "/event", { raw: twice, headers: GZIP }), 400, "UTF-8");
  });
});

describe("a body of another encoding", () => {
  it.each(["deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "__proto__", "gzip;q=1"])(
    "is refused, with what is accepted: %s",
    async (encoding) => {
      const raw = await gzip(JSON.stringify(EVENT));
      const answer = await call("POST", "/event", { raw, headers: { "content-encoding": encoding } });
      expectRefusal(answer, 400, "content-encoding must be gzip");
      expect(answer.headers.get("accept-encoding")).toBe("gzip");
    },
  );

  it("is read as it is where it says identity", async () => {
    const headers = { "content-encoding": "identity" };
    expect((await call("POST", "/event", { body: EVENT, headers })).status).toBe(200);
  });
});

describe("a body whose length is not said", () => {
  it("is stopped where it becomes too large", async () => {
    const { answer, taken } = await stream(repeated(new Uint8Array(10_000).fill(0x20)), {});
    expectRefusal(answer, 413, "524288 bytes");
    expect(taken).toBeLessThan(MOST_BODY_BYTES + 3 * 10_000);
  });
});
