import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type EventFields, EventQueue, type EventQueueOptions, eventConsole, pinoStream } from "../src/index.ts";
import { mended } from "../src/message.ts";
import { ulidMaker } from "../src/ulid.ts";
import { recorded } from "./support/recording.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
const queues: EventQueue[] = [];
afterEach(() => {
  for (const queue of queues.splice(0)) void queue.close(0);
  vi.useRealTimers();
});

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

interface SentEvent {
  id?: string;
  service: string;
  message: string;
  level?: unknown;
  alert?: boolean;
  fields?: unknown;
}

/** A queue whose requests are answered by a function; what it got is written down. */
function queueOver(
  answer: (index: number, events: SentEvent[]) => Response | Promise<Response>,
  options: EventQueueOptions = {},
) {
  const requests: { path: string; events: SentEvent[]; bytes: number }[] = [];
  const { client } = recorded([], {
    async fetch(address, init) {
      const text = String(init?.body);
      const body = JSON.parse(text);
      const events: SentEvent[] = Array.isArray(body) ? body : [body];
      requests.push({ path: new URL(String(address)).pathname, events, bytes: Buffer.byteLength(text) });
      const response = answer(requests.length - 1, events);
      const aborted = new Promise<never>((_, fail) =>
        init?.signal?.addEventListener("abort", () => fail(new Error("aborted"))),
      );
      return Promise.race([response, aborted]);
    },
  });
  const errors: unknown[] = [];
  const queue = new EventQueue(client, { onError: (error) => errors.push(error), ...options });
  queues.push(queue);
  const sent = () => requests.flatMap(({ events }) => events);
  /** The messages of each request. */
  const batches = () => requests.map(({ events }) => events.map(({ message }) => message));
  return { queue, requests, errors, sent, batches };
}

/** All is stored, except for some. */
const stored = (events: SentEvent[], refused: { index: number; hint: string }[] = []) => {
  const ids = events.filter((_, i) => !refused.some(({ index }) => index === i)).map(({ id }) => id);
  return new Response(JSON.stringify({ result: 200, stored: ids.length, ids, refused }));
};
const ok = (_: number, events: SentEvent[]) => stored(events);
const refusal = (status: number, headers = {}) =>
  new Response(JSON.stringify({ result: status, code: "x", hint: "y" }), { status, headers });
const never = () => new Promise<Response>(() => {});

describe("a queue of events", () => {
  it("sends them in order, together, each with an id of when it was taken", async () => {
    vi.setSystemTime(Date.UTC(2026, 10, 23));
    const { queue, requests, sent } = queueOver(ok);
    const fields = { host: "web-1" };
    queue.event("a", "first", "error", { fields });
    fields.host = "changed since";
    queue.add("b", "second", 2, { alert: true });
    queue.put({ service: "a", message: "third", date: new Date(Date.UTC(2026, 10, 22)) });
    queue.put({ service: "a", message: "fourth", id: "01KXP4XMF0PJ52PJ52PJ52PJ52" });
    expect(await queue.flush()).toBe(true);
    expect(requests.map(({ path }) => path)).toEqual(["/prefix/events"]);
    const id = expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(sent()).toEqual([
      { id, service: "a", message: "first", level: "error", fields: { host: "web-1" } },
      { id, service: "b", message: "second", level: 2, alert: true },
      { id, service: "a", message: "third" },
      { id: "01KXP4XMF0PJ52PJ52PJ52PJ52", service: "a", message: "fourth" },
    ]);
    const [first = "", second = "", third = ""] = sent().map(({ id }) => id);
    expect([first, second, third].map(msOf)).toEqual([1_795_392_000_000, 1_795_392_000_000, 1_795_305_600_000]);
    // Those of one millisecond sort in their order.
    expect(second > first).toBe(true);
    expect(queue.size).toBe(0);
  });

  it("sends what has come meanwhile by the next request", async () => {
    let answer = (_: Response) => {};
    const { queue, batches, sent } = queueOver((i, events) =>
      i > 0 ? stored(events) : new Promise((done) => (answer = done)),
    );
    queue.event("a", "first");
    await seconds(0);
    for (let i = 0; i < 5; i++) queue.event("a", `later ${i}`);
    await seconds(1);
    expect(batches()).toEqual([["first"]]);
    answer(stored(sent()));
    expect(await queue.flush()).toBe(true);
    expect(batches()).toEqual([["first"], ["later 0", "later 1", "later 2", "later 3", "later 4"]]);
  });

  it("sends at most 1,000 events and 1 MiB by one request", async () => {
    const { queue, requests, sent } = queueOver(ok, { capacity: 3_000 });
    for (let i = 0; i < 2_500; i++) queue.event("a", `event ${i}`);
    expect(await queue.flush()).toBe(true);
    expect(requests.map(({ events }) => events.length)).toEqual([1_000, 1_000, 500]);
    // In JSON each of these has six bytes.
    for (let i = 0; i < 5; i++) queue.event("a", "\u0001".repeat(60_000));
    for (let i = 0; i < 40; i++) queue.event("a", "é".repeat(30_000));
    expect(await queue.flush()).toBe(true);
    const large = requests.slice(3);
    expect(large.map(({ bytes }) => bytes <= 1_048_576)).toEqual(large.map(() => true));
    // Each but the last is so full that no other event fits.
    expect(large.slice(0, -1).every(({ bytes }) => bytes > 1_048_576 - 361_000)).toBe(true);
    expect(sent()).toHaveLength(2_545);
    expect(queue.dropped).toBe(0);
  });

  it("keeps the order and the ids while the server fails, and tries for as long as it lives", async () => {
    const failures = 12;
    const { queue, requests, sent, errors } = queueOver((i, events) => (i < failures ? refusal(500) : stored(events)));
    queue.event("a", "first");
    queue.event("a", "second");
    // 1, 2, 4, … 32 seconds, and 60 from then on.
    await seconds(63);
    expect(requests).toHaveLength(7);
    await seconds(60 * 6);
    expect(requests).toHaveLength(failures + 1);
    for (const { events } of requests) expect(events).toEqual(sent().slice(0, 2));
    expect(errors).toHaveLength(failures);
    expect(queue.dropped).toBe(0);
  });

  it("waits as long as the server asks, but not for hours", async () => {
    const { queue, requests } = queueOver((i, events) =>
      i === 0
        ? refusal(429, { "retry-after": "20" })
        : i === 1
          ? refusal(429, { "retry-after": "7200" })
          : stored(events),
    );
    queue.event("a", "patient");
    await seconds(19.9);
    expect(requests).toHaveLength(1);
    await seconds(0.2);
    expect(requests).toHaveLength(2);
    await seconds(59.8);
    expect(requests).toHaveLength(2);
    await seconds(0.2);
    expect(requests).toHaveLength(3);
  });

  it("drops those of them that the server refuses, counts and reports them, and doesn't send them again", async () => {
    const { queue, batches, errors } = queueOver((i, events) =>
      stored(
        events,
        i === 0
          ? [
              { index: 0, hint: "no service" },
              { index: 2, hint: "no level" },
            ]
          : [],
      ),
    );
    for (const message of ["bad", "fine", "worse"]) queue.event("web", message);
    expect(await queue.flush()).toBe(true);
    expect(batches()).toEqual([["bad", "fine", "worse"]]);
    expect(queue.dropped).toBe(2);
    expect(errors.map(String)).toEqual([
      "WatchTowerError: The event of web (400): no service",
      "WatchTowerError: The event of web (400): no level",
    ]);
  });

  it("drops and counts all of a request that is refused, and goes on", async () => {
    const { queue, batches } = queueOver((i, events) =>
      i === 0 ? refusal(403) : i === 1 ? new Response("<html>") : stored(events),
    );
    for (const messages of [["refused", "too"], ["garbage"], ["fine"]]) {
      for (const message of messages) queue.event("a", message);
      expect(await queue.flush()).toBe(true);
    }
    expect(batches()).toEqual([["refused", "too"], ["garbage"], ["fine"]]);
    expect(queue.dropped).toBe(3);
  });

  it("finds the one for which a request is refused as a whole, and drops no other", async () => {
    const { queue, sent, requests } = queueOver((_, events) =>
      events.some(({ message }) => message === "poison") ? refusal(413) : stored(events),
    );
    for (let i = 0; i < 100; i++) queue.event("a", i === 37 ? "poison" : `event ${i}`);
    expect(await queue.flush()).toBe(true);
    expect(queue.dropped).toBe(1);
    expect(requests.length).toBeLessThan(40);
    const taken = requests.filter(({ events }) => !events.some(({ message }) => message === "poison"));
    expect(taken.flatMap(({ events }) => events)).toEqual(
      [...new Map(sent().map((event) => [event.id, event])).values()].filter(({ message }) => message !== "poison"),
    );
  });

  it("sends them one at a time to a server that is older, and doesn't call that a failure", async () => {
    for (const status of [404, 405]) {
      const { queue, requests, batches, errors } = queueOver((i) =>
        i === 0 ? refusal(status) : new Response('{"result":200}'),
      );
      queue.event("a", "first", 3, { fields: { host: "web-1" } });
      queue.event("a", "second");
      expect(await queue.flush()).toBe(true);
      expect(batches()).toEqual([["first", "second"], ["first"], ["second"]]);
      expect(requests.map(({ path }) => path)).toEqual(["/prefix/events", "/prefix/event", "/prefix/event"]);
      expect(requests[1]?.events[0]).toEqual(requests[0]?.events[0]);
      expect({ errors, dropped: queue.dropped }).toEqual({ errors: [], dropped: 0 });
    }
  });

  it("drops what an older server, or one that is no watchTower, refuses", async () => {
    const { queue, errors } = queueOver(() => refusal(404));
    queue.event("a", "first");
    expect(await queue.flush()).toBe(true);
    expect(queue.dropped).toBe(1);
    expect(errors).toMatchObject([{ status: 404 }]);
  });

  it("gives up events that have waited for 30 days, and reports them", async () => {
    let days = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => days * 86_400_000 + 1);
    const { queue, batches, errors } = queueOver((i, events) => (i < 2 ? refusal(503) : stored(events)));
    queue.event("old", "first");
    await seconds(0);
    days = 2;
    queue.event("young", "second");
    await seconds(1);
    days = 30.1;
    await seconds(2);
    clock.mockRestore();
    expect(batches()).toEqual([["first"], ["first", "second"], ["second"]]);
    expect(queue.size).toBe(0);
    expect(queue.dropped).toBe(1);
    expect(errors.map(String)).toContain(
      "WatchTowerError: The event of old (400): It has waited for 30 days; the server takes none that is older.",
    );
  });

  it.each([
    ["is wrong", "1971-05-01T00:00:00Z", 0],
    ["is an hour ahead", "2026-11-23T01:00:00Z", 0],
    ["is set while they wait", "1970-01-01T00:00:07Z", 5],
  ])(
    "stamps events anew that are refused where the clock %s, and keeps their true dates",
    async (_, clock, setAfter) => {
      vi.setSystemTime(new Date(clock));
      const trueMs = Date.UTC(2026, 10, 23);
      const startedMs = performance.now();
      const serverMs = () => trueMs + performance.now() - startedMs;
      const { queue, requests, sent, errors } = queueOver((i, events) => {
        if (i === 0) return refusal(503);
        const isOff = ({ id = "" }: SentEvent) => Math.abs(msOf(id) - serverMs()) > 600_000;
        const refused = events.flatMap((event, index) => (isOff(event) ? [{ index, hint: "too old" }] : []));
        const response = stored(events, refused);
        response.headers.set("date", new Date(serverMs()).toUTCString());
        return response;
      });
      queue.event("a", "first");
      queue.put({ service: "a", message: "dated", date: 1_000_000 });
      await seconds(0.5);
      queue.event("a", "second");
      if (setAfter > 0) vi.setSystemTime(new Date(serverMs()));
      await seconds(60);
      expect(queue.size).toBe(0);
      expect(requests).toHaveLength(3);
      // What has a date of the program's own is given up.
      expect({ dropped: queue.dropped, told: errors.map(String).slice(1) }).toEqual({
        dropped: 1,
        told: ["WatchTowerError: The event of a (400): too old"],
      });
      const last = sent().slice(-2);
      expect(last.map(({ message }) => message)).toEqual(["first", "second"]);
      // The header has seconds.
      expect(Math.abs(msOf(last[0]?.id ?? "") - trueMs)).toBeLessThan(1_100);
      expect(Math.abs(msOf(last[1]?.id ?? "") - trueMs - 500)).toBeLessThan(1_100);
    },
  );

  it("stamps no event anew twice", async () => {
    vi.setSystemTime(0);
    const { queue, requests } = queueOver((_, events) => {
      const response = stored(events, [{ index: 0, hint: "no" }]);
      response.headers.set("date", "Mon, 23 Nov 2026 00:00:00 GMT");
      return response;
    });
    queue.event("a", "refused for something else");
    expect(await queue.flush()).toBe(true);
    expect({ requests: requests.length, dropped: queue.dropped }).toEqual({ requests: 2, dropped: 1 });
  });

  it("drops and counts what comes when it is full", async () => {
    const { queue, batches } = queueOver(never, { capacity: 2 });
    for (const message of ["first", "second", "third", "fourth"]) queue.event("a", message);
    await seconds(0);
    expect({ size: queue.size, dropped: queue.dropped }).toEqual({ size: 2, dropped: 2 });
    expect(batches()).toEqual([["first", "second"]]);
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
    const { queue, requests } = queueOver((i, events) => (i < 6 ? refusal(503) : stored(events)));
    queue.event("a", "first");
    await seconds(40);
    expect(requests).toHaveLength(6);
    expect(await queue.flush(1_000)).toBe(true);
  });

  it("drops and counts what is left when it is closed, and what comes later", async () => {
    const { queue, batches, errors } = queueOver(never);
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
    expect(batches()).toEqual([["first", "second"]]);
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
    expect(sent().map(({ message }) => message)).toEqual([
      "undefined",
      "null",
      "1",
      "[object Object]",
      "?",
      "Symbol(s)",
    ]);
  });

  it("drops what can't be written as JSON, and nothing else for its sake", async () => {
    const { queue, batches, errors } = queueOver(ok);
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    queue.event("a", "fine");
    queue.event("a", "endless", 0, { fields: circular as EventFields });
    queue.event("a", "huge", 0, { fields: { count: 1n } as unknown as EventFields });
    expect(await queue.flush()).toBe(true);
    expect(batches()).toEqual([["fine"]]);
    expect(queue.dropped).toBe(2);
    expect(errors).toHaveLength(2);
  });
});

/** The time of a ULID, in milliseconds since the epoch. */
function msOf(id: string): number {
  return [...id.slice(0, 10)].reduce((ms, digit) => ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(digit), 0);
}

describe("ids", () => {
  it("have the time that they are made for, and sort as they are made within a millisecond", () => {
    const newId = ulidMaker();
    const ids = Array.from({ length: 5_000 }, () => newId(1_795_392_000_123));
    expect(new Set(ids.map(msOf))).toEqual(new Set([1_795_392_000_123]));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(5_000);
    expect(newId(0)).toMatch(/^0{10}[0-9A-HJKMNP-TV-Z]{16}$/);
    expect(newId(2 ** 48 - 1)).toMatch(/^7ZZZZZZZZZ/);
  });

  it("are made without Web Crypto, too, which Node 18 doesn't have", () => {
    vi.stubGlobal("crypto", undefined);
    try {
      const ids = Array.from({ length: 1_000 }, (_, i) => ulidMaker()(i % 2));
      expect(new Set(ids).size).toBe(1_000);
    } finally {
      vi.unstubAllGlobals();
    }
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
    expect(sent().map(({ id: _, ...event }) => event)).toEqual([
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
    expect(sent().map(({ level, message }) => [level, message])).toEqual([
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
