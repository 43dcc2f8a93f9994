import { DatabaseSync } from "node:sqlite";
import { ulid } from "../../src/domain/ulid.ts";

/*
 * A month in the life of a small company. Each service pulses for real; then its past is written into the database,
 * since nobody wants to wait for it.
 */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
/** The grace of services that set none. */
const GRACE = 5;

const PUSHOVER = { type: "pushover", target: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG" };
const MAIL = { type: "mail", target: "ops@example.com" };
const WEBHOOK = { type: "webhook", target: "https://hooks.example.com/watchtower" };

interface Target {
  type: string;
  target: string;
}

interface DemoService {
  service: string;
  nextIn: number;
  alerts: [Target, ...Target[]];
  more?: object;
  /** When it was dead: from so long ago, for so long. */
  downs?: [agoSeconds: number, seconds: number][];
  /** It is dead since then, paused for so long, or cancelled. */
  deadForSeconds?: number;
  pausedForSeconds?: number;
  isCancelled?: boolean;
  /** It is known for so long; longer than the strip shows, if not said. */
  knownForSeconds?: number;
}

/** The service whose own page is shown. */
export const SHOWN_SERVICE = "checkout worker";
/** The service that is late when the pictures are taken: so long after its pulse. */
export const LATE = { service: "heat pump", nextIn: 30 };

const SERVICES: DemoService[] = [
  {
    service: "nightly backup",
    nextIn: 25 * HOUR,
    alerts: [PUSHOVER, MAIL],
    more: { remindEvery: 6 * HOUR },
    downs: [[18.5 * DAY, 9 * HOUR]],
    deadForSeconds: 3 * HOUR + 12 * MINUTE,
  },
  {
    service: "garden sensor",
    nextIn: 10 * MINUTE,
    alerts: [PUSHOVER],
    downs: [
      [26.7 * DAY, 5 * HOUR],
      [15.5 * DAY, 26 * HOUR],
      [7.6 * DAY, 3 * HOUR],
    ],
    deadForSeconds: 26 * MINUTE,
  },
  { ...LATE, alerts: [MAIL], more: { grace: 10 * MINUTE }, downs: [[10.4 * DAY, 40 * MINUTE]] },
  {
    service: SHOWN_SERVICE,
    nextIn: 10 * MINUTE,
    alerts: [WEBHOOK, PUSHOVER],
    more: { grace: 30 },
    downs: [
      [20.6 * DAY, 47 * MINUTE],
      [5.4 * DAY, 2 * HOUR],
      [3 * HOUR + 5 * MINUTE, 3 * HOUR + 5 * MINUTE],
    ],
  },
  { service: "mail queue", nextIn: 5 * MINUTE, alerts: [WEBHOOK] },
  { service: "front door", nextIn: 15 * MINUTE, alerts: [PUSHOVER], downs: [[2.5 * DAY, 50 * MINUTE]] },
  { service: "invoice export", nextIn: 25 * HOUR, alerts: [MAIL], knownForSeconds: 12 * DAY },
  { service: "certificate renewal", nextIn: 8 * DAY, alerts: [MAIL] },
  { service: "search index", nextIn: 2 * HOUR, alerts: [WEBHOOK], pausedForSeconds: 2 * HOUR },
  { service: "old newsletter", nextIn: 7 * DAY, alerts: [MAIL], isCancelled: true },
];

type DemoEvent = [service: string, level: number, message: string, fields?: Record<string, string | number>];

const EVENTS: DemoEvent[] = [
  ["checkout worker", 1, "order 48213 paid by card in 420 ms", { host: "web-1", order: 48213, ms: 420 }],
  ["checkout worker", 1, "order 48214 paid by card in 391 ms", { host: "web-2", order: 48214, ms: 391 }],
  ["checkout worker", 3, "the payment provider answered after 4.1 s; 3 of 5 tries left", { host: "web-1" }],
  ["mail queue", 1, "sent 118 messages, 0 bounced"],
  ["mail queue", 2, "greylisted by mx2.example.org, trying again in 5 minutes"],
  ["front door", 1, "battery at 64 %"],
  ["garden sensor", 3, "battery at 4 %"],
  ["nightly backup", 1, "412 GiB in 38 minutes, 3 snapshots pruned", { host: "nas", pruned: 3 }],
  ["search index", 0, "merged 14 segments", { host: "search-2", segments: 14 }],
  ["invoice export", 1, "37 invoices written to s3://books/2026"],
];

const ERRORS: DemoEvent[] = [
  [
    "checkout worker",
    4,
    "PaymentError: card_declined\n    at charge (/srv/checkout/payments.ts:88:11)\n    at settle (/srv/checkout/orders.ts:214:20)\n    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)\n  order: 48209\n  provider: stripe\n  retryable: false",
    { host: "web-2", order: 48209, provider: "stripe", status: 402 },
  ],
  ["search index", 4, "disk full on /var/lib/search: 0 bytes left of 40 GiB"],
];

/** Rules, by their names: what is sent to make them. */
const RULES: Record<string, object> = {
  "declined cards": { q: 'service:"checkout worker" card_declined', count: 3, seconds: 300, quiet: 900 },
  "disks nearly full": { q: '"disk full" OR "disk almost full"', quiet: 21_600 },
  "slow checkout": { q: 'service:"checkout worker" ms:>2000', count: 20, seconds: 60, quiet: 3_600 },
};

/** A request with the password that has to succeed. */
type Send = (method: string, path: string, body: object) => Promise<void>;

/** Lets the services pulse, and writes the rules. */
export async function pulse(send: Send, now: number): Promise<void> {
  for (const { service, nextIn, alerts, more, pausedForSeconds, isCancelled } of SERVICES) {
    const pause = pausedForSeconds !== undefined && { pauseUntil: now + pausedForSeconds };
    const [{ type, target }, ...others] = alerts;
    const targets = { alertType: type, alertTarget: target, alerts: others };
    await send("POST", "/heartbeat", { service, nextIn, ...targets, ...more, ...pause });
    if (isCancelled) await send("DELETE", "/heartbeat", { service });
  }
  for (const [name, rule] of Object.entries(RULES)) await send("PUT", `/rules/${encodeURIComponent(name)}`, rule);
}

/** Writes the past into the database, while nothing runs on it. */
export function writePast(file: string, now: number): void {
  const database = new DatabaseSync(file);
  const random = randomNumbers(7);
  database.exec("delete from transitions; delete from alerts; delete from events");
  for (const demo of SERVICES) writeHistory(database, demo, now, random);
  writeEvents(database, now, random);
  writeAlertOfRule(database, now - 2 * HOUR);
  database.close();
}

function writeHistory(database: DatabaseSync, demo: DemoService, now: number, random: () => number): void {
  const { service, nextIn, downs = [], deadForSeconds, isCancelled, knownForSeconds = 45 * DAY } = demo;
  const change = database.prepare("insert into transitions values (:id, :service, :status, :last, :expected)");
  const record = (status: string, at: number, expected: number | null = null) =>
    change.run({
      ...{ id: ulid(at * 1000), service, status },
      ...{ last: expected === null ? null : expected - nextIn, expected },
    });
  const die = (at: number) => {
    record("dead", at, at - GRACE);
    writeAlerts(database, demo, "dead", at);
  };
  record("alive", now - knownForSeconds);
  for (const [ago, seconds] of downs) {
    die(now - ago);
    record("alive", now - ago + seconds, now - ago - GRACE);
    writeAlerts(database, demo, "alive", now - ago + seconds);
  }
  const set = database.prepare(
    "update services set status = :status, since = :since, last = :last where service = :service",
  );
  if (deadForSeconds !== undefined) {
    const since = now - deadForSeconds;
    die(since);
    set.run({ service, status: "dead", since, last: since - GRACE - nextIn });
  } else if (isCancelled) {
    const since = now - 6 * DAY;
    record("cancelled", since);
    set.run({ service, status: "cancelled", since, last: since - HOUR });
  } else if (service !== LATE.service) {
    const [ago, seconds] = downs.at(-1) ?? [knownForSeconds, 0];
    set.run({ service, status: "alive", since: now - ago + seconds, last: now - Math.floor(random() * 0.7 * nextIn) });
  }
}

/** What is owed to webhooks fails, so that there is something to see. */
function writeAlerts(database: DatabaseSync, { service, alerts }: DemoService, kind: "dead" | "alive", date: number) {
  const log = database.prepare(
    `insert into alerts (id, service, date, kind, alert_type, alert_target, title, message, state, attempts, last_answer, answers)
     values (:id, :service, :date, :kind, :type, :target, :title, :message, :state, :attempts, :said, :answers)`,
  );
  const message = `The service ${service} ${kind === "dead" ? "is not pulsing" : "is pulsing again"}.`;
  const title = `Service ${service} ${kind === "dead" ? "has not pulsed" : "is pulsing again"}`;
  for (const { type, target } of alerts) {
    const isFailed = type === "webhook" && kind === "dead";
    const answers = isFailed
      ? [
          ...[0, 5, 15, 35].map((after) => [after, "retry", "502 Bad Gateway"] as const),
          [75, "permanent", "410 Gone"] as const,
        ]
      : [[1, "delivered", type === "mail" ? "202 Accepted" : "200 OK"] as const];
    log.run({
      ...{ id: ulid(date * 1000), service, date, kind, type, target, title, message },
      ...{ state: isFailed ? "failed" : "delivered", attempts: answers.length, said: answers.at(-1)?.[2] ?? null },
      answers: JSON.stringify(
        answers.map(([after, outcome, answer], i) => ({ attempt: i + 1, date: date + after, outcome, answer })),
      ),
    });
  }
}

function writeAlertOfRule(database: DatabaseSync, date: number): void {
  database
    .prepare(
      `insert into alerts (id, service, date, kind, alert_type, alert_target, title, message, state, attempts, last_answer, answers)
       values (:id, :service, :date, 'event', 'mail', 'ops@example.com', :title, :title, 'delivered', 1, '202 Accepted', '[]')`,
    )
    .run({ id: ulid(date * 1000), service: SHOWN_SERVICE, date, title: "Rule declined cards: 3 events" });
}

/** A day of events, most of which are harmless; in the evening something breaks. */
function writeEvents(database: DatabaseSync, now: number, random: () => number): void {
  const insert = database.prepare(
    "insert into events (id, service, level, message, alert, fields) values (:id, :service, :level, :message, 0, :fields)",
  );
  for (let ago = DAY; ago > 0; ago -= MINUTE + Math.floor(random() * 10 * MINUTE)) {
    const share = ago > 2 * HOUR && ago < 4 * HOUR ? 0.4 : 0.03;
    const kinds = random() < share ? ERRORS : EVENTS;
    const [service, level, message, fields] = kinds[Math.floor(random() * kinds.length)] as DemoEvent;
    const json = fields === undefined ? null : JSON.stringify(fields);
    insert.run({ id: ulid((now - ago) * 1000), service, level, message, fields: json });
  }
}

/** The same numbers in each run, from 0 to below 1, so that the pictures stay alike: a linear congruential generator. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
