import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Budget,
  budgetMessage,
  QUOTAS,
  type Quota,
  reportOf,
  restUntilMs,
  spend,
} from "../../src/domain/budget.ts";
import { DAY_MS, HOUR_MS } from "../../src/domain/time.ts";

const NOON_MS = Date.UTC(2030, 5, 1, 12);
const MIDNIGHT_MS = Date.UTC(2030, 5, 2);
const quotas = fc.constantFrom(...(Object.keys(QUOTAS) as Quota[]));

describe("what is reported of what was used", () => {
  it("is on average what was used, however small the amounts", () => {
    fc.assert(
      fc.property(quotas, fc.integer({ min: 1, max: 10_000 }), (quota, amount) => {
        const tries = 20_000;
        let sum = 0;
        for (let i = 0; i < tries; i++) sum += reportOf(quota, amount, i / tries);
        // As exact as so many tries can be.
        const step = QUOTAS[quota].perDay / 1_000 / tries;
        expect(Math.abs(sum / tries - amount)).toBeLessThanOrEqual(step + 1e-6);
      }),
    );
  });

  it("is so little that a whole day's quota of single requests makes about 1,000 reports", () => {
    const { perDay } = QUOTAS.workerRequests;
    let reports = 0;
    for (let i = 0; i < perDay; i++) if (reportOf("workerRequests", 1, i / perDay) > 0) reports++;
    expect(reports).toBe(1_000);
  });

  it("is nothing of nothing", () => {
    fc.assert(
      fc.property(
        quotas,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (quota, chance) => reportOf(quota, 0, chance) === 0,
      ),
    );
  });
});

describe("a budget", () => {
  it("is told once at 70 % and once at 90 % of each quota, each day", () => {
    let budget: Budget | undefined;
    const told: string[] = [];
    const use = (quota: Quota, amount: number, nowMs: number) => {
      const change = spend(budget, { [quota]: amount }, nowMs);
      budget = change.budget;
      told.push(...change.news.map(({ quota, share }) => `${quota} ${share}`));
    };
    for (let i = 0; i < 120; i++) use("workerRequests", 1_000, NOON_MS + i);
    use("d1RowsRead", 4_600_000, NOON_MS);
    expect(told).toEqual(["workerRequests 0.7", "workerRequests 0.9", "d1RowsRead 0.9"]);
    use("workerRequests", 69_999, MIDNIGHT_MS);
    expect(told).toHaveLength(3);
    use("workerRequests", 1, MIDNIGHT_MS + HOUR_MS);
    expect(told.at(-1)).toBe("workerRequests 0.7");
  });

  it("makes what only looks rest from 90 % of any quota to midnight UTC", () => {
    fc.assert(
      fc.property(quotas, fc.integer({ min: 0, max: DAY_MS - 1 }), (quota, ms) => {
        const nowMs = MIDNIGHT_MS + ms;
        const { perDay } = QUOTAS[quota];
        const below = spend(undefined, { [quota]: perDay * 0.9 - 1 }, nowMs).budget;
        expect(restUntilMs(below, "looks", nowMs)).toBeUndefined();
        const above = spend(below, { [quota]: 1 }, nowMs).budget;
        expect(restUntilMs(above, "looks", nowMs)).toBe(MIDNIGHT_MS + DAY_MS);
        expect(restUntilMs(above, "looks", MIDNIGHT_MS + DAY_MS)).toBeUndefined();
      }),
    );
    expect(restUntilMs(undefined, "looks", NOON_MS)).toBeUndefined();
  });

  it("makes what looks all the time rest from 80 % on", () => {
    const { budget } = spend(undefined, { workerRequests: 79_999 }, NOON_MS);
    expect(restUntilMs(budget, "tails", NOON_MS)).toBeUndefined();
    const more = spend(budget, { workerRequests: 1 }, NOON_MS).budget;
    expect(restUntilMs(more, "tails", NOON_MS)).toBe(MIDNIGHT_MS);
    expect(restUntilMs(more, "looks", NOON_MS)).toBeUndefined();
  });

  it("does not change what it was made of", () => {
    const { budget } = spend(undefined, { workerRequests: 10 }, NOON_MS);
    const copy = structuredClone(budget);
    spend(budget, { workerRequests: 80_000 }, NOON_MS);
    expect(budget).toEqual(copy);
  });

  it("is told in plain words", () => {
    expect(budgetMessage("objectRequests", 0.7)).toBe(
      "About 70 % of what Cloudflare's free plan allows today are used: 100,000 requests of Durable Objects. At 90 % the web interface, lists and searches will rest until midnight UTC, so that pulses and events go on. If your account has the paid plan, set PLAN to paid.",
    );
    expect(budgetMessage("d1RowsRead", 0.9)).toContain("Until midnight UTC the web interface");
  });
});
