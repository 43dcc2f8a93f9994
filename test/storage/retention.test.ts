import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { ulid, ulids } from "../../src/domain/ulid.ts";
import worker from "../../src/index.ts";
import { prune } from "../../src/retention.ts";
import { alertRecord, event, plansOf, query, storeAlerts, storeEvents, storeTransitions } from "../support/rows.ts";

const NOW_MS = Date.UTC(2030, 5, 1, 12);
const config = parseConfig({ EVENTS_RETENTION_DAYS: "30", RECORDS_RETENTION_DAYS: "100" });
const LIMIT_MS = NOW_MS - 30 * DAY_MS;
const RECORDS_LIMIT_MS = NOW_MS - 100 * DAY_MS;

async function storeMany(count: number, ms: number): Promise<void> {
  const ids = ulids(ms, count);
  for (let i = 0; i < count; i += 3_000) {
    await storeEvents(...ids.slice(i, i + 3_000).map((id) => event(ms, { id, message: "x" })));
  }
}

const count = async () => (await query<{ n: number }>("select count(*) as n from events"))[0]?.n;

beforeEach(async () => {
  for (const table of ["events", "alerts", "transitions"]) await query(`delete from ${table}`);
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

describe("the retention", () => {
  it("deletes what is older, to the millisecond, and nothing else", async () => {
    await storeEvents(
      event(0, { message: "ancient" }),
      event(LIMIT_MS - 1, { message: "just too old", level: 7 }),
      event(LIMIT_MS, { message: "just young enough" }),
      event(NOW_MS, { message: "new" }),
      event(NOW_MS + 99 * DAY_MS, { message: "from the future" }),
    );
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 2, transitions: 0, alerts: 0 });
    expect(await query("select message from events order by id")).toEqual([
      { message: "just young enough" },
      { message: "new" },
      { message: "from the future" },
    ]);
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 0, transitions: 0, alerts: 0 });
  });

  it("keeps up with whatever came in: a run takes the oldest quarter of an hour, in chunks of 1,000", async () => {
    await storeMany(2_500, LIMIT_MS - DAY_MS);
    await storeMany(1, LIMIT_MS - DAY_MS + 15 * MINUTE_MS - 1);
    await storeMany(200, LIMIT_MS - DAY_MS + 15 * MINUTE_MS);
    const prepare = vi.spyOn(env.DB, "prepare");
    expect((await prune(env, config, NOW_MS)).events).toBe(2_501);
    // One looks for the oldest of each table, and three delete.
    expect(prepare).toHaveBeenCalledTimes(3 + 3);
    expect(await count()).toBe(200);
  });

  it("takes 100 of what is scattered over a longer time, the oldest, so that a day of runs leaves room in the plan", async () => {
    for (let hour = 1; hour <= 250; hour++) await storeEvents(event(LIMIT_MS - hour * HOUR_MS));
    const runs: number[] = [];
    for (let run = 0; run < 4; run++) runs.push((await prune(env, config, NOW_MS + run)).events);
    expect(runs).toEqual([100, 100, 50, 0]);
  });

  it("on the paid plan takes all of a backlog, in chunks of 1,000", async () => {
    const paid = parseConfig({ EVENTS_RETENTION_DAYS: "30", PLAN: "paid" });
    for (let day = 1; day <= 5; day++) await storeMany(1_300, LIMIT_MS - day * DAY_MS);
    const prepare = vi.spyOn(env.DB, "prepare");
    expect((await prune(env, paid, NOW_MS)).events).toBe(6_500);
    // Seven deletes of events, one of each other table.
    expect(prepare).toHaveBeenCalledTimes(7 + 2);
    expect(await count()).toBe(0);
  });

  it("leaves no more than that behind each time, until all is gone that is too old", async () => {
    const sizes = [40, 700, 30, 20, 1];
    for (const [i, size] of sizes.entries()) await storeMany(size, LIMIT_MS - (sizes.length - i) * DAY_MS);
    const runs: number[] = [];
    for (let run = 0; run < 10; run++) runs.push((await prune(env, config, NOW_MS)).events);
    // 40 and 60 of the 700; the rest of those, which are of one quarter of an hour; all others.
    expect(runs).toEqual([100, 640, 51, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("leaves what is too much for one run to the next, the newest of the old, and stays far below 50 queries", async () => {
    await storeMany(9_000, LIMIT_MS - 2 * MINUTE_MS);
    await storeMany(2_000, LIMIT_MS - MINUTE_MS);
    const prepare = vi.spyOn(env.DB, "prepare");
    expect((await prune(env, config, NOW_MS)).events).toBe(10_000);
    expect(prepare).toHaveBeenCalledTimes(1 + 10 + 2);
    prepare.mockRestore();
    const newest = ulids(LIMIT_MS - MINUTE_MS, 1)[0]?.slice(0, 10);
    expect(await query("select count(*) as n, min(id) >= ? as newest from events", newest)).toEqual([
      { n: 1_000, newest: 1 },
    ]);
    expect((await prune(env, config, NOW_MS)).events).toBe(1_000);
    expect(await count()).toBe(0);
  });

  it("of alerts and transitions is one of their own", async () => {
    const moments = [0, RECORDS_LIMIT_MS - 1, RECORDS_LIMIT_MS, LIMIT_MS - 1, NOW_MS];
    await storeAlerts(...moments.map((ms) => alertRecord(ms, { alert: { title: String(ms) } })));
    await storeTransitions(...moments.map((ms) => ({ id: ulid(ms), service: String(ms), status: "alive" as const })));
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 0, transitions: 2, alerts: 2 });
    const kept = moments.slice(2).map(String);
    expect((await query("select title from alerts order by id")).map(({ title }) => title)).toEqual(kept);
    expect((await query("select service from transitions order by id")).map(({ service }) => service)).toEqual(kept);
  });

  it("of alerts and transitions goes on however many events there are, and all of it takes at most 17 queries", async () => {
    await storeMany(11_000, LIMIT_MS - DAY_MS);
    const ids = ulids(RECORDS_LIMIT_MS - DAY_MS, 1_500);
    await storeTransitions(...ids.map((id) => ({ id, service: "a", status: "dead" as const })));
    await storeAlerts(...ids.map((id) => alertRecord(0, { alert: { id } })));
    const prepare = vi.spyOn(env.DB, "prepare");
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 10_000, transitions: 1_000, alerts: 1_000 });
    expect(prepare.mock.calls.length).toBeLessThanOrEqual(3 + 10 + 1 + 1 + 2);
    prepare.mockRestore();
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 1_000, transitions: 500, alerts: 500 });
  });

  it("of scattered alerts and transitions takes ten of each", async () => {
    const moments = Array.from({ length: 15 }, (_, i) => RECORDS_LIMIT_MS - (i + 1) * HOUR_MS);
    await storeTransitions(...moments.map((ms) => ({ id: ulid(ms), service: "a", status: "dead" as const })));
    await storeAlerts(...moments.map((ms) => alertRecord(ms)));
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 0, transitions: 10, alerts: 10 });
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 0, transitions: 5, alerts: 5 });
  });

  it("reads no more rows than it deletes, and a few", async () => {
    for (const ms of [0, DAY_MS]) {
      await storeEvents(event(ms));
      await storeAlerts(alertRecord(ms));
      await storeTransitions({ id: ulid(ms), service: "a", status: "alive" });
    }
    const plans = await plansOf(() => prune(env, config, NOW_MS));
    // The oldest, the slice, and the rest.
    expect(plans).toHaveLength(9);
    for (const table of ["events", "transitions", "alerts"]) {
      const search = `SEARCH ${table} USING PRIMARY KEY (id<?)`;
      expect(plans.filter((plan) => plan.includes(search))).toHaveLength(2);
    }
    for (const plan of plans) expect(plan).not.toContain("TEMP B-TREE FOR ORDER BY");
  });

  it("asks three queries and writes nothing while nothing is too old", async () => {
    await storeEvents(event(LIMIT_MS));
    const prepare = vi.spyOn(env.DB, "prepare");
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 0, transitions: 0, alerts: 0 });
    expect(prepare).toHaveBeenCalledTimes(3);
  });

  it("is run by the cron trigger, by the time at which it was due", async () => {
    // The tests' environment sets no retention, so it is the default of 90 days.
    await storeEvents(
      event(NOW_MS - 91 * DAY_MS, { message: "old" }),
      event(NOW_MS - 89 * DAY_MS, { message: "young" }),
    );
    const controller = { scheduledTime: NOW_MS, cron: "*/10 * * * *", noRetry() {} } as ScheduledController;
    await worker.scheduled(controller, env);
    expect(await query("select message from events")).toEqual([{ message: "young" }]);
  });

  it("fails loudly when D1 does, so that the run counts as failed", async () => {
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: no");
    });
    await expect(prune(env, config, NOW_MS)).rejects.toThrow();
  });
});
