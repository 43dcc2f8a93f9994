import { DAY_MS } from "./time.ts";

/**
 * What Cloudflare's free plan allows in a day, which ends at midnight UTC (developers.cloudflare.com, Workers limits,
 * Durable Objects and D1 pricing, November 2026).
 */
export const QUOTAS = {
  workerRequests: { perDay: 100_000, name: "requests of the Worker" },
  objectRequests: { perDay: 100_000, name: "requests of Durable Objects" },
  objectRows: { perDay: 100_000, name: "rows written by Durable Objects" },
  d1RowsRead: { perDay: 5_000_000, name: "rows read in D1" },
  d1RowsWritten: { perDay: 100_000, name: "rows written in D1" },
} as const;

/** Something of which the free plan allows so much in a day. */
export type Quota = keyof typeof QUOTAS;
/** How much was used of what. */
export type Spent = Partial<Record<Quota, number>>;

/** One in so many parts of a day's quota is reported: so few that it hardly costs, so many that chance evens out. */
const REPORTS_PER_DAY = 1_000;
/** Shares of a quota at which is told of it. */
const TOLD_AT = [0.7, 0.9];
/** From here on what only looks has to wait, so that pulses don't; who looks all the time has to wait earlier. */
const REST_AT = { looks: 0.9, tails: 0.8 };

/** What rests where a quota is nearly used up. */
export type Resting = keyof typeof REST_AT;

/**
 * How much to report of what was used: small amounts rarely, but then for many, so that nothing need be remembered, and on
 * average the sum is right.
 * @param chance from 0 to 1, by chance
 */
export function reportOf(quota: Quota, amount: number, chance: number): number {
  const unit = QUOTAS[quota].perDay / REPORTS_PER_DAY;
  if (amount >= unit) return amount;
  return chance * unit < amount ? unit : 0;
}

/** What was used of a day's quotas, and what of it was told. */
export interface Budget {
  /** The day, counted from the epoch. */
  day: number;
  spent: Spent;
  told: Spent;
}

/** A quota is used to a share that is worth telling; the one that was told before, 0 for none. */
export interface BudgetNews {
  quota: Quota;
  share: number;
  toldBefore: number;
}

/** Adds to what was used today; says what of it is worth telling. */
export function spend(before: Budget | undefined, spent: Spent, nowMs: number): { budget: Budget; news: BudgetNews[] } {
  const day = Math.floor(nowMs / DAY_MS);
  const budget: Budget = before?.day === day ? structuredClone(before) : { day, spent: {}, told: {} };
  const news: BudgetNews[] = [];
  for (const [quota, amount] of Object.entries(spent) as [Quota, number][]) {
    budget.spent[quota] = (budget.spent[quota] ?? 0) + amount;
    const share = TOLD_AT.findLast((threshold) => shareOf(budget, quota) >= threshold) ?? 0;
    const toldBefore = budget.told[quota] ?? 0;
    if (share <= toldBefore) continue;
    budget.told[quota] = share;
    news.push({ quota, share, toldBefore });
  }
  return { budget, news };
}

/** The share of a day's quota that was used. */
export function shareOf({ spent }: Budget, quota: Quota): number {
  return (spent[quota] ?? 0) / QUOTAS[quota].perDay;
}

/** Until when what only looks has to wait, in milliseconds since the epoch; undefined where it need not. */
export function restUntilMs(budget: Budget | undefined, what: Resting, nowMs: number): number | undefined {
  const day = Math.floor(nowMs / DAY_MS);
  if (budget?.day !== day) return undefined;
  const isNearlyUsedUp = (Object.keys(QUOTAS) as Quota[]).some((quota) => shareOf(budget, quota) >= REST_AT[what]);
  return isNearlyUsedUp ? (day + 1) * DAY_MS : undefined;
}

/** What is told of a quota that is used to a share. */
export function budgetMessage(quota: Quota, share: number): string {
  const { perDay, name } = QUOTAS[quota];
  const consequence =
    share >= REST_AT.looks
      ? "Until midnight UTC the web interface, lists and searches rest, so that pulses and events go on"
      : `At ${REST_AT.looks * 100} % the web interface, lists and searches will rest until midnight UTC, so that pulses and events go on`;
  return (
    `About ${share * 100} % of what Cloudflare's free plan allows today are used: ${perDay.toLocaleString("en")} ${name}. ` +
    `${consequence}. If your account has the paid plan, set PLAN to paid.`
  );
}
