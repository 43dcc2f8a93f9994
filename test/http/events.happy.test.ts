import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ulid } from "../../src/domain/ulid.ts";
import { callWith } from "../support/app.ts";
import { call } from "../support/client.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import { event, storeEvents } from "../support/rows.ts";

useTestClock();
beforeEach(() => {
  vi.setSystemTime(START_MS);
});

const NOW = START_MS / 1_000;
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** The messages that a list gives, in its order. */
async function messages(query: string): Promise<string[]> {
  const { status, body } = await call("GET", `/events?${query}`);
  expect(status, `${query} ${JSON.stringify(body)}`).toBe(200);
  return body.events.map((e: { message: string }) => e.message);
}

describe("adding an event", () => {
  it.each(["/event", "/add-event"])("at %s answers its id, and it is found", async (path) => {
    const fields = { service: `added at ${path}`, level: 3, message: "watch out" };
    const { status, body } = await call("POST", path, { body: fields });
    expect(status).toBe(200);
    expect(body).toEqual({ result: 200, id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/) });
    const found = await call("GET", `/events?service=${encodeURIComponent(fields.service)}`);
    expect(found.body).toEqual({ result: 200, events: [{ id: body.id, date: NOW, ...fields, alert: false }] });
  });

  it.each([
    [undefined, 0],
    [0, 0],
    [1_000, 1_000],
    ["4", 4],
    [" 4 ", 4],
    ["debug", 0],
    ["info", 1],
    ["notice", 2],
    ["warning", 3],
    ["warn", 3],
    ["error", 4],
    ["critical", 5],
    ["alert", 6],
    ["emergency", 7],
    ["WARNING", 3],
    [" Error ", 4],
  ])("at level %j means %i", async (level, number) => {
    const service = `level ${JSON.stringify(level)}`;
    await call("POST", "/event", { body: { service, level, message: "x" } });
    const { body } = await call("GET", `/events?service=${encodeURIComponent(service)}`);
    expect(body.events).toMatchObject([{ level: number }]);
  });

  it("may be a form, with everything as text", async () => {
    const raw = "service=form&level=error&message=disk+full%21+100%25+%F0%9F%A6%8A&alert=0";
    expect((await call("POST", "/event", { raw, headers: FORM })).status).toBe(200);
    expect((await call("GET", "/events?service=form")).body.events).toMatchObject([
      { level: 4, message: "disk full! 100% 🦊", alert: false },
    ]);
  });

  it.each([
    ["one letter", "x"],
    ["a blank", " "],
    ["control characters", "line\nline\ttab\u0001"],
    ["65,536 bytes", "m".repeat(65_536)],
    ["65,536 bytes in 16,384 characters", "🦊".repeat(16_384)],
  ])("takes a message of %s", async (service, message) => {
    const { body } = await call("POST", "/event", { body: { service, message } });
    expect(body.result).toBe(200);
    const found = await call("GET", `/events?service=${encodeURIComponent(service)}`);
    expect(found.body.events).toMatchObject([{ message }]);
  });

  it("needs no service that ever pulsed, and makes none", async () => {
    await call("POST", "/event", { body: { service: "only events", message: "x" } });
    expect((await call("GET", "/get/only%20events")).status).toBe(404);
  });

  it.each([true, 1, "1", "true"])("with alert: %j is stored and owed to the default target", async (alert) => {
    const service = `alerted ${JSON.stringify(alert)}`;
    const { status, body } = await call("POST", "/event", { body: { service, level: 5, message: "help", alert } });
    expect(status).toBe(200);
    expect(body).toEqual({ result: 200, id: expect.any(String) });
    const found = await call("GET", `/events?service=${encodeURIComponent(service)}`);
    expect(found.body.events).toMatchObject([{ id: body.id, level: 5, message: "help", alert: true }]);
  });

  it("with alert, where there is nobody to tell, says so", async () => {
    const variables = { DEFAULT_ALERT_TYPE: "", DEFAULT_ALERT_TARGET: "" };
    const body = { service: "nobody to tell", message: "help", alert: true };
    const answer = await callWith(variables, "POST", "/event", { body });
    expect(answer.status).toBe(200);
    expect(answer.body.warnings).toEqual([expect.stringContaining("nobody is alerted")]);
  });

  it("with alert, where the default target's secrets are missing, says so", async () => {
    const variables = { DEFAULT_ALERT_TYPE: "mail", DEFAULT_ALERT_TARGET: "ann@example.com", MAIL_FROM: "" };
    const body = { service: "no secrets", message: "help", alert: true };
    const answer = await callWith(variables, "POST", "/event", { body });
    expect(answer.body.warnings).toEqual([expect.stringContaining("MAIL_FROM")]);
  });
});

describe("listing events", () => {
  const at = (seconds: number) => (NOW + seconds) * 1_000;
  beforeAll(() =>
    storeEvents(
      event(at(-90_000), { service: "s", level: 0, message: "yesterday" }),
      event(at(-86_400), { service: "s", level: 1, message: "just a day ago" }),
      event(at(-300) + 999, { service: "s", level: 3, message: "Déjà VU: 100% of a_b\\c" }),
      event(at(-200), { service: "s", level: 4, message: "quotes ' \" and 🦊 👩‍👩‍👧" }),
      event(at(-100), { service: "s", level: 7, message: "HELLO world" }),
      event(at(600) + 999, { service: "s", level: 5, message: "ten minutes ahead" }),
      event(at(601), { service: "s", level: 6, message: "further ahead" }),
      event(at(-50), { service: "other", level: 6, message: "hello from another" }),
    ),
  );

  it.each(["/events", "/list-events"])(
    "at %s gives the last 24 hours and 10 minutes ahead, newest first",
    async (path) => {
      const { status, body } = await call("GET", `${path}?service=s`);
      expect(status).toBe(200);
      expect(body.result).toBe(200);
      expect(body).not.toHaveProperty("next");
      expect(body.events.map((e: { message: string }) => e.message)).toEqual([
        "ten minutes ahead",
        "HELLO world",
        "quotes ' \" and 🦊 👩‍👩‍👧",
        "Déjà VU: 100% of a_b\\c",
        "just a day ago",
      ]);
    },
  );

  it("gives one service's only, by its exact name", async () => {
    expect(await messages("service=other")).toEqual(["hello from another"]);
    expect(await messages("service=Other")).toEqual([]);
    expect(await messages("service=othe")).toEqual([]);
  });

  it.each([
    ["0", 5],
    ["1", 5],
    ["3", 4],
    ["warn", 4],
    ["4", 3],
    ["error", 3],
    ["5", 2],
    ["7", 1],
    ["EMERGENCY", 1],
    ["8", 0],
    ["1000", 0],
  ])("at level %s and above", async (level, count) => {
    expect(await messages(`service=s&level=${level}`)).toHaveLength(count);
  });

  const contains: [text: string, found: number][] = [
    ["hello", 1],
    ["Hello WORLD", 1],
    ["o w", 1],
    ["100%", 1],
    ["%", 1],
    ["_", 1],
    ["a_b", 1],
    ["a%b", 0],
    ["axb", 0],
    ["\\", 1],
    ["a_b\\c", 1],
    ["'", 1],
    ['" and', 1],
    ["🦊", 1],
    ["👩‍👩‍👧", 1],
    ["déjà vu", 1],
    ["DÉJÀ VU", 0],
    ["*", 0],
    ["?", 0],
    [".*", 0],
    ["world ", 0],
    [`${"x".repeat(60)}`, 0],
  ];
  it.each(contains)("whose message contains %j, whatever the case of A to Z", async (text, found) => {
    expect(await messages(`service=s&message=${encodeURIComponent(text)}`)).toHaveLength(found);
  });

  it("from and to a moment, both ends included, down to the second", async () => {
    const range = (from: number, to: number) => messages(`service=s&from=${NOW + from}&to=${NOW + to}`);
    expect(await range(-300, -300)).toEqual(["Déjà VU: 100% of a_b\\c"]);
    expect(await range(-299, -201)).toEqual([]);
    expect(await range(-200, -100)).toEqual(["HELLO world", "quotes ' \" and 🦊 👩‍👩‍👧"]);
    expect(await range(-90_000, -86_400)).toEqual(["just a day ago", "yesterday"]);
    expect(await range(600, 601)).toEqual(["further ahead", "ten minutes ahead"]);
  });

  it("from a moment without an end, and to one without a beginning", async () => {
    expect(await messages(`service=s&from=${NOW - 100}`)).toEqual(["ten minutes ahead", "HELLO world"]);
    expect(await messages(`service=s&to=${NOW - 250}`)).toEqual(["Déjà VU: 100% of a_b\\c", "just a day ago"]);
  });

  // START_MS is 2040-01-01 at noon, UTC; the event at -200 s is of 11:56:40.
  it.each([
    "2040-01-01T11:56:40Z",
    "2040-01-01T11:56:40z",
    "2040-01-01t11:56:40",
    "2040-01-01 11:56:40",
    "2040-01-01T11:56:40.000Z",
    "2040-01-01T11:56:40.999999Z",
    "2040-01-01T12:56:40+01:00",
    "2040-01-01T12:56:40+0100",
    "2040-01-01T06:26:40-05:30",
    " 2040-01-01T11:56:40Z ",
    `${NOW - 200}`,
    ` ${NOW - 200} `,
    `${NOW - 200}.9`,
  ])("at a date that is written %j", async (date) => {
    const query = `service=s&from=${encodeURIComponent(date)}&to=${encodeURIComponent(date)}`;
    expect(await messages(query)).toEqual(["quotes ' \" and 🦊 👩‍👩‍👧"]);
  });

  it("by minutes and by days", async () => {
    expect(await messages("service=s&from=2040-01-01T11:56Z&to=2040-01-01T11:57Z")).toHaveLength(1);
    expect(await messages("service=s&from=2039-12-31&to=2040-01-01")).toEqual(["just a day ago", "yesterday"]);
    // 24:00 is the next day's beginning.
    expect(await messages("service=s&from=2039-12-31T00:00Z&to=2039-12-31T24:00Z")).toHaveLength(2);
  });

  it("by all conditions together", async () => {
    expect(await messages(`service=s&level=4&message=HELLO&from=${NOW - 150}&to=${NOW}`)).toEqual(["HELLO world"]);
    expect(await messages(`service=s&level=4&message=HELLO&from=${NOW - 150}&to=${NOW - 101}`)).toEqual([]);
    expect(await messages("level=6&message=hello")).toEqual(["hello from another", "HELLO world"]);
  });

  it("takes parameters that are left empty for not given", async () => {
    expect(await messages("service=s&level=&message=&from=&to=&limit=&cursor=&humanDates=")).toHaveLength(5);
  });

  it("with dates for people, in the configured time zone", async () => {
    const query = `/events?service=s&from=${NOW - 200}&to=${NOW - 200}&humanDates=1`;
    expect((await call("GET", query)).body.events).toMatchObject([{ date: "2040-01-01 11:56:40" }]);
    const paris = await callWith({ TIMEZONE: "Europe/Paris" }, "GET", query);
    expect(paris.body.events).toMatchObject([{ date: "2040-01-01 12:56:40" }]);
  });
});

describe("paging through events", () => {
  /** Follows `next` to the end; between pages, something may happen. */
  async function pages(query: string, between: () => Promise<unknown> = async () => {}): Promise<string[][]> {
    const all: string[][] = [];
    for (let cursor = ""; ; ) {
      const { status, body } = await call(
        "GET",
        `/events?${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      expect(status).toBe(200);
      all.push(body.events.map((e: { message: string }) => e.message));
      if (!body.next) return all;
      cursor = body.next;
      await between();
    }
  }

  it("loses and doubles nothing, also where many have the same millisecond", async () => {
    const stored = Array.from({ length: 25 }, (_, i) =>
      event(START_MS - (i % 3), { service: "paged", message: `${i}` }),
    );
    await storeEvents(...stored);
    const newestFirst = stored.sort((a, b) => (a.id < b.id ? 1 : -1)).map(({ message }) => message);
    for (const limit of [1, 7, 24, 25, 26]) {
      const found = await pages(`service=paged&limit=${limit}`);
      expect(found.flat(), `limit ${limit}`).toEqual(newestFirst);
      for (const page of found.slice(0, -1)) expect(page).toHaveLength(limit);
    }
  });

  it("does not slide while new events arrive and time goes on", async () => {
    const stored = Array.from({ length: 9 }, (_, i) =>
      event(START_MS - 1_000 * i, { service: "busy", message: `${i}` }),
    );
    await storeEvents(...stored);
    let arrived = 0;
    const found = await pages("service=busy&limit=2", async () => {
      await storeEvents(event(START_MS + 1_000 * ++arrived, { service: "busy", message: "new" }));
      // A day passes: what was in the range of the first page is out of the default range by now.
      advance(86_400_000);
    });
    expect(found.flat()).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
  });

  it("gives a thousand by default, and ten thousand at the most", async () => {
    const ids = Array.from({ length: 1_001 }, (_, i) => ulid(START_MS - i));
    await storeEvents(...ids.map((id) => ({ ...event(0), id, service: "thousand", message: "x" })));
    const range = `service=thousand&from=${NOW - 10}&to=${NOW}`;
    const page = await call("GET", `/events?${range}`);
    expect(page.body.events).toHaveLength(1_000);
    expect(page.body.next).toEqual(expect.any(String));
    const all = await call("GET", `/events?${range}&limit=10000`);
    expect(all.body.events).toHaveLength(1_001);
    expect(all.body).not.toHaveProperty("next");
  });
});
