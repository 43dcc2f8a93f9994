import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ulid, ulids } from "../../src/domain/ulid.ts";
import { callWith } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { accept, interceptProviders, monitorOf, runAlarm, settle } from "../support/monitor.ts";
import { query } from "../support/rows.ts";

useTestClock();
beforeEach(() => {
  vi.setSystemTime(START_MS);
});
afterEach(() => vi.restoreAllMocks());

const NOW = START_MS / 1_000;

/** What is listed of a service, oldest first. */
async function listed(service: string) {
  const { body } = await call("GET", `/events?service=${encodeURIComponent(service)}&from=0&to=${NOW + 600}`);
  return body.events.reverse();
}

const messagesOf = async (service: string) => (await listed(service)).map((e: { message: string }) => e.message);

const gzipped = (text: string) => new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")));

describe("a batch", () => {
  const two = (service: string) => [
    { service, level: "error", message: "one" },
    { service, message: "two" },
  ];
  const forms: [what: string, raw: (service: string) => string, headers?: Record<string, string>][] = [
    ["a JSON list", (service) => JSON.stringify(two(service))],
    ["a JSON list with blanks around it", (service) => ` \n${JSON.stringify(two(service), null, 2)}\n `],
    [
      "NDJSON",
      (service) =>
        two(service)
          .map((e) => JSON.stringify(e))
          .join("\n"),
      { "content-type": "application/x-ndjson" },
    ],
    [
      "NDJSON with a line's end behind each",
      (service) =>
        two(service)
          .map((e) => `${JSON.stringify(e)}\r\n`)
          .join(""),
    ],
    [
      "NDJSON with empty lines",
      (service) =>
        two(service)
          .map((e) => `\n\n${JSON.stringify(e)}`)
          .join("\n"),
    ],
    [
      "NDJSON that is called a form",
      (service) =>
        two(service)
          .map((e) => JSON.stringify(e))
          .join("\n"),
      { "content-type": "application/x-www-form-urlencoded" },
    ],
    [
      "a list that is called NDJSON",
      (service) => JSON.stringify(two(service)),
      { "content-type": "application/x-ndjson" },
    ],
  ];
  it.each(forms)("may be %s", async (what, raw, headers = {}) => {
    const { status, body } = await call("POST", "/events", { raw: raw(what), headers });
    expect(status, JSON.stringify(body)).toBe(200);
    const events = await listed(what);
    expect(events).toMatchObject([
      { level: 4, message: "one", date: NOW, alert: false },
      { level: 0, message: "two", date: NOW, alert: false },
    ]);
    expect(body).toEqual({ result: 200, stored: 2, ids: events.map((e: { id: string }) => e.id), refused: [] });
  });

  it.each([
    ["in one line", undefined],
    ["in several lines", 2],
  ])("may be a single event %s", async (what, indent) => {
    const raw = JSON.stringify({ service: what, message: "alone" }, null, indent);
    expect((await call("POST", "/events", { raw })).body).toMatchObject({ stored: 1, refused: [] });
    expect(await messagesOf(what)).toEqual(["alone"]);
  });

  it("may be empty, as long as it is a list", async () => {
    expect((await call("POST", "/events", { body: [] })).body).toEqual({
      result: 200,
      stored: 0,
      ids: [],
      refused: [],
    });
  });

  it("may be compressed", async () => {
    const raw = await gzipped(JSON.stringify(two("compressed"))).arrayBuffer();
    const { body } = await call("POST", "/events", { raw, headers: { "content-encoding": "gzip" } });
    expect(body).toMatchObject({ stored: 2 });
    expect(await messagesOf("compressed")).toEqual(["one", "two"]);
  });

  it("of a thousand keeps their order, in one statement of two written rows each", async () => {
    const batch = Array.from({ length: 1_000 }, (_, i) => ({ service: "many", message: `${i}`, date: NOW - (i % 3) }));
    const prepare = vi.spyOn(env.DB, "prepare");
    const { body } = await call("POST", "/events", { body: batch });
    expect(prepare).toHaveBeenCalledOnce();
    expect(body).toMatchObject({ stored: 1_000, refused: [] });
    expect(new Set(body.ids).size).toBe(1_000);
    const inOrder = [2, 1, 0].flatMap((rest) => batch.filter((_, i) => i % 3 === rest)).map(({ message }) => message);
    expect(await messagesOf("many")).toEqual(inOrder);
  });

  it("of 1 MiB is taken", async () => {
    const message = "m".repeat(65_000);
    const text = JSON.stringify(Array.from({ length: 16 }, () => ({ service: "large", message })));
    const { body } = await call("POST", "/events", { raw: text.padEnd(1024 * 1024) });
    expect(body).toMatchObject({ stored: 16 });
  });

  it("whose numbers grow when they are written anew is stored all the same", async () => {
    const fields = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`${i}`, 1e20]));
    const raw = JSON.stringify(
      Array.from({ length: 1_000 }, (_, i) => ({ service: "grown", message: `${i}${"x".repeat(600)}`, fields })),
    ).replaceAll("100000000000000000000", "1e20");
    expect(raw.length).toBeLessThan(1024 * 1024);
    const { body } = await call("POST", "/events", { raw });
    expect(body).toMatchObject({ stored: 1_000, refused: [] });
    const [{ rows }] = (await query("select count(*) as rows from events where service = 'grown'")) as [
      { rows: number },
    ];
    expect(rows).toBe(1_000);
  });

  it("with bad events stores the good ones, and says what is wrong with the others", async () => {
    const lines = [
      '{"service":"mixed","message":"first"}',
      "{",
      '{"service":"mixed"}',
      "5",
      '{"service":"mixed","message":"second","level":"loud"}',
      '["mixed"]',
      '{"service":"mixed","message":"third"}',
      "no JSON",
    ];
    const { status, body } = await call("POST", "/events", { raw: lines.join("\n") });
    expect(status).toBe(200);
    expect(body).toEqual({
      result: 200,
      stored: 2,
      ids: (await listed("mixed")).map((e: { id: string }) => e.id),
      refused: [
        { index: 1, hint: "This is not valid JSON." },
        { index: 2, hint: expect.stringContaining("message") },
        { index: 3, hint: "An event must be a JSON object." },
        { index: 4, hint: expect.stringContaining("level") },
        { index: 5, hint: "An event must be a JSON object." },
        { index: 7, hint: "This is not valid JSON." },
      ],
    });
    expect(await messagesOf("mixed")).toEqual(["first", "third"]);
  });

  it.each([
    ["begins a list", '["no event'],
    ["is a list", "[]"],
    ["is nothing like it", "]"],
  ])("takes the other lines where the first %s, and it is said to be NDJSON", async (what, first) => {
    const service = `after a line that ${what}`;
    const raw = `${first}\n${JSON.stringify({ service, message: "good" })}`;
    const { body } = await call("POST", "/events", { raw, headers: { "content-type": "application/x-ndjson" } });
    expect(body).toMatchObject({ stored: 1, refused: [{ index: 0 }] });
    expect(await messagesOf(service)).toEqual(["good"]);
  });

  it.each([[{}], [{ "content-type": "application/x-ndjson" }]])(
    "takes the other lines where one is no UTF-8, with %j",
    async (headers: Record<string, string>) => {
      const service = `beside bytes ${headers["content-type"] ?? ""}`;
      const line = (message: string) => `${JSON.stringify({ service, message })}\r\n`;
      const raw = new Blob([line("one"), new Uint8Array([123, 255, 125, 10]), "\n", line("zwölf")]);
      const { body } = await call("POST", "/events", { raw: await raw.arrayBuffer(), headers });
      expect(body).toMatchObject({ stored: 2, refused: [{ index: 1, hint: "This is not UTF-8 text." }] });
      expect(await messagesOf(service)).toEqual(["one", "zwölf"]);
    },
  );

  it("whose first line is none still has the others", async () => {
    const { body } = await call("POST", "/events", { raw: 'oops\n{"service":"after","message":"x"}' });
    expect(body).toMatchObject({ stored: 1, refused: [{ index: 0 }] });
  });
});

describe("an event's own date", () => {
  const dates: [date: number | string, ms: number][] = [
    [NOW - 100, START_MS - 100_000],
    [`${NOW - 100}`, START_MS - 100_000],
    [NOW - 100.5, START_MS - 100_500],
    [START_MS - 1_234, START_MS - 1_234],
    [`${START_MS - 1_234}`, START_MS - 1_234],
    [START_MS - 1_234.9, START_MS - 1_235],
    ["2040-01-01T11:59:59.750Z", START_MS - 250],
    ["2040-01-01T12:59:59+01:00", START_MS - 1_000],
    ["2039-12-31", START_MS - 36 * 3_600_000],
    [NOW - 30 * 86_400, START_MS - 30 * 86_400_000],
    [NOW + 600, START_MS + 600_000],
  ];
  it.each(dates)("%j is taken", async (date, ms) => {
    const service = `dated ${JSON.stringify(date)}`;
    const { body } = await call("POST", "/event", { body: { service, message: "x", date } });
    expect(body).toMatchObject({ result: 200 });
    const [event] = await listed(service);
    expect(event).toMatchObject({ id: body.id, date: Math.floor(ms / 1_000) });
    expect(body.id.slice(0, 10)).toBe(ulid(ms).slice(0, 10));
  });

  it.each([
    NOW - 30 * 86_400 - 1,
    NOW + 601,
    0,
    -1,
    1e300,
    -1e300,
    "yesterday",
    "",
    "2040-02-30",
    "1e9",
    null,
    true,
    [NOW],
    {},
  ])("%j is refused", async (date) => {
    const { status, body } = await call("POST", "/event", { body: { service: "misdated", message: "x", date } });
    expect(status).toBe(400);
    expect(body.hint).toMatch(/^date must be/);
    expect(await listed("misdated")).toEqual([]);
  });
});

describe("an event's own id", () => {
  const post = (body: object) => call("POST", "/event", { body });

  it("makes a repetition harmless", async () => {
    const event = { service: "repeated", message: "x", level: 5, id: ulid(START_MS - 5), fields: { a: 1, b: "c" } };
    expect((await post(event)).body).toEqual({ result: 200, id: event.id });
    expect((await post({ ...event, fields: { b: "c", a: 1 } })).body).toEqual({ result: 200, id: event.id });
    expect((await call("POST", "/events", { body: [event, event] })).body).toEqual({
      result: 200,
      stored: 2,
      ids: [event.id, event.id],
      refused: [],
    });
    expect(await listed("repeated")).toHaveLength(1);
  });

  it("costs a second query only where it was there before", async () => {
    const event = { service: "asked", message: "x", id: ulid(START_MS) };
    const prepare = vi.spyOn(env.DB, "prepare");
    await post(event);
    expect(prepare).toHaveBeenCalledTimes(1);
    await post(event);
    expect(prepare).toHaveBeenCalledTimes(3);
  });

  it("with other content is refused, alone and in a batch, and what was stored stays", async () => {
    const event = { service: "taken", message: "x", level: 1, id: ulid(START_MS) };
    await post(event);
    const changes = [{ message: "y" }, { level: 2 }, { service: "other" }, { fields: { a: 1 } }, { alert: true }];
    for (const change of changes) {
      const answer = await post({ ...event, ...change });
      expect(answer.status, JSON.stringify(change)).toBe(400);
      expect(answer.body).toMatchObject({ code: "invalid_input", hint: expect.stringContaining("another event") });
      const batch = await call("POST", "/events", {
        body: [
          { service: "taken too", message: "x" },
          { ...event, ...change },
        ],
      });
      expect(batch.body).toMatchObject({ stored: 1, refused: [{ index: 1, hint: answer.body.hint }] });
    }
    expect(await listed("taken")).toMatchObject([{ message: "x", level: 1 }]);
    expect(await listed("other")).toEqual([]);
  });

  it.each([false, true])(
    "of a batch is told from another one with its id, also where that comes first; alert %s",
    async (alert) => {
      const event = { service: `right ${alert}`, message: "right", alert, id: ulid(START_MS) };
      await post(event);
      if (alert) await settle(event.service);
      const body = [{ ...event, message: "wrong" }, event];
      expect((await call("POST", "/events", { body })).body).toMatchObject({
        stored: 1,
        ids: [event.id],
        refused: [{ index: 0, hint: expect.stringContaining("another event") }],
      });
      expect(await messagesOf(event.service)).toEqual(["right"]);
    },
  );

  it("that two events of a batch have is the first one's", async () => {
    const [id] = ulids(START_MS, 1);
    const body = ["first", "second", "first"].map((message) => ({ service: "twins", message, id }));
    expect((await call("POST", "/events", { body })).body).toMatchObject({
      stored: 2,
      ids: [id, id],
      refused: [{ index: 1, hint: expect.stringContaining("another event") }],
    });
    expect(await messagesOf("twins")).toEqual(["first"]);
  });

  it("may be written in small letters, and is answered in capitals", async () => {
    const id = ulid(START_MS - 77);
    expect((await post({ service: "small", message: "x", id: id.toLowerCase() })).body).toEqual({ result: 200, id });
    expect((await post({ service: "small", message: "x", id })).body).toEqual({ result: 200, id });
  });

  it.each<[string, (ms: number) => number | string, number]>([
    ["a second", (ms) => Math.floor(ms / 1_000), 999],
    ["a second in ISO 8601", (ms) => new Date(ms).toISOString().replace(/\.\d+/, ""), 999],
    ["a millisecond", (ms) => ms, 0],
    ["a millisecond in ISO 8601", (ms) => new Date(ms).toISOString(), 0],
  ])("is of the date where that is %s", async (what, dateOf, slackMs) => {
    const ms = START_MS - 50_000;
    const attempt = (idMs: number) => post({ service: what, message: "x", date: dateOf(ms), id: ulid(idMs) });
    expect((await attempt(ms)).status).toBe(200);
    expect((await attempt(ms + slackMs)).status).toBe(200);
    for (const wrong of [ms - 1, ms + slackMs + 1]) {
      const answer = await attempt(wrong);
      expect(answer.status).toBe(400);
      expect(answer.body.hint).toMatch(/^id must be/);
    }
  });

  it.each([
    ulid(START_MS - 30 * 86_400_000 - 1),
    ulid(START_MS + 600_001),
    "",
    "x",
    `8${"0".repeat(25)}`,
    `01${"U".repeat(24)}`,
    `${ulid(START_MS)}0`,
    5,
    null,
    {},
  ])("%j is refused", async (id) => {
    const { status, body } = await post({ service: "misnamed", message: "x", id });
    expect(status).toBe(400);
    expect(body.hint).toMatch(/^id must be/);
  });
});

describe("fields", () => {
  const big = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`key ${i}`, "x".repeat(200)]));
  const good: [string, Record<string, unknown>][] = [
    ["one of each kind", { host: "web-1", ms: 12.5, ok: true, no: false, none: "" }],
    ["32 of them", big],
    ["names of 100 characters", { ["🦊".repeat(100)]: 1 }],
    ["names with blanks, dots, quotes", { "a b.c\"d'e$[0]": "\u0001 🦊" }],
    ["names that objects have", JSON.parse('{"__proto__":"p","constructor":"c","toString":1}')],
    ["numbers at the edge", { a: 1e308, b: -5e-324 }],
  ];
  it.each(good)("of %s come back as they were sent", async (service, fields) => {
    const { body } = await call("POST", "/event", { body: { service, message: "x", fields } });
    expect(body).toMatchObject({ result: 200 });
    const [event] = await listed(service);
    expect(Object.entries(event.fields)).toEqual(Object.entries(fields));
  });

  it("that are empty are as none", async () => {
    await call("POST", "/event", { body: { service: "empty", message: "x", fields: {} } });
    expect((await listed("empty"))[0]).not.toHaveProperty("fields");
    expect(await query("select fields from events where service = 'empty'")).toEqual([{ fields: null }]);
  });

  const bad: unknown[] = [
    null,
    [],
    "a=1",
    5,
    { a: null },
    { a: [1] },
    { a: { b: 1 } },
    { a: "x\0y" },
    { "": 1 },
    { "a\u0001": 1 },
    { "a\u0085": 1 },
    { ["x".repeat(101)]: 1 },
    { a: "x".repeat(8_192) },
    { a: "é".repeat(4_096) },
    Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`${i}`, i])),
  ];
  it.each(bad.map((fields) => [JSON.stringify(fields).slice(0, 30), fields]))(
    "that are %s are refused",
    async (_, fields) => {
      const { status, body } = await call("POST", "/event", { body: { service: "bad fields", message: "x", fields } });
      expect(status).toBe(400);
      expect(body.hint).toMatch(/^fields must be/);
    },
  );

  it.each([
    ["a number that is infinite", '{"a":1e999}'],
    ["half a character", '{"a":"\\ud800"}'],
    ["half a character in a name", '{"\\ud800":1}'],
  ])("with %s are refused", async (_, fields) => {
    const raw = `{"service":"bad fields","message":"x","fields":${fields}}`;
    expect((await call("POST", "/event", { raw })).body.hint).toMatch(/^fields must be/);
  });

  it("count where a page is bounded by its bytes", async () => {
    const fields = { text: "x".repeat(8_000) };
    const body = Array.from({ length: 120 }, (_, i) => ({ service: "wide", message: `${i}`, fields }));
    await call("POST", "/events", { body });
    const direct = await callWith({ BULK_READER: undefined }, "GET", "/events?service=wide&limit=10000");
    expect(direct.body.events).toHaveLength(120);
    expect(direct.body.events[0].fields).toEqual(fields);
    // 500 KB make a page that a request makes itself, and this is 960 KB.
    const getByName = vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName");
    const handed = await call("GET", "/events?service=wide");
    expect(getByName).toHaveBeenCalledOnce();
    expect(handed.body.events).toEqual(direct.body.events);
  });
});

describe("a batch with alerts", () => {
  it("owes each to the default target, by way of its service's object", async () => {
    const received = interceptProviders(accept);
    const body = ["a", "b", "a"].map((name, i) => ({ service: `told ${name}`, message: `${i}`, alert: i < 2 }));
    expect((await call("POST", "/events", { body })).body).toMatchObject({ stored: 3, refused: [] });
    for (const name of ["told a", "told b"]) await settle(name);
    expect(received.map((message) => message.body.message).sort()).toEqual(["0", "1"]);
    expect(await messagesOf("told a")).toEqual(["0", "2"]);
  });

  it("takes fifty of them, and the events without", async () => {
    const body = Array.from({ length: 55 }, (_, i) => ({ service: "fifty", message: `${i}`, alert: i !== 3 }));
    const answer = await call("POST", "/events", { body });
    expect(answer.body).toMatchObject({ stored: 51 });
    expect(answer.body.refused.map((r: { index: number }) => r.index)).toEqual([51, 52, 53, 54]);
    expect(await listed("fifty")).toHaveLength(51);
  });

  it("says where nobody is alerted", async () => {
    const body = [{ service: "unheard", message: "x", alert: true }];
    const variables = { DEFAULT_ALERT_TYPE: "", DEFAULT_ALERT_TARGET: "" };
    const answer = await callWith(variables, "POST", "/events", { body });
    expect(answer.body.warnings).toEqual([expect.stringContaining("nobody is alerted")]);
  });

  const repeat = { service: "again", message: "help", alert: true, level: 4 };

  it("alerts once of one that is repeated, before and after it is told", async () => {
    const received = interceptProviders(accept);
    const event = { ...repeat, id: ulid(START_MS) };
    const post = (body: object) => call("POST", "/events", { body });
    expect((await post([event, event])).body).toMatchObject({ stored: 2 });
    expect((await post([event])).body).toMatchObject({ stored: 1 });
    await settle("again");
    expect((await post([event])).body).toMatchObject({ stored: 1 });
    expect((await post([{ ...event, message: "other" }])).body).toMatchObject({ stored: 0, refused: [{ index: 0 }] });
    await settle("again");
    expect(received.map(({ body }) => body.message)).toEqual(["help"]);
    expect(await listed("again")).toHaveLength(1);
  });

  it("knows by the outbox what D1 does not have yet", async () => {
    const event = { ...repeat, alert: true, service: "owed twice", id: ulid(START_MS) };
    const stub = monitorOf("owed twice");
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const batch = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: overloaded"));
    expect(await stub.alertOf([event])).toEqual([]);
    expect(await stub.alertOf([event])).toEqual([]);
    expect(await stub.alertOf([{ ...event, message: "other" }])).toEqual([event.id]);
    batch.mockRestore();
    const received = interceptProviders(accept);
    while (await runAlarm("owed twice", Date.now() + 60_000));
    expect(received).toHaveLength(1);
    expect(received[0]?.body.id).toBe(event.id);
  });
});
