import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import type { EventFields } from "../../src/domain/event.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { highestUlid, lowestUlid, ulids } from "../../src/domain/ulid.ts";
import { call, PASSWORD, PASSWORD_READ } from "../support/client.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import { readable, Visitor } from "../support/gui.ts";
import { meterD1 } from "../support/meter.ts";
import { event, query, storeEvents } from "../support/rows.ts";
import { EventReader } from "../support/sse.ts";

useTestClock();
beforeEach(async () => {
  vi.setSystemTime(START_MS);
  await query("delete from events");
});
afterEach(() => vi.restoreAllMocks());

const A_MINUTE_AGO = lowestUlid(START_MS - MINUTE_MS);

async function open(path: string, headers: Record<string, string> = { password: PASSWORD }): Promise<Response> {
  return exports.default.fetch(new Request(`https://tower.example${path}`, { headers, redirect: "manual" }));
}

/** Hears what a tail gives until there is nothing more for now. */
async function hear(path: string, headers?: Record<string, string>, reader = new EventReader()): Promise<EventReader> {
  const response = await open(path, headers);
  expect(response.status).toBe(200);
  reader.open(response.body as ReadableStream<Uint8Array>);
  await reader.read();
  return reader;
}

/** Hears so many events of the last minute, and whether there is one more. */
async function messagesOf(parameters: string, count: number): Promise<string[]> {
  await storeEvents(event(START_MS - 2 * SECOND_MS, { service: "end", level: 999, message: "the END" }));
  const reader = await hear(`/events/tail?lastEventId=${A_MINUTE_AGO}&${parameters}`);
  await reader.readEvents(count);
  await reader.close();
  return reader.events.map(({ data }) => data.message);
}

describe("GET /events/tail", () => {
  it("is an event stream that nobody keeps, transforms or holds back, for any origin", async () => {
    const response = await open("/events/tail");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
      "access-control-allow-origin": "*",
    });
    await response.body?.cancel();
  });

  it("gives events as the list has them", async () => {
    const fields = { host: "web-1", status: 500 };
    await storeEvents(
      event(START_MS - 30 * SECOND_MS, { service: "web", level: 4, message: "line\nbreak \u2028 é", fields }),
      event(START_MS - 20 * SECOND_MS, { service: "db", message: "x".repeat(60_000), alert: true }),
    );
    for (const more of ["", "&humanDates=1"]) {
      const reader = await hear(`/events/tail?lastEventId=${A_MINUTE_AGO}${more}`);
      await reader.readEvents(2);
      await reader.close();
      const { events } = (await call("GET", `/events?${more}`)).body;
      expect(reader.events.map(({ data }) => data)).toEqual(events.toReversed());
      expect(reader.events.map(({ id, data }) => id === data.id)).toEqual([true, true]);
    }
  });

  it("gives an event that comes while it listens, once it is a second old", async () => {
    const reader = await hear("/events/tail");
    const { body } = await call("POST", "/event", { body: { service: "web", message: "now" } });
    advance(1_001);
    await reader.readEvents(1);
    await reader.close();
    expect(reader.events.map(({ id, data }) => [id, data.message])).toEqual([[body.id, "now"]]);
  });

  const cases: [string, Partial<Parameters<typeof event>[1]> & { fields?: EventFields }][] = [
    ["service=web%20one", { service: "web one" }],
    ["level=error", { level: 4 }],
    ["message=Disk", { message: "the disk is full" }],
    ["q=disk%20-tape", { message: "the DISK" }],
    ["q=status:>=500", { fields: { status: 503 } }],
    ["field.host=web-1&field.up=true", { fields: { host: "web-1", up: true } }],
    ["service=a&level=2&message=x&q=y%20OR%20z&field.b=c", { level: 2, message: "xz", fields: { b: "c" } }],
  ];
  it.each(cases)("gives what %s asks for, and nothing else", async (parameters, wanted) => {
    await storeEvents(
      event(START_MS - 30 * SECOND_MS, { message: "before" }),
      event(START_MS - 20 * SECOND_MS, { message: "wanted", ...wanted }),
      event(START_MS - 10 * SECOND_MS, { message: "after" }),
    );
    const [first, ...others] = await messagesOf(parameters, parameters === "level=error" ? 2 : 1);
    expect([first, ...others]).toEqual([
      wanted.message ?? "wanted",
      ...(parameters === "level=error" ? ["the END"] : []),
    ]);
  });

  it("gives all of very many, page by page", async () => {
    const rows = Array.from({ length: 350 }, (_, i) => event(START_MS - MINUTE_MS + i * 100, { message: `${i}` }));
    await storeEvents(...rows);
    const reader = await hear(`/events/tail?lastEventId=${A_MINUTE_AGO}`);
    await reader.readEvents(350);
    await reader.close();
    expect(reader.events.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
  });

  it("goes on where it was left, by header or parameter; the header is the later of the two", async () => {
    const rows = [1, 2, 3].map((i) => event(START_MS - 10_000 + i, { message: `${i}` }));
    await storeEvents(...rows);
    const [first = "", second = ""] = rows.map(({ id }) => id);
    const headers = { password: PASSWORD, "last-event-id": second };
    for (const [path, given] of [
      ["/events/tail", headers],
      [`/events/tail?lastEventId=${first}`, headers],
      [`/events/tail?lastEventId=${second}`, { password: PASSWORD, "last-event-id": "" }],
    ] as const) {
      const reader = await hear(path, given);
      await reader.readEvents(1);
      await reader.close();
      expect(reader.events.map(({ data }) => data.message)).toEqual(["3"]);
    }
  });

  it("gives what comes between two visits of one that has heard nothing yet", async () => {
    const reader = await hear("/events/tail");
    await reader.close();
    await call("POST", "/event", { body: { service: "web", message: "in between" } });
    advance(MINUTE_MS);
    await hear("/events/tail", { password: PASSWORD, "last-event-id": reader.lastEventId }, reader);
    await reader.readEvents(1);
    await reader.close();
    expect(reader.events.map(({ data }) => data.message)).toEqual(["in between"]);
  });

  it("asks D1 for one row at most while nothing comes, by a statement that is made once", async () => {
    await storeEvents(...Array.from({ length: 50 }, (_, i) => event(START_MS - MINUTE_MS - i)));
    const meter = meterD1();
    const reader = await hear(`/events/tail?q=disk`);
    const begun = reader.lastEventId;
    advance(20 * SECOND_MS);
    while (reader.lastEventId === begun) await reader.read();
    await reader.close();
    const prepared = vi.mocked(env.DB.prepare).mock.calls.length;
    meter.stop();
    expect(prepared).toBe(1);
    expect(meter.queries.length).toBeGreaterThan(0);
    for (const { rowsRead } of meter.queries) expect(rowsRead).toBeLessThanOrEqual(1);
  });

  it("of who was away for long looks through a part at a time, and gives all of it once", async () => {
    const hours = 3;
    const ids = ulids(START_MS - hours * 60 * MINUTE_MS, 4_000);
    const isWanted = (i: number) => i % 1_000 === 999 || i < 150;
    await storeEvents(...ids.map((id, i) => event(0, { id, message: isWanted(i) ? `wanted ${i}` : "other" })));
    const now = event(START_MS - 2 * SECOND_MS, { message: "wanted just now" });
    await storeEvents(now);
    const meter = meterD1();
    const reader = await hear(`/events/tail?q=wanted&lastEventId=${lowestUlid(START_MS - 4 * 60 * MINUTE_MS)}`);
    await reader.readEvents(155);
    await reader.close();
    meter.stop();
    const wanted = ids.flatMap((_, i) => (isWanted(i) ? [`wanted ${i}`] : []));
    expect(reader.events.map(({ data }) => data.message)).toEqual([...wanted, "wanted just now"]);
    // What looks through all at once would not stop at a bound.
    const looks = meter.queries.filter(({ sql }) => sql.includes("instr("));
    const bounds = looks.map(({ sql }) => Number(/limit (\d+)\)/.exec(sql)?.[1]));
    expect(bounds).toEqual([2_500, 2_500, expect.any(Number)]);
    expect(Math.max(...bounds)).toBeLessThanOrEqual(50_000);
  });

  it("may be heard by who only reads", async () => {
    const reader = await hear("/events/tail", { password: PASSWORD_READ });
    await reader.close();
    expect(reader.lastEventId).toBe(highestUlid(START_MS - SECOND_MS));
  });

  it("answers HEAD with nothing, and looks for nothing", async () => {
    const meter = meterD1();
    const { status, body, headers } = await call("HEAD", "/events/tail");
    expect([status, body, headers.get("content-type")]).toEqual([200, "", "text/event-stream"]);
    await meter.settled();
    meter.stop();
    expect(meter.queries).toEqual([]);
  });
});

describe("GET /gui/events/stream", () => {
  const rowsOf = (reader: EventReader) =>
    (reader.events as unknown as { data: { row: string } }[]).map(({ data }) => readable(data.row));

  it("gives the rows of a page, for a browser that has logged in", async () => {
    vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
    await storeEvents(
      event(START_MS - 5_000, { message: "seen", fields: { host: "<b>" } }),
      event(START_MS - 4_000, { message: "other" }),
    );
    const { cookie = "" } = await Visitor.loggedIn();
    const reader = await hear(`/gui/events/stream?q=seen&live=1&after=${lowestUlid(START_MS)}`, { cookie });
    await reader.readEvents(1);
    await reader.close();
    expect(rowsOf(reader)).toEqual(["2040-01-01 11:59:55 info a seen host = <b>"]);
    expect(JSON.stringify(reader.events)).toContain("q=seen%20host%3A%22%3Cb%3E%22");
  });

  it("gives what comes later than a range that ends now, and nothing that comes behind a range with an end", async () => {
    vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
    const { cookie = "" } = await Visitor.loggedIn();
    const now = START_MS / SECOND_MS;
    const open = await hear("/gui/events/stream?since=3600", { cookie });
    const closed = await hear(`/gui/events/stream?from=${now - 60}&to=${now + 3}`, { cookie });
    advance(10 * SECOND_MS);
    await storeEvents(event(START_MS + 2_000, { message: "within" }), event(START_MS + 6_000, { message: "behind" }));
    await open.readEvents(2);
    await closed.readEvents(1);
    await Promise.all([open.close(), closed.close()]);
    expect([open, closed].map((reader) => rowsOf(reader).map((row) => row.split(" ").at(-1)))).toEqual([
      ["within", "behind"],
      ["within"],
    ]);
  });

  it("goes on where it broke off, unless that is long ago", async () => {
    vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
    const [first, second] = [
      event(START_MS - 5_000, { message: "first" }),
      event(START_MS - 4_000, { message: "2nd" }),
    ];
    await storeEvents(first, second);
    const { cookie = "" } = await Visitor.loggedIn();
    const headers = { cookie, "last-event-id": first.id };
    const reader = await hear(`/gui/events/stream?after=${A_MINUTE_AGO}`, headers);
    await reader.readEvents(1);
    await reader.close();
    expect(rowsOf(reader).join()).toContain("2nd");
    advance(61 * MINUTE_MS);
    const answer = await open(`/gui/events/stream?after=${lowestUlid(Date.now())}`, headers);
    expect(answer.status).toBe(204);
    expect((await open("/gui/events/stream?after=x", { cookie })).status).toBe(400);
    expect((await open("/gui/events/stream?q=(", { cookie })).status).toBe(400);
  });

  it("ends behind so many rows on the free plan, and goes on when it is asked again", async () => {
    vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
    await storeEvents(...ulids(START_MS - 5_000, 250).map((id) => event(START_MS, { id })));
    const { cookie = "" } = await Visitor.loggedIn();
    const reader = new EventReader();
    const parts: number[] = [];
    for (const _ of [1, 2, 3]) {
      const before = reader.events.length;
      const last = reader.events.at(-1)?.id;
      const headers = { cookie, ...(last && { "last-event-id": last }) };
      const request = new Request(`https://tower.example/gui/events/stream?after=${lowestUlid(START_MS)}`, { headers });
      const response = await createApp().fetch(request, { ...env, PLAN: "free" } as Env);
      reader.open(response.body as ReadableStream<Uint8Array>);
      await reader.readEvents(250);
      parts.push(reader.events.length - before);
      await reader.close();
    }
    expect(parts).toEqual([100, 100, 50]);
    expect(new Set(reader.events.map(({ id }) => id)).size).toBe(250);
  });

  it("is not for others, nor for other origins", async () => {
    const answer = await open("/gui/events/stream", { password: PASSWORD });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect((await open("/events/tail", { cookie: (await Visitor.loggedIn()).cookie ?? "" })).status).toBe(403);
  });
});
