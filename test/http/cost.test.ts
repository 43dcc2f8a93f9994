import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import doc from "../../docs/deploy.md?raw";
import { ruleBook } from "../../src/monitor/rule-book.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { REQUESTS } from "../support/costs/requests.ts";
import { TRIGGERS } from "../support/costs/triggers.ts";
import type { Cost } from "../support/meter.ts";
import { query } from "../support/rows.ts";

useTestClock();

const measured = [...REQUESTS, ...TRIGGERS];
const [section = ""] = doc.match(/^## What everything costs$.*?(?=^###? )/ms) ?? [];

/** The table of docs/deploy.md that says what everything costs at most, by what and when. */
const bounds = new Map<string, Cost>(
  [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \|((?: [\d,]+ \|){5})$/gm)].map(([, what, when, numbers]) => {
    const [queries, rowsRead, rowsWritten, objectCalls, objectRows] = (numbers ?? "")
      .split("|")
      .map((number) => Number(number.replaceAll(",", ""))) as [number, number, number, number, number];
    return [`${what}: ${when}`, { queries, rowsRead, rowsWritten, objectCalls, objectRows }];
  }),
);

beforeEach(async () => {
  for (const table of ["services", "events", "alerts", "transitions", "progress", "rules"])
    await query(`delete from ${table}`);
  vi.setSystemTime(START_MS);
  // An isolate reads the rules now and then, which has a row of its own.
  ruleBook.changed();
  await ruleBook.tell(env, []);
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

describe("the table of costs in docs/deploy.md", () => {
  it("has a row for everything that is measured here, and no other", () => {
    expect([...bounds.keys()]).toEqual(measured.map(([name]) => name));
  });

  it.each(measured)("is right about %s", { timeout: 200_000 }, async (name, measure) => {
    const cost = await measure();
    const bound = bounds.get(name) as Cost;
    for (const key of Object.keys(cost) as (keyof Cost)[]) {
      expect(cost[key], `${name}: ${key}`).toBeLessThanOrEqual(bound[key]);
      // A bound that nothing comes near would be out of date.
      expect(cost[key], `${name}: ${key}`).toBeGreaterThanOrEqual(bound[key] / 2);
    }
    // The free plan's limits for one invocation.
    expect(cost.queries).toBeLessThan(50);
  });
});
