import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import doc from "../../docs/d1-console.md?raw";
import type { AlertRecord } from "../../src/domain/alert.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, toSeconds } from "../../src/domain/time.ts";
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

const NOW_MS = Date.now();
const NOW = toSeconds(NOW_MS);
const OLDEST_MS = NOW_MS - 20 * DAY_MS - MINUTE_MS;
const utc = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

/** The queries of the page, by their headings. */
const queries = new Map(
  [...doc.matchAll(/^### (.+?)\n[^#]*?```sql\n(.+?)```/gms)].map(([, heading, sql]) => [heading, sql] as const),
);

const startOfMonthMs = Date.UTC(new Date(NOW_MS).getUTCFullYear(), new Date(NOW_MS).getUTCMonth());
/** Revived a day ago, which may have been in another month. */
const revivedThisMonth =
  NOW_MS - DAY_MS >= startOfMonthMs
    ? [{ service: "web shop", times_dead: 1, seconds_dead: 3_600, longest: 3_600 }]
    : [];

/** What each query must say of the rows below. */
const expectations: [heading: string, rows: Record<string, unknown>[]][] = [
  ["Which services are dead?", [{ service: "web shop", alert_type: "mail", alert_target: "ann@example.com" }]],
  ["Which are overdue, but not dead yet?", [{ service: "late one", expected_utc: utc(NOW * 1_000 - 40_000) }]],
  [
    "Who pulsed last, and who will be due next?",
    [
      { service: "nightly backup", next_in_seconds: 86_400 },
      { service: "late one" },
      { service: "old thing", status: "cancelled" },
      { service: "web shop", status: "dead" },
    ],
  ],
  [
    "Who is told about what?",
    [
      { alert_target: "ann@example.com", services: 2 },
      { alert_target: "https://hooks.example/a", services: 2, names: "late one, nightly backup" },
    ],
  ],
  [
    "Who is paused, and who is reminded?",
    [
      { service: "web shop", status: "dead", paused_until_utc: null, remind_every_seconds: 3_600 },
      { service: "nightly backup", paused_until_utc: utc(NOW_MS + DAY_MS), remind_every_seconds: null },
    ],
  ],
  [
    "What are the newest errors?",
    [
      { level_name: "critical", service: "web shop" },
      { level_name: "error", service: "nightly backup", date_utc: utc(NOW_MS - 2 * MINUTE_MS) },
    ],
  ],
  [
    "What did one service report lately?",
    [{ message: "100% Disk FULL on /var" }, { message: "done" }, { message: "very old" }],
  ],
  [
    "In which messages does a word occur?",
    [{ message: "100% Disk FULL on /var", level_name: "error", service: "nightly backup" }],
  ],
  [
    "How many events of which level, per service and day?",
    [
      { service: "nightly backup", level_name: "error", events: 1 },
      { service: "web shop", level_name: "critical", events: 1 },
      { service: "nightly backup", level_name: "info", events: 1 },
    ],
  ],
  [
    "Which alerts did not arrive, and why?",
    [
      { state: "pending", attempts: 2, last_answer: "HTTP 503", next_attempt_utc: utc(NOW_MS + MINUTE_MS) },
      { state: "failed", attempts: 1, last_answer: "HTTP 400", next_attempt_utc: null },
    ],
  ],
  [
    "What happened to one service?",
    [
      { status: "dead", seconds_dead: null, date_utc: utc(NOW_MS - MINUTE_MS), expected_utc: utc(NOW_MS - 66_000) },
      { status: "alive", seconds_dead: 3_600, expected_utc: utc(NOW_MS - DAY_MS - 3_600_000) },
      { status: "dead" },
      { status: "dead" },
      { status: "dead" },
    ],
  ],
  ["Which services flap?", [{ service: "web shop", deaths: 3, last_death_utc: utc(NOW_MS - MINUTE_MS) }]],
  ["How long was each service dead this month?", revivedThisMonth],
  [
    "Which services fill the database?",
    [
      { service: "nightly backup", events: 3 },
      { service: "web shop", events: 1, kib_of_text: 0 },
    ],
  ],
  [
    "Does the retention work?",
    [
      {
        what: "events",
        rows: 4,
        oldest_utc: utc(OLDEST_MS),
        newest_utc: utc(NOW_MS - MINUTE_MS),
        oldest_is_days_old: 20,
      },
      { what: "alerts", rows: 6, newest_utc: utc(NOW_MS - MINUTE_MS), oldest_is_days_old: 9 },
      { what: "transitions", rows: 6, newest_utc: utc(NOW_MS - MINUTE_MS), oldest_is_days_old: 9 },
    ],
  ],
];

function webShopAlert(
  atMs: number,
  { kind = "dead", ...rest }: Partial<Omit<AlertRecord, "alert">> & { kind?: "dead" | "alive" } = {},
) {
  const target = { type: "mail", target: "ann@example.com" };
  return alertRecord(atMs, { alert: { kind, service: "web shop" }, target, ...rest });
}

function transition(atMs: number, status: "dead" | "alive", deadMs = 6_000) {
  const expectedMs = atMs - deadMs;
  return { id: ulid(atMs), service: "web shop", status, lastMs: expectedMs - MINUTE_MS, expectedMs };
}

beforeAll(async () => {
  await storeServices(
    snapshot("nightly backup", {
      last: NOW - 10,
      nextIn: 86_400,
      pauseUntil: toSeconds(NOW_MS + DAY_MS),
      targets: [
        { type: "webhook", target: "https://hooks.example/a" },
        { type: "mail", target: "ann@example.com" },
      ],
    }),
    snapshot("late one", { last: NOW - 100, nextIn: 60, grace: 3_600 }),
    snapshot("web shop", {
      status: "dead",
      last: NOW - 9_000,
      remindEvery: 3_600,
      targets: [{ type: "mail", target: "ann@example.com" }],
    }),
    snapshot("old thing", { status: "cancelled", last: NOW - 5_000 }),
  );
  await storeEvents(
    event(OLDEST_MS, { service: "nightly backup", message: "very old" }),
    event(NOW_MS - 3 * DAY_MS, { service: "nightly backup", message: "done" }),
    event(NOW_MS - 2 * MINUTE_MS, { service: "nightly backup", level: 4, message: "100% Disk FULL on /var" }),
    event(NOW_MS - MINUTE_MS, { service: "web shop", level: 5, message: "gone" }),
  );
  await storeTransitions(
    transition(NOW_MS - 9 * DAY_MS, "dead"),
    transition(NOW_MS - 3 * DAY_MS, "dead"),
    transition(NOW_MS - 2 * DAY_MS, "dead"),
    transition(NOW_MS - DAY_MS, "alive", 3_600_000),
    transition(NOW_MS - MINUTE_MS, "dead"),
    { id: ulid(NOW_MS - 8 * DAY_MS), service: "nightly backup", status: "alive" },
  );
  await storeAlerts(
    webShopAlert(NOW_MS - 9 * DAY_MS),
    webShopAlert(NOW_MS - 3 * DAY_MS, { state: "failed", lastAnswer: "HTTP 400" }),
    webShopAlert(NOW_MS - 2 * DAY_MS),
    webShopAlert(NOW_MS - 2 * DAY_MS, { target: { type: "webhook", target: "https://hooks.example/a" } }),
    webShopAlert(NOW_MS - DAY_MS, { kind: "alive" }),
    webShopAlert(NOW_MS - MINUTE_MS, {
      state: "pending",
      attempts: 2,
      lastAnswer: "HTTP 503",
      nextAttemptMs: NOW_MS + MINUTE_MS,
    }),
  );
});

describe("the queries of docs/d1-console.md", () => {
  it("are all tested here", () => {
    expect([...queries.keys()]).toEqual(expectations.map(([heading]) => heading));
    expect(queries.size).toBe([...doc.matchAll(/```sql/g)].length);
  });

  it.each(expectations)("%s", async (heading, rows) => {
    const found = await query(queries.get(heading) ?? "");
    expect(found).toHaveLength(rows.length);
    if (heading.startsWith("How many"))
      expect(found).toEqual(expect.arrayContaining(rows.map((row) => expect.objectContaining(row))));
    else expect(found).toMatchObject(rows);
  });
});

describe("the deletion of docs/d1-console.md", () => {
  it("takes old events, the oldest first, and reads no others", async () => {
    const [, statement = ""] = doc.match(/`(delete from events [^`]+)`/) ?? [];
    const old = [2, 1].map((hours) => event(Date.UTC(2026, 7, 1) - hours * HOUR_MS));
    await storeEvents(...old, event(Date.UTC(2026, 7, 1)));
    const { meta } = await env.DB.prepare(statement.replace("10000", "1")).run();
    expect(meta.changes).toBe(1);
    expect(await query("select id from events where id <= ? order by id", old[1]?.id)).toEqual([{ id: old[1]?.id }]);
    expect((await env.DB.prepare(statement).run()).meta.changes).toBe(1);
  });
});
