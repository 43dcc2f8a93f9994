import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Alert, AlertKind, DeliveryAttempt, DeliveryState } from "../domain/alert.ts";
import type { EventFields } from "../domain/event.ts";
import type { TransitionRecord } from "../domain/record.ts";
import type { Status, Target } from "../domain/service.ts";

/*
 * All dates are whole seconds since the epoch, UTC.
 * Every table is WITHOUT ROWID, which drizzle-kit can't say: the migrations have it by hand, and a test looks.
 */

/** One attempt to deliver an alert, as the delivery log has it. */
export interface AlertAnswer {
  attempt: number;
  /** When it was answered. */
  date: number;
  outcome: DeliveryAttempt["outcome"];
  answer: string;
}

/** The directory: what was last known of each service. The truth is in the service's object. */
export const services = sqliteTable(
  "services",
  {
    service: text().primaryKey(),
    status: text().$type<Status>().notNull(),
    /** When the status began. */
    since: integer().notNull(),
    /** The last pulse, at `as_of`. */
    last: integer().notNull(),
    nextIn: integer("next_in").notNull(),
    grace: integer().notNull(),
    graceIsOwn: integer("grace_is_own", { mode: "boolean" }).notNull(),
    alertType: text("alert_type").notNull(),
    alertTarget: text("alert_target").notNull(),
    /** Further targets, a JSON list of {"type","target"}. */
    alerts: text({ mode: "json" }).$type<Target[]>().notNull().default([]),
    /** How often a death is told again, in seconds; 0 for never. */
    remindEvery: integer("remind_every").notNull().default(0),
    pauseUntil: integer("pause_until"),
    /** Rises with every change; together with `last` it keeps an old row from overtaking a new one. */
    revision: integer().notNull(),
    /** When this was read at the service's object. */
    asOf: integer("as_of").notNull(),
    /** When this was written, by D1's own clock, in milliseconds: who reads again need not read what is older. */
    writtenMs: integer("written_ms").notNull().default(0),
  },
  // Each page says how many are dead, and reads those only. A row that is alive is not in it: a pulse costs no more.
  (table) => [index("services_dead").on(table.service).where(sql`status = 'dead'`)],
);

/** What services reported, keyed by a ULID whose time is the event's date. */
export const events = sqliteTable(
  "events",
  {
    id: text().primaryKey(),
    service: text().notNull(),
    level: integer().notNull(),
    message: text().notNull(),
    alert: integer({ mode: "boolean" }).notNull(),
    /** A flat JSON object; null where there is none. */
    fields: text({ mode: "json" }).$type<EventFields>(),
  },
  (table) => [
    index("events_by_service").on(table.service, table.id),
    // A query uses it only if it repeats `level >= 4` literally.
    index("events_errors").on(table.id).where(sql`level >= 4`),
  ],
);

/** The delivery log: one row for each alert and target. */
export const alerts = sqliteTable(
  "alerts",
  {
    id: text().primaryKey(),
    service: text().notNull(),
    date: integer().notNull(),
    kind: text().$type<AlertKind>().notNull(),
    alertType: text("alert_type").notNull(),
    alertTarget: text("alert_target").notNull(),
    title: text().notNull(),
    message: text().notNull(),
    state: text().$type<DeliveryState>().notNull(),
    attempts: integer().notNull(),
    lastAnswer: text("last_answer"),
    nextAttempt: integer("next_attempt"),
    /** Every attempt that was answered: a JSON list of {"attempt","date","outcome","answer"}. */
    answers: text({ mode: "json" }).$type<AlertAnswer[]>().notNull().default([]),
    /** From when to when the service was dead, in milliseconds, as JSON: what it takes to send the alert again. */
    downtime: text({ mode: "json" }).$type<NonNullable<Alert["dead"]>>(),
  },
  (table) => [
    index("alerts_by_service").on(table.service, table.id),
    // Made before the next: of indexes that seem equally good SQLite takes one by their order, and a test looks which.
    index("alerts_by_service_and_state").on(table.service, table.state, table.id),
    index("alerts_by_state").on(table.state, table.id),
  ],
);

/** The history of each service, keyed by a ULID whose time is the moment of the change. */
export const transitions = sqliteTable(
  "transitions",
  {
    id: text().primaryKey(),
    service: text().notNull(),
    status: text().$type<TransitionRecord["status"]>().notNull(),
    /** Where the service died or revived: its last pulse before that, and when the next was promised. */
    last: integer(),
    expected: integer(),
  },
  (table) => [index("transitions_by_service").on(table.service, table.id)],
);

/** The alert rules: who is told of which events, and how often. */
export const rules = sqliteTable("rules", {
  name: text().primaryKey(),
  /** In the search language. */
  q: text().notNull(),
  alertType: text("alert_type").notNull(),
  alertTarget: text("alert_target").notNull(),
  /** So many events within so many seconds raise an alert, and the next one no sooner than after the quiet time. */
  count: integer().notNull(),
  seconds: integer().notNull(),
  quietSeconds: integer("quiet_seconds").notNull(),
  /** When it was written, in milliseconds: what is remembered of an older one no longer holds. */
  writtenMs: integer("written_ms").notNull(),
});

/** How far work that takes several runs has come. */
export const progress = sqliteTable("progress", {
  job: text().primaryKey(),
  /** The id that was reached. */
  at: text().notNull(),
});
