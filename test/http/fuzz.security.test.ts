import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Answer, expectRefusal } from "../support/app.ts";
import { call } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const RUNS = { seed: 20_261_122, numRuns: 150 };

/** Whatever comes in, the answer is one of ours: well-formed, and never our fault. */
function expectSane(answer: Answer): void {
  const isExport = answer.headers.get("content-disposition")?.startsWith("attachment");
  if (isExport) expect(answer.status).toBe(200);
  else if (answer.status === 200) expect(answer.body).toMatchObject({ result: 200 });
  else {
    expect([400, 404, 405, 413]).toContain(answer.status);
    expectRefusal(answer, answer.status, /^[A-Za-z].+\.$/s);
  }
}

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.constantFrom(
    "",
    " ",
    "0",
    "-1",
    "60",
    "1e9",
    "NaN",
    "null",
    "__proto__",
    "error",
    "\0",
    "\ud800",
    "%",
    "2040-01-01",
    "🦊",
  ),
);
const anything = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }),
);
/** A value that is fine, more often than not: what is wrong shall not hide behind another field that is. */
const mostly = (good: unknown) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(good) }, { weight: 2, arbitrary: anything });

describe("random bodies never give a 5xx", () => {
  const fields = fc.record(
    {
      service: mostly("fuzzed"),
      nextIn: mostly(60),
      grace: mostly(5),
      remindEvery: mostly(60),
      pauseUntil: mostly(0),
      alerts: fc.oneof(mostly([]), fc.array(fc.record({ type: mostly("mail"), target: anything }), { maxLength: 12 })),
      forget: mostly(false),
      alertType: mostly("webhook"),
      alertTarget: fc.oneof(mostly("https://hooks.example/"), fc.webUrl()),
      level: mostly("error"),
      message: mostly("hello"),
      alert: mostly(false),
      extra: anything,
    },
    { requiredKeys: [] },
  );
  const route = fc.constantFrom(["POST", "/"], ["DELETE", "/heartbeat"], ["POST", "/event"]);

  it("as objects of our fields", async () => {
    await fc.assert(
      fc.asyncProperty(route, fields, async ([method = "", path = ""], body) => {
        expectSane(await call(method, path, { body }));
      }),
      RUNS,
    );
  });

  it("as any JSON, or as none", async () => {
    const body = fc.oneof(fc.json(), fc.string({ unit: "binary" }), fc.uint8Array({ maxLength: 50 }));
    const type = fc.constantFrom("application/json", "application/x-www-form-urlencoded", "text/plain", "");
    await fc.assert(
      fc.asyncProperty(route, body, type, async ([method = "", path = ""], raw, contentType) => {
        const sent = typeof raw === "string" ? raw : new Uint8Array(raw);
        expectSane(await call(method, path, { raw: sent, headers: { "content-type": contentType } }));
      }),
      RUNS,
    );
  });

  it("as forms", async () => {
    const encode = (value: unknown) => encodeURIComponent(String(value).toWellFormed());
    await fc.assert(
      fc.asyncProperty(route, fields, async ([method = "", path = ""], body) => {
        const raw = Object.entries(body)
          .map(([name, value]) => `${name}=${typeof value === "object" ? "x" : encode(value)}`)
          .join("&");
        const headers = { "content-type": "application/x-www-form-urlencoded" };
        expectSane(await call(method, path, { raw, headers }));
      }),
      RUNS,
    );
  });
});

describe("random requests never give a 5xx", () => {
  it("by their query", async () => {
    const name = fc.constantFrom(
      ...["service", "from", "to", "level", "message", "limit", "cursor", "humanDates", "x"],
      ...["q", "q", "field.host", 'field."', "field.$[0]", "field.", "buckets", "format", "after"],
    );
    const value = fc.oneof(
      text,
      fc.integer().map(String),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc
        .array(
          fc.constantFrom('"', ":", "-", "\\", " ", "OR", ">=", "level", "service", "a", "5", "1e9", "é", "\u0000"),
          {
            maxLength: 10,
          },
        )
        .map((pieces) => pieces.join("")),
      fc.constantFrom("1.2.01K00000000000000000000000", "999999999999.0.7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
    );
    const raw = fc.string({ unit: fc.constantFrom("%", "f", "0", "=", "&", "+", "a", "#", "?", "é"), maxLength: 12 });
    const query = fc.oneof(
      fc
        .array(fc.tuple(name, value), { maxLength: 4 })
        .map((pairs) => pairs.map(([key, given]) => `${key}=${encodeURIComponent(given.toWellFormed())}`).join("&")),
      raw,
    );
    const path = fc.constantFrom(
      ...["/events", "/events/stats", "/events/export", "/list-events"],
      ...["/heartbeat", "/heartbeats", "/", "/hello", "/get/x", "/health", "/pings"],
    );
    await fc.assert(
      fc.asyncProperty(path, query, async (route, search) => {
        expectSane(await call("GET", `${route}?${search}`));
      }),
      { ...RUNS, numRuns: 500 },
    );
  });

  it("by their path and method", async () => {
    const segment = fc.oneof(
      text.map((part) => encodeURIComponent(part.toWellFormed())),
      fc.constantFrom(
        "heartbeat",
        "get",
        "event",
        "events",
        "..",
        ".",
        "%",
        "%ff",
        "%2f",
        "%2e%2e",
        "",
        "%0a",
        "*",
        ":name",
      ),
    );
    const method = fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH");
    await fc.assert(
      fc.asyncProperty(method, fc.array(segment, { maxLength: 3 }), async (verb, segments) => {
        expectSane(await call(verb, `/${segments.join("/")}`));
      }),
      RUNS,
    );
  });
});
