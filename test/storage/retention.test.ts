import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { DAY_MS } from "../../src/domain/time.ts";
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

  it("works in chunks, with one query each", async () => {
    await storeMany(2_500, LIMIT_MS - DAY_MS);
    const prepare = vi.spyOn(env.DB, "prepare");
    expect((await prune(env, config, NOW_MS)).events).toBe(2_500);
    // One for each of the other tables, which are empty.
    expect(prepare).toHaveBeenCalledTimes(3 + 2);
    expect(await count()).toBe(0);
  });

  it("leaves what is too much for one run to the next, the newest of the old, and stays far below 50 queries", async () => {
    await storeMany(18_000, LIMIT_MS - 2 * DAY_MS);
    await storeMany(3_000, LIMIT_MS - DAY_MS);
    const prepare = vi.spyOn(env.DB, "prepare");
    expect((await prune(env, config, NOW_MS)).events).toBe(20_000);
    expect(prepare).toHaveBeenCalledTimes(20 + 2);
    prepare.mockRestore();
    expect(
      await query(
        "select count(*) as n, min(id) >= ? as newest from events",
        ulids(LIMIT_MS - DAY_MS, 1)[0]?.slice(0, 10),
      ),
    ).toEqual([{ n: 1_000, newest: 1 }]);
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

  it("of alerts and transitions goes on however many events there are, and all of it takes at most 40 queries", async () => {
    await storeMany(21_000, LIMIT_MS - DAY_MS);
    const ids = ulids(RECORDS_LIMIT_MS - DAY_MS, 11_000);
    for (let i = 0; i < ids.length; i += 1_000) {
      const some = ids.slice(i, i + 1_000);
      await storeTransitions(...some.map((id) => ({ id, service: "a", status: "dead" as const })));
      await storeAlerts(...some.map((id) => alertRecord(0, { alert: { id } })));
    }
    const prepare = vi.spyOn(env.DB, "prepare");
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 20_000, transitions: 10_000, alerts: 10_000 });
    expect(prepare).toHaveBeenCalledTimes(40);
    prepare.mockRestore();
    expect(await prune(env, config, NOW_MS)).toEqual({ events: 1_000, transitions: 1_000, alerts: 1_000 });
  });

  it("reads no more rows than it deletes, and a few", async () => {
    const plans = await plansOf(() => prune(env, config, NOW_MS));
    expect(plans).toHaveLength(3);
    for (const table of ["events", "transitions", "alerts"]) {
      const search = `SEARCH ${table} USING PRIMARY KEY (id<?)`;
      expect(
        plans.some((plan) => plan.includes(search)),
        plans.join("\n"),
      ).toBe(true);
    }
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
