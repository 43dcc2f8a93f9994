import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DAY_MS } from "../../src/domain/time.ts";
import { ulid, ulids, ulidTimeMs } from "../../src/domain/ulid.ts";
import { type Answer, expectRefusal } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { query } from "../support/rows.ts";

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

/** Dates in all spellings, most of them near. */
const dates = fc.oneof(
  mostly(START_MS / 1_000),
  fc.integer({ min: -40 * DAY_MS, max: DAY_MS }).chain((ms) => {
    const at = START_MS + ms;
    return fc.constantFrom(at, Math.floor(at / 1_000), at / 1_000, String(at), new Date(at).toISOString());
  }),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(2 ** 48, 2 ** 53, 1e11, 99_999_999_999, "+010000-01-01T00:00:00Z", "2040-01-01T24:00", "0x10"),
);
/** Ids, some of them over and over, most of them of a near moment. */
const ids = fc.oneof(
  fc.constantFrom(...ulids(START_MS, 3), ulid(0), ulid(2 ** 48 - 1), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
  fc.integer({ min: -31 * DAY_MS, max: DAY_MS }).map((ms) => ulid(START_MS + ms)),
  fc.integer({ min: 0, max: 999 }).map((ms) => ulid(START_MS + ms).toLowerCase()),
  anything,
);
const eventFields = fc.oneof(
  fc.dictionary(text, anything, { maxKeys: 40 }),
  fc.dictionary(fc.string({ unit: "grapheme", maxLength: 110 }), fc.oneof(text, fc.double(), fc.boolean())),
  fc.constant({ text: "é".repeat(5_000) }),
  anything,
);

describe("random events", () => {
  const event = fc.record(
    { service: mostly("fuzzed"), message: mostly("x"), level: mostly(1), date: dates, id: ids, fields: eventFields },
    { requiredKeys: ["service", "message"] },
  );

  it("are each stored once, or refused with a hint, whatever their neighbours are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 9, arbitrary: event }, anything), { maxLength: 8 }),
        async (batch) => {
          const answer = await call("POST", "/events", { body: batch });
          expectSane(answer);
          const { stored, ids, refused } = answer.body;
          expect(stored + refused.length).toBe(batch.length);
          expect(ids).toHaveLength(stored);
          for (const { hint } of refused) expect(hint).toMatch(/^[A-Za-z].+\.$/s);
          const rows = await query(
            "select id from events where id in (select value from json_each(?))",
            JSON.stringify(ids),
          );
          expect(rows).toHaveLength(new Set(ids).size);
          // The same again changes nothing for those that say who they are.
          const before = await query("select count(*) as rows from events");
          const named = batch
            .filter((_, i) => !refused.some(({ index }: { index: number }) => index === i))
            .filter(hasId);
          const again = await call("POST", "/events", { body: named });
          expect(again.body).toMatchObject({ stored: named.length, refused: [] });
          expect(await query("select count(*) as rows from events")).toEqual(before);
        },
      ),
      RUNS,
    );
  });

  it("in lines of anything are never our fault", async () => {
    const line = fc.oneof(
      event.map((one) => JSON.stringify(one)),
      fc.json(),
      fc.string({ unit: "binary" }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 6 }),
        fc.constantFrom("\n", "\r\n", "\n\n", " "),
        async (lines, end) => {
          expectSane(await call("POST", "/events", { raw: lines.join(end).toWellFormed() }));
        },
      ),
      RUNS,
    );
  });

  it("are listed as they were stored", async () => {
    await fc.assert(
      fc.asyncProperty(event, async (one) => {
        const { status, body } = await call("POST", "/event", { body: { ...one, service: "round trip" } });
        expectSane({ status, body, headers: new Headers() });
        if (status !== 200) return;
        const at = Math.floor(ulidTimeMs(body.id) / 1_000);
        const { body: list } = await call("GET", `/events?service=round%20trip&from=${at}&to=${at}&limit=10000`);
        const found = list.events.find(({ id }: { id: string }) => id === body.id);
        expect(found.message).toBe(one.message);
        const said = (one.fields ?? {}) as object;
        expect(found.fields ?? {}).toEqual(JSON.parse(JSON.stringify(said)));
      }),
      RUNS,
    );
  });
});

function hasId(event: unknown): boolean {
  return typeof event === "object" && event !== null && "id" in event && event.id !== undefined;
}

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
      date: dates,
      id: ids,
      fields: eventFields,
      extra: anything,
    },
    { requiredKeys: [] },
  );
  const route = fc.constantFrom(["POST", "/"], ["DELETE", "/heartbeat"], ["POST", "/event"], ["POST", "/events"]);

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
