import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseConfig, type Variables } from "../../src/config.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { ulids } from "../../src/domain/ulid.ts";
import { prune } from "../../src/retention.ts";
import { event, plansOf, query, storeEvents } from "../support/rows.ts";

/** Not the first run of a day. */
const NOW_MS = Date.UTC(2030, 5, 1, 12);
const RUN_MS = 10 * MINUTE_MS;
const BY_LEVEL: Variables = {
  EVENTS_RETENTION_DAYS: "30",
  EVENTS_RETENTION_DAYS_DEBUG: "2",
  EVENTS_RETENTION_DAYS_INFO: "2",
  EVENTS_RETENTION_DAYS_ERROR: "100",
};
const config = (variables: Variables = BY_LEVEL) => parseConfig({ ...variables });

async function storeMany(count: number, ms: number, level: number): Promise<void> {
  const ids = ulids(ms, count);
  for (let i = 0; i < count; i += 3_000) {
    await storeEvents(...ids.slice(i, i + 3_000).map((id) => event(ms, { id, level, message: "x" })));
  }
}

const messages = async () => (await query("select message from events order by id")).map(({ message }) => message);
const countOf = async (level: number) =>
  (await query<{ n: number }>("select count(*) as n from events where level = ?", level))[0]?.n;

beforeEach(async () => {
  for (const table of ["events", "progress"]) await query(`delete from ${table}`);
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

describe("a retention by level", () => {
  it("deletes each level after its own time, to the millisecond, the others after the general one", async () => {
    const limit = (days: number) => NOW_MS - days * DAY_MS;
    for (const [level, days] of [
      [0, 2],
      [1, 2],
      [2, 30],
      [3, 30],
      [4, 100],
      [7, 30],
      [8, 30],
      [1_000, 30],
    ] as const) {
      await storeEvents(
        event(limit(days) - 1, { level, message: `${level} old` }),
        event(limit(days), { level, message: `${level} young` }),
      );
    }
    expect((await prune(env, config(), NOW_MS)).events).toBe(8);
    expect((await messages()).sort()).toEqual([0, 1, 1_000, 2, 3, 4, 7, 8].map((level) => `${level} young`));
  });

  it("of which none is set costs and stores nothing more", async () => {
    await storeEvents(event(NOW_MS - DAY_MS));
    const prepare = vi.spyOn(env.DB, "prepare");
    await prune(env, config({ EVENTS_RETENTION_DAYS: "30", EVENTS_RETENTION_DAYS_DEBUG: "30" }), NOW_MS);
    expect(prepare).toHaveBeenCalledTimes(3);
    expect(await query("select * from progress")).toEqual([]);
  });

  it("looks at each event once, and goes on where the last run has ended", async () => {
    await storeMany(300, NOW_MS - 40 * HOUR_MS, 3);
    await storeMany(300, NOW_MS - 60 * HOUR_MS, 3);
    await prune(env, config(), NOW_MS);
    const reads = async (nowMs: number) => {
      const all = vi.spyOn(env.DB, "prepare");
      await prune(env, config(), nowMs);
      const statements = all.mock.calls.length;
      all.mockRestore();
      return statements;
    };
    // The oldest of three tables, the progress, a look ahead for each of two groups and for the slow walk, the progress.
    expect(await reads(NOW_MS + RUN_MS)).toBeLessThanOrEqual(3 + 1 + 3 + 1);
    // When the 300 grow too old they are looked at, and stay.
    await prune(env, config(), NOW_MS + 9 * HOUR_MS);
    expect(await countOf(3)).toBe(600);
  });

  it("keeps up with what comes in, 1,000 in each step, also among many that stay", async () => {
    for (let i = 0; i < 4; i++) {
      await storeMany(400, NOW_MS - 49 * HOUR_MS + i, 0);
      await storeMany(400, NOW_MS - 49 * HOUR_MS + i, 3);
    }
    const runs: number[] = [];
    for (let run = 0; run < 3; run++) runs.push((await prune(env, config(), NOW_MS + run * RUN_MS)).events);
    expect(runs.reduce((sum, rows) => sum + rows)).toBe(1_600);
    expect(runs[0]).toBeGreaterThanOrEqual(800);
    expect(await countOf(3)).toBe(1_600);
  });

  it("takes 100 of what is scattered over a longer time, in each run, until all is gone", async () => {
    for (let hour = 1; hour <= 250; hour++) {
      await storeEvents(event(NOW_MS - (48 + hour) * HOUR_MS, { level: hour % 2 ? 0 : 1 }));
      await storeEvents(event(NOW_MS - (48 + hour) * HOUR_MS, { level: 3 }));
    }
    const runs: number[] = [];
    for (let run = 0; run < 6; run++) runs.push((await prune(env, config(), NOW_MS + run * RUN_MS)).events);
    expect(Math.max(...runs)).toBeLessThanOrEqual(102);
    expect(runs.reduce((sum, rows) => sum + rows)).toBe(250);
    expect(runs[0]).toBeGreaterThanOrEqual(99);
    expect(await countOf(3)).toBe(250);
  });

  it("finds what came late with a date that the walk had passed, the next day", async () => {
    await prune(env, config(), NOW_MS);
    await storeEvents(
      event(NOW_MS - 20 * DAY_MS, { level: 0, message: "late" }),
      event(NOW_MS - 20 * DAY_MS, { level: 2, message: "late, and young enough" }),
    );
    let runs = 0;
    for (; (await countOf(0)) === 1 && runs < 200; runs++) await prune(env, config(), NOW_MS + runs * RUN_MS);
    expect(await messages()).toEqual(["late, and young enough"]);
    // It is noon: the first run of the next day is the 72nd.
    expect(runs).toBeGreaterThanOrEqual(72);
    expect(runs).toBeLessThanOrEqual(76);
  });

  it("that is changed begins anew, and forgets the walk before it", async () => {
    await storeEvents(event(NOW_MS - 10 * DAY_MS, { level: 3, message: "a warning" }));
    await prune(env, config(), NOW_MS);
    expect(await messages()).toEqual(["a warning"]);
    const jobs = (await query("select job from progress")).map(({ job }) => job);
    await prune(env, config({ ...BY_LEVEL, EVENTS_RETENTION_DAYS_WARNING: "5" }), NOW_MS + RUN_MS);
    expect(await messages()).toEqual([]);
    const after = (await query("select job from progress")).map(({ job }) => job);
    expect(after.filter((job) => jobs.includes(job))).not.toEqual(jobs);
    await prune(env, config({ EVENTS_RETENTION_DAYS_DEBUG: "1" }), NOW_MS + 2 * RUN_MS);
    expect(await query("select job from progress where job like '%2 days%'")).toEqual([]);
  });

  it("may be longer for all levels than the general one, which then is that of the others", async () => {
    const names = ["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"];
    const variables = Object.fromEntries(names.map((name, i) => [`EVENTS_RETENTION_DAYS_${name}`, String(10 + i)]));
    for (const level of [0, 7, 8]) await storeEvents(event(NOW_MS - 9 * DAY_MS, { level, message: `${level}` }));
    await prune(env, config({ ...variables, EVENTS_RETENTION_DAYS: "5" }), NOW_MS);
    expect((await messages()).sort()).toEqual(["0", "7"]);
  });

  it("stays below 50 queries whatever there is, and uses no sorting and no index on levels", async () => {
    const names = ["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"];
    const variables = Object.fromEntries(names.map((name, i) => [`EVENTS_RETENTION_DAYS_${name}`, String(10 + i)]));
    const all = config({ ...variables, EVENTS_RETENTION_DAYS: "60", PLAN: "free" });
    await storeMany(11_000, NOW_MS - 70 * DAY_MS, 0);
    for (let level = 0; level < 8; level++) await storeMany(1_200, NOW_MS - (20 + level) * DAY_MS, level);
    const prepare = vi.spyOn(env.DB, "prepare");
    await prune(env, all, NOW_MS);
    expect(prepare.mock.calls.length).toBeLessThan(50);
    prepare.mockRestore();
    const plans = await plansOf(() => prune(env, all, NOW_MS + RUN_MS));
    for (const plan of plans) {
      expect(plan).not.toContain("TEMP B-TREE");
      expect(plan).not.toMatch(/events_(errors|by_service)/);
    }
  });
});
