import { and, asc, eq, gt, or, type SQL, sql } from "drizzle-orm";
import { type Snapshot, TRUSTED_SECONDS } from "../domain/snapshot.ts";
import type { Database } from "./database.ts";
import { excluded } from "./excluded.ts";
import { limitOf } from "./page.ts";
import { services } from "./schema.ts";

/** D1's own clock. */
const NOW_MS = sql<number>`cast(unixepoch('subsec') * 1000 as integer)`;

/** The statement that brings rows up to date; one that is older than what is stored changes nothing. */
export function upsertServices(db: Database, snapshots: readonly Snapshot[]) {
  return upsert(db, snapshots, sql`true`);
}

/** The same for rows that are there: what has been forgotten meanwhile does not come back. */
export function updateServices(db: Database, snapshots: readonly Snapshot[]) {
  return upsert(db, snapshots, sql`exists (select 1 from ${services} where ${services.service} = value ->> 'service')`);
}

function upsert(db: Database, snapshots: readonly Snapshot[], where: SQL) {
  const rows = snapshots.map(({ targets: [main, ...further], graceIsOwn, pauseUntil, ...snapshot }) => ({
    ...snapshot,
    graceIsOwn: Number(graceIsOwn),
    pauseUntil: pauseUntil ?? null,
    alertType: main?.type ?? "",
    alertTarget: main?.target ?? "",
    alerts: JSON.stringify(further),
  }));
  return db
    .insert(services)
    .select(
      // In the order of the columns, which is the schema's.
      sql`select value ->> 'service', value ->> 'status', value ->> 'since', value ->> 'last', value ->> 'nextIn',
                 value ->> 'grace', value ->> 'graceIsOwn', value ->> 'alertType', value ->> 'alertTarget',
                 value ->> 'alerts', value ->> 'remindEvery', value ->> 'pauseUntil', value ->> 'revision', value ->> 'asOf',
                 ${NOW_MS}
          from json_each(${JSON.stringify(rows)}) where ${where}`,
    )
    .onConflictDoUpdate({
      target: services.service,
      set: excluded(services, [
        "status",
        "since",
        "last",
        "nextIn",
        "grace",
        "graceIsOwn",
        "alertType",
        "alertTarget",
        "alerts",
        "remindEvery",
        "pauseUntil",
        "revision",
        "asOf",
        "writtenMs",
      ]),
      setWhere: sql`(excluded.revision, excluded.last) > (services.revision, services.last)`,
    });
}

/** The statement that takes a service out of the directory. */
export function deleteService(db: Database, name: string) {
  return db.delete(services).where(eq(services.service, name));
}

/** Takes out rows whose services are gone, unless they were written again since they were read. */
export async function deleteGone(db: Database, rows: readonly Snapshot[]): Promise<void> {
  await db.delete(services).where(
    sql`(${services.service}, ${services.revision}, ${services.last}) in
        (select value ->> 'service', value ->> 'revision', value ->> 'last' from json_each(${JSON.stringify(rows)}))`,
  );
}

/** All services, by name. */
export async function listServices(db: Database, limit = -1): Promise<Snapshot[]> {
  return (await db.select().from(services).orderBy(asc(services.service)).limit(limitOf(limit))).map(toSnapshot);
}

/**
 * Rows whose status can't be trusted (see {@link isTrustworthy}), by name, after a name.
 * @param now seconds since the epoch
 */
export async function listUntrusted(db: Database, now: number, after: string, limit: number): Promise<Snapshot[]> {
  const { service, status, last, nextIn, grace } = services;
  const rows = await db
    .select()
    .from(services)
    .where(and(gt(service, after), eq(status, "alive"), sql`${last} + ${nextIn} + ${grace} < ${now - TRUSTED_SECONDS}`))
    .orderBy(asc(service))
    .limit(limitOf(limit));
  return rows.map(toSnapshot);
}

/**
 * How many services had to pulse within a time up to now: those that are alive and have to so often, or whose promise has
 * ended in it, and those that have died in it.
 * @param now seconds since the epoch
 */
export async function countDue(db: Database, now: number, withinSeconds: number): Promise<number> {
  const { status, last, nextIn, grace } = services;
  const promise = sql`${nextIn} + ${grace}`;
  const [row] = await db
    .select({ count: sql<number>`count(*)` })
    .from(services)
    .where(
      sql`(${status} = 'alive' and ${promise} <= ${withinSeconds}) or
          (${status} <> 'cancelled' and ${last} + ${promise} between ${now - withinSeconds} and ${now})`,
    );
  return row?.count ?? 0;
}

/** What has become of the directory since it was read. */
export interface DirectoryChanges {
  /** The rows that were written since, and those that were asked for by name. */
  rows: Snapshot[];
  /** How many services there are: where that is not what one has then, some were forgotten. */
  total: number;
  /** Where to go on from next time. */
  cursorMs: number;
}

/**
 * What was written after a moment of D1's own clock, with the services of these names.
 * D1 writes one after another, so that nothing which is written later can have an earlier time.
 */
export async function listChanges(db: Database, afterMs: number, names: readonly string[]): Promise<DirectoryChanges> {
  const isNamed = sql`${services.service} in (select value from json_each(${JSON.stringify(names)}))`;
  const [rows, [counted]] = await db.batch([
    db
      .select()
      .from(services)
      .where(or(gt(services.writtenMs, afterMs), isNamed))
      .orderBy(asc(services.service)),
    // What is written within this same millisecond is read twice rather than never.
    db.select({ total: sql<number>`count(*)`, cursorMs: sql<number>`${NOW_MS} - 1` }).from(services),
  ]);
  return { rows: rows.map(toSnapshot), total: counted?.total ?? 0, cursorMs: counted?.cursorMs ?? 0 };
}

/** How many services are dead. */
export async function countDead(db: Database): Promise<number> {
  // The index is used only where its condition is repeated literally.
  const [row] = await db.select({ count: sql<number>`count(*)` }).from(services).where(sql`status = 'dead'`);
  return row?.count ?? 0;
}

/** The names of all services. */
export async function listNames(db: Database): Promise<string[]> {
  return (await db.select({ service: services.service }).from(services)).map(({ service }) => service);
}

/** What the directory knows of a service; undefined where it was never heard of. */
export async function findService(db: Database, name: string): Promise<Snapshot | undefined> {
  const [row] = await db.select().from(services).where(eq(services.service, name)).limit(limitOf(1));
  return row && toSnapshot(row);
}

function toSnapshot({
  alertType,
  alertTarget,
  alerts,
  pauseUntil,
  writtenMs: _,
  ...row
}: typeof services.$inferSelect): Snapshot {
  const targets = alertType ? [{ type: alertType, target: alertTarget }, ...alerts] : [];
  return { ...row, targets, ...(pauseUntil === null ? {} : { pauseUntil }) };
}
