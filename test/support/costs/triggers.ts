import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { Env, Variables } from "../../../src/config.ts";
import { LEVEL_NAMES } from "../../../src/domain/level.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";
import { ulids } from "../../../src/domain/ulid.ts";
import worker from "../../../src/index.ts";
import { SENTINEL_NAME } from "../../../src/monitor/sentinel.ts";
import { listsOf } from "../../../src/storage/add-events.ts";
import { call } from "../client.ts";
import { advance, START_MS } from "../clock.ts";
import { type Cost, costOf } from "../meter.ts";
import { accept, breakD1, interceptProviders, MINUTELY, monitorOf, runAlarm } from "../monitor.ts";
import { alertRecord, event, query, storeAlerts, storeEvents, storeTransitions } from "../rows.ts";
import { born, died, diedUnheard, ELEVEN, fail, inTurn, newName, ofAlarm, ruled } from "./stage.ts";

function runCron(variables: Variables): Promise<void> {
  const controller = { scheduledTime: START_MS, cron: "*/10 * * * *", noRetry() {} } as ScheduledController;
  // The table is of the free plan; on the paid one a run deletes more.
  return worker.scheduled(controller, { ...env, PLAN: "free", ...variables } as Env);
}

async function cron(variables: Variables = {}): Promise<Cost> {
  // On the free plan, what is counted is told now and then; that is not in the table.
  const spent = vi.spyOn(env.SENTINEL.getByName(SENTINEL_NAME), "spent");
  const cost = await costOf(() => runCron(variables));
  return { ...cost, objectCalls: cost.objectCalls - spent.mock.calls.length };
}

/** Each level of its own, so that there are as many walks as there can be. */
const EACH_LEVEL: Variables = {
  PLAN: "free",
  ...Object.fromEntries(LEVEL_NAMES.map((name, i) => [`EVENTS_RETENTION_DAYS_${name.toUpperCase()}`, String(5 + i)])),
};
const BY_LEVEL: Variables = { PLAN: "free", EVENTS_RETENTION_DAYS_DEBUG: "7" };

/** Events of some levels in turn that have come at one moment. */
async function came(count: number, agoMs: number, levels: number[]): Promise<void> {
  const ids = ulids(START_MS - agoMs, count);
  for (let i = 0; i < count; i += 5_000) {
    const part = ids.slice(i, i + 5_000);
    await storeEvents(...part.map((id, j) => event(0, { id, level: levels[j % levels.length] as number })));
  }
}

/** Rows of each table that are too old, `stepMs` apart. */
async function grownOld(counts: { events: number; records: number }, stepMs: number): Promise<void> {
  const ids = (count: number, days: number) =>
    stepMs === 0
      ? ulids(START_MS - days * DAY_MS, count)
      : Array.from({ length: count }, (_, i) => ulids(START_MS - days * DAY_MS - i * stepMs, 1)[0] as string);
  const eventIds = ids(counts.events, 100);
  for (let i = 0; i < eventIds.length; i += 5_000) {
    await storeEvents(...eventIds.slice(i, i + 5_000).map((id) => event(0, { id, level: 4 })));
  }
  const recordIds = ids(counts.records, 500);
  await storeTransitions(...recordIds.map((id) => ({ id, service: "a", status: "dead" as const })));
  await storeAlerts(...recordIds.map((id) => alertRecord(0, { alert: { id } })));
}

/** What each alarm and the cron trigger cost in the cases that docs/deploy.md lists, in its order. */
export const TRIGGERS: [name: string, measure: () => Promise<Cost>][] = [
  [
    "the alarm: too early, sets itself again",
    async () => {
      const service = await born();
      return costOf(() => runDurableObjectAlarm(monitorOf(service)), { services: [service], isAlarm: true });
    },
  ],
  [
    "the alarm: a death, 1 target",
    async () => {
      interceptProviders(accept);
      return ofAlarm(await born());
    },
  ],
  [
    "the alarm: a death, 11 targets that answer in turn",
    async () => {
      interceptProviders(inTurn(accept));
      return ofAlarm(await born(ELEVEN));
    },
  ],
  [
    "the alarm: a death, 11 targets that fail in turn",
    async () => {
      interceptProviders(inTurn(fail));
      return ofAlarm(await born(ELEVEN));
    },
  ],
  ["the alarm: another attempt that fails, 1 target", async () => ofAlarm(await diedUnheard(MINUTELY))],
  [
    "the alarm: another attempt, 11 targets that fail in turn",
    async () => {
      const service = await diedUnheard(ELEVEN);
      interceptProviders(inTurn(fail));
      return ofAlarm(service);
    },
  ],
  ["the alarm: a reminder, 1 target", async () => ofAlarm(await died({ ...MINUTELY, remindEverySeconds: 600 }))],
  [
    "the alarm: a reminder, 11 targets that answer in turn",
    async () => {
      const service = await died({ ...ELEVEN, remindEverySeconds: 600 });
      interceptProviders(inTurn(accept));
      return ofAlarm(service);
    },
  ],
  [
    "the alarm: a revival, 11 targets that answer in turn",
    async () => {
      const service = await died(ELEVEN);
      await monitorOf(service).pulse(ELEVEN);
      interceptProviders(inTurn(accept));
      return ofAlarm(service);
    },
  ],
  [
    "the alarm: an event with `alert`",
    async () => {
      interceptProviders(accept);
      const service = newName();
      await call("POST", "/event", { body: { service, message: "hello", level: 4, alert: true } });
      return ofAlarm(service);
    },
  ],
  [
    "the alarm: D1 is back, which had missed a death and a revival of 11 targets",
    async () => {
      const service = await born(ELEVEN);
      interceptProviders(accept);
      const mend = breakD1();
      await runAlarm(service);
      advance(MINUTE_MS);
      await monitorOf(service).pulse({ ...ELEVEN, nextInSeconds: DAY_MS / SECOND_MS });
      for (let i = 0; i < 5; i++) await runAlarm(service);
      mend();
      return ofAlarm(service);
    },
  ],
  [
    "the alarm: a service that was cancelled 30 days ago",
    async () => {
      const service = await born();
      await monitorOf(service).cancel();
      return ofAlarm(service);
    },
  ],
  [
    "the alarm: of a buffer, 1,000 events in ten batches",
    async () => {
      const buffer = env.EVENT_BUFFER.getByName("buffer 0");
      // It may hold what was queued by requests that were measured.
      await runDurableObjectAlarm(buffer);
      for (let i = 0; i < 10; i++) {
        await buffer.add(listsOf(ulids(START_MS, 100).map((id) => event(0, { id }))));
      }
      return costOf(() => runDurableObjectAlarm(buffer), { isAlarm: true });
    },
  ],
  [
    "the alarm: of a rule that has raised an alert",
    async () => {
      const rules = await ruled(1, { q: "hello" });
      const service = newName();
      await call("POST", "/event", { body: { service, message: "hello" } });
      const object = env.RULE_MONITOR.getByName(rules[0] ?? "");
      const run = async () => expect(await runDurableObjectAlarm(object)).toBe(true);
      return costOf(run, { services: [service], rules, isRuleAlarm: true });
    },
  ],
  ["the cron trigger: nothing is too old", () => cron()],
  [
    "the cron trigger: 200 rows of the directory can't be trusted",
    async () => {
      for (let i = 0; i < 200; i++) await monitorOf(newName()).pulse(MINUTELY);
      await query("update services set last = last - 3600");
      return cron();
    },
  ],
  [
    "the cron trigger: much is too old",
    async () => {
      await grownOld({ events: 200, records: 50 }, HOUR_MS);
      return cron();
    },
  ],
  [
    "the cron trigger: 10,000 events, 1,000 transitions and 1,000 alerts came in a quarter of an hour",
    async () => {
      await grownOld({ events: 10_001, records: 1_001 }, 0);
      return cron();
    },
  ],
  [
    "the cron trigger: nothing is too old, and debug is kept for 7 days",
    async () => {
      await runCron(BY_LEVEL);
      return cron(BY_LEVEL);
    },
  ],
  [
    "the cron trigger: debug is kept for 7 days, and 10,000 events came since the last run, half of them debug",
    async () => {
      await came(10_000, 7 * DAY_MS + MINUTE_MS, [0, 3]);
      return cron(BY_LEVEL);
    },
  ],
  [
    "the cron trigger: each level is kept for a time of its own, and much is too old",
    async () => {
      for (let level = 0; level < 8; level++) await came(1_200, (20 + level) * DAY_MS, [level]);
      await grownOld({ events: 200, records: 50 }, HOUR_MS);
      return cron(EACH_LEVEL);
    },
  ],
];
