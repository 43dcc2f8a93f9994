import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventQueue, type EventQueueOptions, eventConsole, pinoStream } from "../src/index.ts";
import { mended } from "../src/message.ts";
import { recorded } from "./support/recording.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

/** A queue whose requests are answered by a function; what it got is written down. */
function queueOver(answer: (index: number) => Response | Promise<Response>, options: EventQueueOptions = {}) {
  const sent: { service: string; message: string; level?: unknown; alert?: boolean }[] = [];
  const { client } = recorded([], {
    async fetch(_, init) {
      sent.push(JSON.parse(String(init?.body)));
      const response = answer(sent.length - 1);
      const aborted = new Promise<never>((_, fail) =>
        init?.signal?.addEventListener("abort", () => fail(new Error("aborted"))),
      );
      return Promise.race([response, aborted]);
    },
  });
  const errors: unknown[] = [];
  const queue = new EventQueue(client, { onError: (error) => errors.push(error), ...options });
  return { queue, sent, errors, messages: () => sent.map(({ message }) => message) };
}

const ok = () => new Response('{"result":200,"id":"01M8374DZ0Q2V8K6CJ5V0S3XKA"}');
const refusal = (status: number, headers = {}) =>
  new Response(JSON.stringify({ result: status, code: "x", hint: "y" }), { status, headers });
const never = () => new Promise<Response>(() => {});

describe("a queue of events", () => {
  it("sends them in order, one at a time", async () => {
    const { queue, sent } = queueOver(ok);
    queue.event("a", "first", "error");
    queue.add("b", "second", 2, { alert: true });
    queue.event("a", "third");
    expect(await queue.flush()).toBe(true);
    expect(sent).toEqual([
      { service: "a", message: "first", level: "error" },
      { service: "b", message: "second", level: 2, alert: true },
      { service: "a", message: "third" },
    ]);
    expect(queue.size).toBe(0);
  });

  it("keeps the order while the server fails, and tries for as long as it lives", async () => {
    const failures = 12;
    const { queue, messages, errors } = queueOver((i) => (i < failures ? refusal(500) : ok()));
    queue.event("a", "first");
    queue.event("a", "second");
    // 1, 2, 4, … 32 seconds, and 60 from then on.
    await seconds(63);
    expect(messages()).toHaveLength(7);
    await seconds(60 * 6);
    expect(messages()).toEqual([...Array(failures + 1).fill("first"), "second"]);
    expect(errors).toHaveLength(failures);
    expect(queue.dropped).toBe(0);
  });

  it("waits as long as the server asks, but not for hours", async () => {
    const { queue, messages } = queueOver((i) =>
      i === 0 ? refusal(429, { "retry-after": "20" }) : i === 1 ? refusal(429, { "retry-after": "7200" }) : ok(),
    );
    queue.event("a", "patient");
    await seconds(19.9);
    expect(messages()).toHaveLength(1);
    await seconds(0.2);
    expect(messages()).toHaveLength(2);
    await seconds(59.8);
    expect(messages()).toHaveLength(2);
    await seconds(0.2);
    expect(messages()).toHaveLength(3);
  });

  it("drops what the server refuses, counts it, and goes on", async () => {
    const { queue, messages } = queueOver((i) => (i === 0 ? refusal(403) : i === 1 ? new Response("<html>") : ok()));
    queue.event("a", "refused");
    queue.event("a", "garbage");
    queue.event("a", "fine");
    expect(await queue.flush()).toBe(true);
    expect(messages()).toEqual(["refused", "garbage", "fine"]);
    expect(queue.dropped).toBe(2);
  });

  it("drops and counts what comes when it is full", async () => {
    const { queue, messages } = queueOver(never, { capacity: 2 });
    for (const message of ["first", "second", "third", "fourth"]) queue.event("a", message);
    expect({ size: queue.size, dropped: queue.dropped }).toEqual({ size: 2, dropped: 2 });
    expect(messages()).toEqual(["first"]);
  });

  it("says when it could not be flushed in time, and keeps what it has", async () => {
    const { queue } = queueOver(never);
    queue.event("a", "first");
    const flushed = queue.flush(3_000);
    await seconds(3.1);
    expect(await flushed).toBe(false);
    expect(queue.size).toBe(1);
  });

  it("tries at once when it is flushed in a pause", async () => {
    const { queue, messages } = queueOver((i) => (i < 6 ? refusal(503) : ok()));
    queue.event("a", "first");
    await seconds(40);
    expect(messages()).toHaveLength(6);
    expect(await queue.flush(1_000)).toBe(true);
  });

  it("drops and counts what is left when it is closed, and what comes later", async () => {
    const { queue, messages, errors } = queueOver(never);
    queue.event("a", "first");
    queue.event("a", "second");
    const closed = queue.close(2_000);
    queue.event("a", "late");
    await seconds(2.1);
    await closed;
    queue.event("a", "later");
    await seconds(600);
    expect(queue.dropped).toBe(4);
    // The request that was under way is given up: it would keep the program alive.
    expect(errors).toMatchObject([{ status: 0, hint: "aborted" }]);
    expect(messages()).toEqual(["first"]);
  });

  it("takes whatever a program gives it, and throws nothing", async () => {
    const { queue, sent } = queueOver(ok, {
      onError() {
        throw new Error("callback");
      },
    });
    const thrower = {
      toString() {
        throw new Error("no text");
      },
    };
    for (const value of [undefined, null, 1, {}, thrower, Symbol("s")]) queue.event("a", value as string);
    expect(await queue.flush()).toBe(true);
    expect(sent.map(({ message }) => message)).toEqual(["undefined", "null", "1", "[object Object]", "?", "Symbol(s)"]);
  });
});

describe("a message", () => {
  it("is mended as little as possible, so that the server takes it", () => {
    const units = fc.array(
      fc.oneof(fc.constantFrom("\0", "\ud800", "\udc00", "🦊", "é", "a"), fc.string({ unit: "binary" })),
    );
    fc.assert(
      fc.property(units, fc.constantFrom(1, 30_000), (parts, times) => {
        const message = parts.join("").repeat(parts.join("").length < 10 ? times : 1);
        const result = mended(message);
        const bytes = Buffer.byteLength(result);
        expect(bytes).toBeGreaterThanOrEqual(1);
        expect(bytes).toBeLessThanOrEqual(65_536);
        expect(result.isWellFormed() && !result.includes("\0")).toBe(true);
        const whole = message.replaceAll("\0", "\ufffd").toWellFormed();
        if (Buffer.byteLength(whole) <= 65_536) expect(result).toBe(whole || " ");
        else {
          expect(result.endsWith("…") && whole.startsWith(result.slice(0, -1))).toBe(true);
          expect(bytes).toBeGreaterThan(65_536 - 8);
        }
      }),
    );
  });
});

describe("a console", () => {
  it("writes events, each at its level", async () => {
    const { queue, sent } = queueOver(ok);
    const log = eventConsole(queue, "web");
    log.debug("a", 1, { b: [2] });
    log.log("c");
    log.info(null, undefined, true);
    log.warn("w");
    const error = new Error("boom");
    log.error("failed:", error);
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    log.error(circular);
    await queue.flush();
    expect(sent).toEqual([
      { service: "web", level: "debug", message: 'a 1 {"b":[2]}' },
      { service: "web", level: "info", message: "c" },
      { service: "web", level: "info", message: "null undefined true" },
      { service: "web", level: "warning", message: "w" },
      { service: "web", level: "error", message: `failed: ${error.stack}` },
      { service: "web", level: "error", message: "[object Object]" },
    ]);
  });
});

describe("a stream for pino", () => {
  it("writes events, with the stack of an error", async () => {
    const { queue, sent } = queueOver(ok);
    const stream = pinoStream(queue, "web");
    for (const level of [10, 20, 30, 40, 50, 60]) stream.write(`${JSON.stringify({ level, msg: `at ${level}` })}\n`);
    stream.write(
      JSON.stringify({
        level: 50,
        msg: "failed",
        err: { type: "Error", message: "boom", stack: "Error: boom\n at x" },
      }),
    );
    stream.write("no JSON\n");
    stream.write("1");
    await queue.flush();
    expect(sent.map(({ level, message }) => [level, message])).toEqual([
      ["debug", "at 10"],
      ["debug", "at 20"],
      ["info", "at 30"],
      ["warning", "at 40"],
      ["error", "at 50"],
      ["critical", "at 60"],
      ["error", "failed\nError: boom\n at x"],
      ["info", "no JSON"],
      ["info", "1"],
    ]);
  });
});
