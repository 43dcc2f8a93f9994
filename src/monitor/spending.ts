import { waitUntil } from "cloudflare:workers";
import { configOf, type Env } from "../config.ts";
import { type Quota, type Resting, reportOf, type Spent } from "../domain/budget.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { meteredD1 } from "../storage/metered-d1.ts";
import { SENTINEL_NAME } from "./sentinel.ts";

/** Notes what was used of the free plan's quotas; costs nothing where there is another plan, and little where not. */
export function spend(env: Env, spent: Spent): void {
  if (configOf(env).plan !== "free") return;
  const report: Spent = {};
  for (const [quota, amount] of Object.entries(spent) as [Quota, number][]) {
    const reported = reportOf(quota, amount, Math.random());
    if (reported > 0) report[quota] = reported;
  }
  if (Object.keys(report).length === 0) return;
  waitUntil(tellSentinel(env, report));
}

/** Never rejects: what is counted must not get in the way of what it counts. */
async function tellSentinel(env: Env, report: Spent): Promise<void> {
  try {
    await env.SENTINEL.getByName(SENTINEL_NAME).spent(report);
  } catch (error) {
    log("warn", "budget.failed", { error: errorText(error) });
  }
}

const metered = new WeakMap<Env, Env>();

/** The environment with a D1 whose rows are counted; where nothing is counted, as it is. */
export function withMeter(env: Env): Env {
  if (configOf(env).plan !== "free") return env;
  const known = metered.get(env);
  if (known) return known;
  const note = (meta: D1Meta) => spend(env, { d1RowsRead: meta.rows_read, d1RowsWritten: meta.rows_written });
  const made: Env = { ...env, DB: meteredD1(env.DB, note) };
  metered.set(env, made);
  return made;
}

/** What an isolate knows of the budget is believed for so long. */
const ASK_EVERY_MS = MINUTE_MS;
const LONGEST_RETRY_AFTER_SECONDS = 24 * 3_600;
const known = new Map<Resting, { askedMs: number; restUntilMs: number | undefined }>();

/** For how many seconds from now what only looks has to wait; 0 where it need not. */
export async function restSeconds(env: Env, what: Resting, nowMs: number): Promise<number> {
  if (configOf(env).plan !== "free") return 0;
  let last = known.get(what);
  if (!last || Math.abs(nowMs - last.askedMs) > ASK_EVERY_MS) {
    try {
      last = { askedMs: nowMs, restUntilMs: await env.SENTINEL.getByName(SENTINEL_NAME).restUntilMs(what) };
    } catch (error) {
      log("warn", "budget.failed", { error: errorText(error) });
      last = { askedMs: nowMs, restUntilMs: undefined };
    }
    known.set(what, last);
  }
  const seconds = Math.ceil(((last.restUntilMs ?? 0) - nowMs) / SECOND_MS);
  return Math.min(LONGEST_RETRY_AFTER_SECONDS, Math.max(0, seconds));
}
