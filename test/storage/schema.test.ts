import { beforeAll, describe, expect, it } from "vitest";
import { ulid } from "../../src/domain/ulid.ts";
import {
  alertRecord,
  event,
  query,
  snapshot,
  storeAlerts,
  storeEvents,
  storeServices,
  storeTransitions,
} from "../support/rows.ts";

describe("the migrations", () => {
  it("make every table WITHOUT ROWID, so that a row is written once", async () => {
    const tables = await query<{ name: string; sql: string }>(
      "select name, sql from sqlite_schema where type = 'table' and name in ('services', 'events', 'alerts', 'transitions', 'rules', 'progress') order by name",
    );
    expect(tables.map(({ name }) => name)).toEqual([
      "alerts",
      "events",
      "progress",
      "rules",
      "services",
      "transitions",
    ]);
    for (const { name, sql } of tables) expect(sql, name).toMatch(/\)\s*WITHOUT ROWID$/);
  });

  it("make these indexes and no others: each costs a written row", async () => {
    const indexes = await query<{ name: string; sql: string }>(
      "select name, sql from sqlite_schema where type = 'index' and tbl_name in ('services', 'events', 'alerts', 'transitions', 'rules', 'progress') order by name",
    );
    expect(indexes).toEqual([
      { name: "alerts_by_service", sql: "CREATE INDEX `alerts_by_service` ON `alerts` (`service`,`id`)" },
      {
        name: "alerts_by_service_and_state",
        sql: "CREATE INDEX `alerts_by_service_and_state` ON `alerts` (`service`,`state`,`id`)",
      },
      { name: "alerts_by_state", sql: "CREATE INDEX `alerts_by_state` ON `alerts` (`state`,`id`)" },
      { name: "events_by_service", sql: "CREATE INDEX `events_by_service` ON `events` (`service`,`id`)" },
      { name: "events_errors", sql: "CREATE INDEX `events_errors` ON `events` (`id`) WHERE level >= 4" },
      // Has the dead only: a pulse of who is alive writes nothing to it.
      { name: "services_dead", sql: "CREATE INDEX `services_dead` ON `services` (`service`) WHERE status = 'dead'" },
      {
        name: "transitions_by_service",
        sql: "CREATE INDEX `transitions_by_service` ON `transitions` (`service`,`id`)",
      },
    ]);
  });
});

describe("the view services_now", () => {
  const now = Math.floor(Date.now() / 1_000);
  beforeAll(() =>
    storeServices(
      snapshot("alive one", {
        since: Date.UTC(2026, 0, 2, 3, 4, 5) / 1_000,
        last: now - 10,
        nextIn: 60,
        grace: 5,
        asOf: Date.UTC(2026, 1, 28, 23, 59, 59) / 1_000,
      }),
      snapshot("dead one", { status: "dead", last: Date.UTC(2024, 1, 29) / 1_000, nextIn: 86_400 }),
    ),
  );

  it("shows dates as text in UTC, and how long is left", async () => {
    const [alive] = await query("select * from services_now where service = 'alive one'");
    expect(alive).toMatchObject({
      status: "alive",
      since_utc: "2026-01-02 03:04:05",
      next_in_seconds: 60,
      grace_seconds: 5,
      alert_type: "webhook",
      alert_target: "https://hooks.example/a",
      as_of_utc: "2026-02-28 23:59:59",
    });
    expect(alive?.seconds_left).toBeGreaterThan(40);
    expect(alive?.seconds_left).toBeLessThanOrEqual(55);
  });

  it("says when the pulse of a dead one was due, and that nothing is left", async () => {
    expect(await query("select * from services_now where service = 'dead one'")).toMatchObject([
      { last_pulse_utc: "2024-02-29 00:00:00", expected_utc: "2024-03-01 00:00:00", seconds_left: null },
    ]);
  });
});

describe("the view services_now, of what a pulse may ask for besides,", () => {
  it("shows reminders, pauses that are not over, and further targets", async () => {
    const now = Math.floor(Date.now() / 1_000);
    const target = { type: "webhook", target: "https://hooks.example/a" };
    const further = [{ type: "mail", target: "ann@example.com" }];
    await storeServices(
      snapshot("with all", { remindEvery: 600, pauseUntil: now + 3_600, targets: [target, ...further] }),
      snapshot("with nothing", { pauseUntil: now - 1 }),
    );
    const [all, nothing] = await query("select * from services_now where service like 'with %' order by service");
    expect(all).toMatchObject({
      remind_every_seconds: 600,
      paused_until_utc: new Date((now + 3_600) * 1_000).toISOString().slice(0, 19).replace("T", " "),
      alert_target: target.target,
      further_targets: 1,
      further_alerts: JSON.stringify(further),
    });
    expect(nothing).toMatchObject({ remind_every_seconds: null, paused_until_utc: null, further_targets: 0 });
  });
});

describe("the views of records", () => {
  const DAY = "2026-03-01";
  const ms = Date.parse(`${DAY}T12:00:00.999Z`);

  it("show an alert with its dates as text", async () => {
    await storeAlerts(
      alertRecord(ms, { alert: { service: "readable" }, state: "pending", nextAttemptMs: ms + 60_000 }),
      alertRecord(ms + 1, { alert: { service: "readable" } }),
    );
    expect(await query("select * from alerts_readable where service = 'readable' order by id")).toMatchObject([
      { date_utc: `${DAY} 12:00:00`, next_attempt_utc: `${DAY} 12:01:00`, state: "pending", kind: "dead" },
      { date_utc: `${DAY} 12:00:01`, next_attempt_utc: null, state: "delivered" },
    ]);
  });

  it("show a transition with its dates as text, and how long the service was dead", async () => {
    const base = { service: "readable" };
    await storeTransitions(
      { ...base, id: ulid(ms - 2), status: "alive" },
      { ...base, id: ulid(ms - 1), status: "dead", lastMs: ms - 65_000, expectedMs: ms - 5_000 },
      { ...base, id: ulid(ms), status: "alive", lastMs: ms - 65_000, expectedMs: ms - 5_000 },
      { ...base, id: ulid(ms + 1), status: "forgotten" },
    );
    expect(await query("select * from transitions_readable where service = 'readable' order by id")).toMatchObject([
      { date_utc: `${DAY} 12:00:00`, status: "alive", seconds_dead: null, last_pulse_utc: null },
      {
        status: "dead",
        seconds_dead: null,
        last_pulse_utc: `${DAY} 11:58:55`,
        expected_utc: `${DAY} 11:59:55`,
      },
      { status: "alive", seconds_dead: 5 },
      { date_utc: `${DAY} 12:00:01`, status: "forgotten", seconds_dead: null },
    ]);
  });
});

describe("the view events_readable", () => {
  it("reads the date out of the id, to the second, however early or late it is", async () => {
    const dates = [0, 1, 999, 1_000, Date.UTC(2026, 10, 22, 20, 30, 59, 999), Date.UTC(9999, 11, 31, 23, 59, 59)];
    await storeEvents(...dates.map((ms) => event(ms, { service: "dates" })));
    const rows = await query("select date, date_utc from events_readable where service = 'dates' order by id");
    expect(rows).toEqual(
      dates.map((ms) => ({
        date: Math.floor(ms / 1_000),
        date_utc: new Date(ms).toISOString().slice(0, 19).replace("T", " "),
      })),
    );
  });

  it("names the levels", async () => {
    await storeEvents(...[0, 1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((level) => event(level, { service: "levels", level })));
    const rows = await query<{ level_name: string }>(
      "select level_name from events_readable where service = 'levels' order by id",
    );
    expect(rows.map((row) => row.level_name)).toEqual([
      "debug",
      "info",
      "notice",
      "warning",
      "error",
      "critical",
      "alert",
      "emergency",
      "8",
      "1000",
    ]);
  });

  it("uses the indexes of the table below it", async () => {
    const plan = async (where: string) =>
      (
        await query<{ detail: string }>(
          `explain query plan select * from events_readable where ${where} order by id desc`,
        )
      )
        .map(({ detail }) => detail)
        .join("; ");
    expect(await plan("service = 'a'")).toContain("USING INDEX events_by_service (service=?)");
    expect(await plan("level >= 4")).toContain("USING INDEX events_errors");
  });
});
