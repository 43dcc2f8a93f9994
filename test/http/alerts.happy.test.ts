import { beforeAll, describe, expect, it } from "vitest";
import { callWith } from "../support/app.ts";
import { call } from "../support/client.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import { accept, interceptProviders, settle } from "../support/monitor.ts";
import { alertRecord, storeAlerts } from "../support/rows.ts";

useTestClock();

const NOW = START_MS / 1_000;
const at = (seconds: number) => (NOW + seconds) * 1_000;

async function titles(query: string): Promise<string[]> {
  const { status, body } = await call("GET", `/alerts?${query}`);
  expect(status, `${query} ${JSON.stringify(body)}`).toBe(200);
  return body.alerts.map((alert: { title: string }) => alert.title);
}

describe("what became of an alert", () => {
  it("is listed, from the death to the delivery", async () => {
    const received = interceptProviders(accept);
    const target = { alertType: "webhook", alertTarget: "https://hooks.example/a" };
    await call("POST", "/", { body: { service: "told", nextIn: 60, ...target } });
    advance(65_000);
    await call("GET", "/get/told");
    const owed = await call("GET", "/alerts?service=told");
    const alert = {
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      date: NOW + 65,
      service: "told",
      kind: "dead",
      ...target,
      title: "Service told has not pulsed",
      message: "The service told is not pulsing since 2040-01-01 12:00:00 UTC",
      state: "pending",
      attempts: 0,
      lastAnswer: null,
      nextAttempt: null,
    };
    expect(owed.body).toEqual({ result: 200, alerts: [alert] });
    await settle("told");
    expect(received).toHaveLength(1);
    const [done] = (await call("GET", "/alerts?service=told")).body.alerts;
    expect(done).toEqual({ ...alert, state: "delivered", attempts: 1, lastAnswer: "HTTP 200: ok" });
    expect(done.id).toBe(received[0]?.body.id);
  });

  it("has the date of the event that it tells of", async () => {
    interceptProviders(accept);
    const { body } = await call("POST", "/event", { body: { service: "teller", message: "fire", alert: true } });
    const [event] = (await call("GET", "/events?service=teller")).body.events;
    const { alerts } = (await call("GET", `/alerts?service=teller&from=${event.date}&to=${event.date}`)).body;
    expect(alerts).toMatchObject([{ kind: "event", date: event.date, message: "fire", state: "pending" }]);
    expect(body.id.slice(0, 10)).toBe(alerts[0].id.slice(0, 10));
  });
});

describe("listing alerts", () => {
  beforeAll(() =>
    storeAlerts(
      alertRecord(0, { alert: { service: "s", title: "first of all" } }),
      alertRecord(at(-500 * 86_400), { alert: { service: "s", title: "long ago" }, state: "failed" }),
      alertRecord(at(-200) + 999, {
        alert: { service: "s", title: "retried" },
        state: "pending",
        attempts: 2,
        lastAnswer: "HTTP 503",
        nextAttemptMs: at(60),
      }),
      alertRecord(at(-100), { alert: { service: "s", title: "overtaken" }, state: "dropped", attempts: 0 }),
      alertRecord(at(86_400), { alert: { service: "s", title: "ahead", kind: "alive" } }),
      alertRecord(at(-50), { alert: { service: "S", title: "of another" }, state: "failed" }),
    ),
  );

  it("gives all of a service, newest first, however old", async () => {
    expect(await titles("service=s")).toEqual(["ahead", "overtaken", "retried", "long ago", "first of all"]);
    expect(await titles("service=S")).toEqual(["of another"]);
    expect(await titles("service=nobody")).toEqual([]);
  });

  it.each([
    ["pending", ["retried"]],
    ["delivered", ["ahead", "first of all"]],
    ["failed", ["long ago"]],
    ["dropped", ["overtaken"]],
  ])("of a service that are %s", async (state, found) => {
    expect(await titles(`service=s&state=${state}`)).toEqual(found);
  });

  it("in a state, of every service", async () => {
    expect(await titles("state=failed")).toEqual(["of another", "long ago"]);
  });

  it("from and to a moment, both ends included, down to the second", async () => {
    expect(await titles(`service=s&from=${NOW - 200}&to=${NOW - 100}`)).toEqual(["overtaken", "retried"]);
    expect(await titles(`service=s&from=${NOW - 199}&to=${NOW - 101}`)).toEqual([]);
    expect(await titles(`service=s&from=${NOW - 100}`)).toEqual(["ahead", "overtaken"]);
    expect(await titles("service=s&to=0")).toEqual(["first of all"]);
    expect(await titles("service=s&from=2040-01-01T11:56:40Z&to=2040-01-01T11:56:40Z")).toEqual(["retried"]);
    expect(await titles(`state=failed&service=s&to=${NOW}&from=${NOW - 86_400}`)).toEqual([]);
  });

  it("takes parameters that are left empty for not given", async () => {
    expect(await titles("service=s&state=&from=&to=&limit=&cursor=&humanDates=")).toHaveLength(5);
  });

  it("with dates for people, in the configured time zone", async () => {
    const query = "/alerts?service=s&state=pending&humanDates=1";
    const dates = { date: "2040-01-01 11:56:40", nextAttempt: "2040-01-01 12:01:00" };
    expect((await call("GET", query)).body.alerts).toMatchObject([dates]);
    const paris = await callWith({ TIMEZONE: "Europe/Paris" }, "GET", query);
    expect(paris.body.alerts).toMatchObject([{ date: "2040-01-01 12:56:40", nextAttempt: "2040-01-01 13:01:00" }]);
    expect((await call("GET", "/alerts?service=s&state=dropped&humanDates=1")).body.alerts[0].nextAttempt).toBeNull();
  });
});

describe("paging through alerts", () => {
  async function pages(query: string, between: () => Promise<unknown> = async () => {}): Promise<string[][]> {
    const all: string[][] = [];
    for (let cursor = ""; ; ) {
      const { status, body } = await call("GET", `/alerts?${query}${cursor && `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      all.push(body.alerts.map((alert: { title: string }) => alert.title));
      if (!body.next) return all;
      cursor = encodeURIComponent(body.next);
      await between();
    }
  }

  const filters = ["", "&state=dropped", `&from=${NOW - 1}`, `&state=dropped&to=${NOW}&from=${NOW - 1}`];
  it.each(filters)("loses and doubles nothing, and does not slide, with the filter %j", async (filter) => {
    const service = `paged ${filter}`;
    const path = `service=${encodeURIComponent(service)}${filter}`;
    const stored = Array.from({ length: 25 }, (_, i) =>
      alertRecord(START_MS - (i % 3), { alert: { service, title: `${i}` }, state: "dropped" }),
    );
    await storeAlerts(...stored);
    const newestFirst = stored.sort((a, b) => (a.alert.id < b.alert.id ? 1 : -1)).map(({ alert }) => alert.title);
    for (const limit of [7, 24, 25, 26]) {
      const found = await pages(`${path}&limit=${limit}`);
      expect(found.flat(), `limit ${limit}`).toEqual(newestFirst);
      for (const page of found.slice(0, -1)) expect(page).toHaveLength(limit);
    }
    const found = await pages(`${path}&limit=2`, () =>
      storeAlerts(alertRecord(START_MS + 1, { alert: { service, title: "new" }, state: "dropped" })),
    );
    expect(found.flat()).toEqual(newestFirst);
  });

  it("gives a hundred by default, and ten thousand at the most", async () => {
    const stored = Array.from({ length: 101 }, (_, i) => alertRecord(START_MS - i, { alert: { service: "hundred" } }));
    await storeAlerts(...stored);
    const page = await call("GET", "/alerts?service=hundred");
    expect(page.body.alerts).toHaveLength(100);
    expect(page.body.next).toEqual(expect.any(String));
    const all = await call("GET", "/alerts?service=hundred&limit=10000");
    expect(all.body.alerts).toHaveLength(101);
    expect(all.body).not.toHaveProperty("next");
  });
});
