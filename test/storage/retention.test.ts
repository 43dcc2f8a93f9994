import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import { ulids } from "../../src/domain/ulid.ts";
import worker from "../../src/index.ts";
import { prune } from "../../src/retention.ts";
import { event, query, storeEvents } from "../support/rows.ts";

const NOW_MS = Date.UTC(2030, 5, 1, 12);
const config = parseConfig({ EVENTS_RETENTION_DAYS: "30" });
const LIMIT_MS = NOW_MS - 30 * DAY_MS;

async function storeMany(count: number, ms: number): Promise<void> {
  const ids = ulids(ms, count);
  for (let i = 0; i < count; i += 3_000) {
    await storeEvents(...ids.slice(i, i + 3_000).map((id) => event(ms, { id, message: "x" })));
  }
}

const count = async () => (await query<{ n: number }>("select count(*) as n from events"))[0]?.n;

beforeEach(async () => {
  await query("delete from events");
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
    expect(await prune(env, config, NOW_MS)).toBe(2);
    expect(await query("select message from events order by id")).toEqual([
      { message: "just young enough" },
      { message: "new" },
      { message: "from the future" },
    ]);
    expect(await prune(env, config, NOW_MS)).toBe(0);
  });

  it("works in chunks, with one query each", async () => {
    await storeMany(2_500, LIMIT_MS - DAY_MS);
    const prepare = vi.spyOn(env.DB, "prepare");
    expect(await prune(env, config, NOW_MS)).toBe(2_500);
    expect(prepare).toHaveBeenCalledTimes(3);
    expect(await count()).toBe(0);
  });

  it("leaves what is too much for one run to the next, the newest of the old, and stays far below 50 queries", async () => {
    await storeMany(18_000, LIMIT_MS - 2 * DAY_MS);
    await storeMany(3_000, LIMIT_MS - DAY_MS);
    const prepare = vi.spyOn(env.DB, "prepare");
    expect(await prune(env, config, NOW_MS)).toBe(20_000);
    expect(prepare).toHaveBeenCalledTimes(20);
    prepare.mockRestore();
    expect(
      await query(
        "select count(*) as n, min(id) >= ? as newest from events",
        ulids(LIMIT_MS - DAY_MS, 1)[0]?.slice(0, 10),
      ),
    ).toEqual([{ n: 1_000, newest: 1 }]);
    expect(await prune(env, config, NOW_MS)).toBe(1_000);
    expect(await count()).toBe(0);
  });

  it("reads no more rows than it deletes, and a few", async () => {
    await storeMany(100, LIMIT_MS - DAY_MS);
    await storeMany(3_000, NOW_MS);
    const prepare = vi.spyOn(env.DB, "prepare");
    await prune(env, config, NOW_MS);
    const sql = prepare.mock.calls[0]?.[0] ?? "";
    prepare.mockRestore();
    const plan = await query<{ detail: string }>(`explain query plan ${sql}`, "", 1);
    expect(plan.map(({ detail }) => detail).join("; ")).toContain("SEARCH events USING PRIMARY KEY (id<?)");
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
