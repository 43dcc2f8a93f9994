import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MOST_BATCH_EVENTS } from "../../src/domain/limits.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { callWith, refuseQueries } from "../support/app.ts";
import { call, PASSWORD, PASSWORD_READ } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { issue } from "../support/keys.ts";
import { query } from "../support/rows.ts";

useTestClock();
beforeEach(() => query("delete from events"));
afterEach(() => vi.restoreAllMocks());

const nanos = (ms: number) => `${ms}000000`;
const text = (stringValue: string) => ({ stringValue });
const attribute = (key: string, value: object) => ({ key, value });
const NAMED = { attributes: [attribute("service.name", text("shop"))] };

/** A request with records of one service. */
const logsOf = (logRecords: unknown, resource: unknown = NAMED, scope: unknown = { name: "" }) => ({
  resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords }] }],
});
const send = (body: unknown, headers: Record<string, string> = { "content-type": "application/json" }) =>
  call("POST", "/v1/logs", { body, headers });
const stored = async () => {
  const { events } = (await call("GET", "/events?from=0&limit=1000")).body;
  // biome-ignore lint/suspicious/noExplicitAny: what arrives is looked at, not trusted.
  return events.toReversed() as any[];
};
/** The one event that a record becomes. */
async function storedOf(record: object, resource: unknown = NAMED, scope?: unknown) {
  const answer = await send(logsOf([record], resource, scope));
  expect(answer).toMatchObject({ status: 200, body: { partialSuccess: {} } });
  const [event, ...others] = await stored();
  expect(others).toEqual([]);
  return event;
}

describe("a log record", () => {
  it("becomes an event, with all that it says", async () => {
    const record = {
      timeUnixNano: nanos(START_MS - 5_000),
      observedTimeUnixNano: nanos(START_MS - 4_000),
      severityNumber: 17,
      severityText: "ERROR",
      body: text("The disk is full."),
      attributes: [
        attribute("host", text("web-1")),
        attribute("status", { intValue: "503" }),
        attribute("big", { intValue: "9007199254740993" }),
        attribute("ratio", { doubleValue: 0.5 }),
        attribute("up", { boolValue: false }),
        attribute("tags", { arrayValue: { values: [text("a"), { intValue: 1 }] } }),
        attribute("user", { kvlistValue: { values: [attribute("id", text("7")), attribute("x", text("y"))] } }),
        attribute("raw", { bytesValue: "AAEC" }),
        attribute("none", {}),
      ],
      traceId: "5B8EFFF798038103D269B633813FC60C",
      spanId: "eee19b7ec3c1b174",
      flags: 1,
    };
    const resource = {
      attributes: [...NAMED.attributes, attribute("service.version", text("1.2")), attribute("host", text("not this"))],
    };
    expect(await storedOf(record, resource, { name: "my.library" })).toEqual({
      id: expect.any(String),
      date: (START_MS - 5_000) / SECOND_MS,
      level: 4,
      message: "The disk is full.",
      service: "shop",
      alert: false,
      fields: {
        trace_id: "5b8efff798038103d269b633813fc60c",
        span_id: "eee19b7ec3c1b174",
        host: "web-1",
        status: 503,
        big: "9007199254740993",
        ratio: 0.5,
        up: false,
        tags: '["a",1]',
        "user.id": "7",
        "user.x": "y",
        raw: "AAEC",
        "otel.scope.name": "my.library",
        "service.version": "1.2",
      },
    });
  });

  it.each([
    ...[1, 4, 5, 8].map((number) => [number, 0]),
    [9, 1],
    ...[10, 12].map((number) => [number, 2]),
    ...[13, 16].map((number) => [number, 3]),
    [17, 4],
    [18, 5],
    ...[19, 20].map((number) => [number, 6]),
    ...[21, 24].map((number) => [number, 7]),
  ])("of the severity %i has the level %i", async (severityNumber, level) => {
    expect((await storedOf({ severityNumber, body: text("x") })).level).toBe(level);
  });

  it.each([
    [{ severityText: "WARN" }, 3],
    [{ severityText: "fatal" }, 7],
    [{ severityNumber: 0, severityText: "Notice" }, 2],
    [{ severityText: "constructor" }, 0],
    [{}, 0],
  ])("without a severity's number goes by its text: %j", async (said, level) => {
    expect((await storedOf({ ...said, body: text("x") })).level).toBe(level);
  });

  it.each([
    ["a text", { body: text("line\nbreak") }, "line\nbreak"],
    ["a number", { body: { intValue: "12" } }, "12"],
    ["false", { body: { boolValue: false } }, "false"],
    [
      "a structure",
      { body: { kvlistValue: { values: [attribute("a", { arrayValue: { values: [text("b"), {}] } })] } } },
      '{"a":["b",null]}',
    ],
    ["no body, but an event's name", { eventName: "user.login" }, "user.login"],
    ["no body, but an exception", { body: text(""), attributes: [attribute("exception.message", text("oh"))] }, "oh"],
    ["nothing at all", {}, "(no body)"],
    ["NUL and half a character", { body: text("a\0b\ud800") }, "a\uFFFDb\uFFFD"],
  ])("with %s has that for its message", async (_, record, message) => {
    expect((await storedOf(record)).message).toBe(message);
  });

  it("that is too long is cut between two characters", async () => {
    const { message } = await storedOf({ body: text("é".repeat(40_000)) });
    expect(new TextEncoder().encode(message).byteLength).toBeLessThanOrEqual(65_536);
    expect(message).toMatch(/^é{32766}…$/);
  });

  it.each([
    [
      "its own time",
      { timeUnixNano: nanos(START_MS - MINUTE_MS), observedTimeUnixNano: nanos(START_MS) },
      START_MS - MINUTE_MS,
    ],
    [
      "the time at which it was seen",
      { timeUnixNano: "0", observedTimeUnixNano: nanos(START_MS - 1_000) },
      START_MS - 1_000,
    ],
    ["now", {}, START_MS],
    ["now, where its clock is a month behind", { timeUnixNano: nanos(START_MS - 31 * DAY_MS) }, START_MS],
    ["now, where its clock is an hour ahead", { timeUnixNano: nanos(START_MS + 60 * MINUTE_MS) }, START_MS],
    ["now, where it says nonsense", { timeUnixNano: "soon", observedTimeUnixNano: { a: 1 } }, START_MS],
  ])("is dated by %s", async (_, record, ms) => {
    expect((await storedOf({ ...record, body: text("x") })).date).toBe(Math.floor(ms / SECOND_MS));
  });

  it.each([
    ["", "unknown_service"],
    ["  a\nb ", "a b"],
    ["x".repeat(300), "x".repeat(200)],
  ])("of a service called %j is one of %j", async (name, service) => {
    const resource = { attributes: [attribute("service.name", text(name))] };
    expect((await storedOf({ body: text("x") }, resource)).service).toBe(service);
  });

  it("of a resource that says nothing is one of an unknown service", async () => {
    expect((await storedOf({ body: text("x") }, {})).service).toBe("unknown_service");
  });

  it("keeps the fields that fit, its own before those of its resource, and long values shortened", async () => {
    const own = [
      attribute("x".repeat(101), text("too long a name")),
      attribute("a\nb", text("no name")),
      attribute("__proto__", text("no name of ours")),
      attribute("long", text("y".repeat(5_000))),
      ...Array.from({ length: 40 }, (_, i) => attribute(`own ${i}`, { intValue: i })),
    ];
    const { fields } = await storedOf({ body: text("x"), attributes: own });
    expect(fields.long).toMatch(/^y{2000}…$/);
    expect(Object.keys(fields)).toEqual(["long", ...Array.from({ length: 31 }, (_, i) => `own ${i}`)]);
    await query("delete from events");
    const large = Array.from({ length: 6 }, (_, i) => attribute(`large ${i}`, text("é".repeat(1_000))));
    const { fields: fitting } = await storedOf({
      body: text("x"),
      attributes: [...large, attribute("small", text("z"))],
    });
    expect(Object.keys(fitting)).toEqual(["large 0", "large 1", "large 2", "large 3", "small"]);
  });

  it.each([
    ["severityText", { severityText: { toString: 1 } }],
    ["severityNumber", { severityNumber: { valueOf: 1, toString: 1 } }],
    ["timeUnixNano", { timeUnixNano: { toString: 1 } }],
    ["observedTimeUnixNano", { observedTimeUnixNano: { toString: 1 } }],
    ["an attribute", { attributes: [attribute("n", { intValue: { toString: 1, valueOf: 1 } })] }],
    ["a name in the body", { body: { kvlistValue: { values: [{ key: { toString: 1 }, value: text("x") }] } } }],
  ])("that is odd in %s keeps no other from being stored", async (_, odd) => {
    const answer = await send(logsOf([{ body: text("good") }, odd]));
    expect(answer).toMatchObject({ status: 200, body: { partialSuccess: {} } });
    expect((await stored()).map(({ message }) => message)).toContain("good");
  });

  it("keeps its order among those of the same time", async () => {
    const records = Array.from({ length: 50 }, (_, i) => ({ timeUnixNano: nanos(START_MS), body: text(`${i}`) }));
    await send(logsOf(records));
    expect((await stored()).map(({ message }) => message)).toEqual(records.map((_, i) => `${i}`));
  });

  it("is told to the rules", async () => {
    await call("PUT", "/rules/otlp", { body: { q: "service:shop", count: 2 } });
    const observe = vi.fn(async () => {});
    vi.spyOn(env.RULE_MONITOR, "getByName").mockReturnValue({ observe } as never);
    await storedOf({ body: text("x") });
    expect(observe).toHaveBeenCalledOnce();
  });
});

describe("a request", () => {
  it("may have many resources and scopes, or none at all", async () => {
    const [ofShop] = logsOf([{ body: text("1") }, { body: text("2") }]).resourceLogs;
    const [ofOther] = logsOf([{ body: text("3") }], {
      attributes: [attribute("service.name", text("other"))],
    }).resourceLogs;
    expect((await send({ resourceLogs: [ofShop, ofOther] })).body).toEqual({ partialSuccess: {} });
    expect((await stored()).map(({ service, message }) => `${service} ${message}`).sort()).toEqual([
      "other 3",
      "shop 1",
      "shop 2",
    ]);
    for (const nothing of [{}, { resourceLogs: [] }, { resourceLogs: [{}] }, { resourceLogs: 5 }]) {
      expect(await send(nothing)).toMatchObject({ status: 200, body: { partialSuccess: {} } });
    }
  });

  it("may be compressed by gzip", async () => {
    const plain = new Blob([JSON.stringify(logsOf([{ body: text("x") }]))]);
    const raw = await new Response(plain.stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    expect((await call("POST", "/v1/logs", { raw, headers })).body).toEqual({ partialSuccess: {} });
    expect(await stored()).toHaveLength(1);
  });

  it("says how many records it could not take, and why, and stores the others", async () => {
    const { status, body } = await send(logsOf([{ body: text("good") }, "no record", null]));
    expect(status).toBe(200);
    expect(body).toEqual({
      partialSuccess: { rejectedLogRecords: "2", errorMessage: "An event must be a JSON object." },
    });
    expect((await stored()).map(({ message }) => message)).toEqual(["good"]);
  });

  it("may carry the password as a bearer token", async () => {
    const headers = { password: "", authorization: `Bearer ${PASSWORD}`, "content-type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(logsOf([{ body: text("x") }])) };
    const { exports } = await import("cloudflare:workers");
    const { password: _, ...without } = request.headers;
    const answer = await exports.default.fetch(
      new Request("https://tower.example/v1/logs", { ...request, headers: without }),
    );
    expect(answer.status).toBe(200);
  });

  it("is stored whatever is nested in it, however deep", async () => {
    let value: object = text("x");
    for (let i = 0; i < 5_000; i++) value = { kvlistValue: { values: [attribute("a", value)] } };
    const { message, fields } = await storedOf({ body: value, attributes: [attribute("deep", value)] });
    expect(message).toMatch(/^\{"a":/);
    expect(fields).toBeUndefined();
  });

  it("is never answered with an error of ours, whatever JSON it is", async () => {
    const anything = fc.jsonValue({ maxDepth: 4 });
    const records = fc.array(
      fc.record(
        {
          timeUnixNano: anything,
          severityNumber: anything,
          severityText: anything,
          body: fc.oneof(anything, fc.record({ stringValue: anything })),
          attributes: fc.oneof(
            anything,
            fc.array(fc.record({ key: anything, value: fc.record({ stringValue: anything }) })),
          ),
          traceId: anything,
          eventName: anything,
        },
        { requiredKeys: [] },
      ),
      { maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(records, anything), anything, anything, async (records, resource, scope) => {
        const { status, body } = await send(logsOf(records, resource, scope));
        expect([status, Object.keys(body)]).toEqual([200, ["partialSuccess"]]);
      }),
      { seed: 20_261_124, numRuns: 200 },
    );
  });
});

describe("a request that comes again", () => {
  const record = (ms: number, said: string) => ({ timeUnixNano: nanos(ms), body: text(said) });

  it("is stored once, with the records that are alike within it, in their order", async () => {
    const at = START_MS - 1_000;
    const body = logsOf([record(at, "b"), record(at, "a"), record(at, "a"), record(at - 1, "a")]);
    await send(body);
    const once = await stored();
    expect(once.map(({ message }) => message)).toEqual(["a", "b", "a", "a"]);
    vi.setSystemTime(START_MS + 5_000);
    expect((await send(body)).body).toEqual({ partialSuccess: {} });
    expect(await stored()).toEqual(once);
  });

  it("is another one if anything in it is other", async () => {
    await send(logsOf([record(START_MS, "a"), record(START_MS, "b")]));
    await send(logsOf([record(START_MS, "a")]));
    expect((await stored()).map(({ message }) => message).sort()).toEqual(["a", "a", "b"]);
  });
});

describe("a refused request", () => {
  const refused = (answer: Awaited<ReturnType<typeof send>>, status: number, code: number, message: string) => {
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ code, message: expect.stringContaining(message) });
  };

  it("is answered as exporters expect it: by a code of gRPC and a message", async () => {
    refused(await call("POST", "/v1/logs", { raw: "{" }), 400, 3, "not valid JSON");
    refused(await call("POST", "/v1/logs", { raw: "[]" }), 400, 3, "must be a JSON object");
    refused(await send(logsOf([]), { password: "wrong" }), 403, 7, "password");
    refused(await send(logsOf([]), { password: PASSWORD_READ }), 403, 7, "only reads");
    refused(await send(logsOf([]), { password: await issue("device") }), 403, 7, "pulse key");
    refused(await call("GET", "/v1/logs"), 405, 12, "POST");
    refused(await call("POST", "/v1/logs", { raw: "x".repeat(1_100_000) }), 413, 3, "bytes");
    const many = Array.from({ length: MOST_BATCH_EVENTS + 1 }, () => ({}));
    refused(await send(logsOf(many)), 413, 3, "1000 log records");
    refused(await callWith({ PASSWORD: undefined }, "POST", "/v1/logs", { body: {} }), 503, 14, "not configured");
    expect(await stored()).toEqual([]);
  });

  it.each(["application/x-protobuf", "application/grpc"])("is told how to send JSON where it is %s", async (type) => {
    const answer = await call("POST", "/v1/logs", { raw: new Uint8Array([10, 0]), headers: { "content-type": type } });
    refused(answer, 400, 3, "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL to http/json");
  });

  it("may come again where nothing could be stored", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(console, "warn").mockReturnValue();
    refuseQueries();
    vi.spyOn(env.EVENT_BUFFER, "getByName").mockImplementation(() => {
      throw new Error("Network connection lost.");
    });
    const answer = await send(logsOf([{ body: text("x") }]));
    refused(answer, 503, 14, "");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});
