import { and, asc, gte, inArray, like, lt, notInArray, type SQL, sql } from "drizzle-orm";
import { lowestUlid, ulidTimeMs } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
import { excluded } from "./excluded.ts";
import { isOneOf, limitOf } from "./page.ts";
import { type alerts, events, progress, type transitions } from "./schema.ts";

/** A table whose ids tell the dates of its rows. */
export type DatedTable = typeof events | typeof alerts | typeof transitions;

/** When the oldest row is from; undefined where there is none. */
export async function oldestMs(db: Database, table: DatedTable): Promise<number | undefined> {
  const [oldest] = await db.select({ id: table.id }).from(table).orderBy(asc(table.id)).limit(limitOf(1));
  return oldest && ulidTimeMs(oldest.id);
}

/**
 * Deletes up to `most` of the rows that are older than a moment, oldest first.
 * @returns how many were deleted
 */
export async function deleteOldest(db: Database, table: DatedTable, beforeMs: number, most: number): Promise<number> {
  const old = db
    .select({ id: table.id })
    .from(table)
    .where(lt(table.id, lowestUlid(beforeMs)))
    .orderBy(asc(table.id))
    .limit(limitOf(most));
  const result = await db.delete(table).where(sql`${table.id} in ${old}`);
  return result.meta.changes;
}

/** Some levels, or all others. */
export type Levels = { only: number[] } | { allBut: number[] };

/**
 * What lies ahead of a walk through the events of a range of ids: the first, and the one `rows` behind it, where there are
 * so many. Undefined where there is none.
 */
export async function lookAhead(
  db: Database,
  fromId: string,
  beforeId: string,
  rows: number,
): Promise<{ firstId: string; nextId: string | undefined } | undefined> {
  const nth = (offset: number) =>
    db
      .select({ id: events.id })
      .from(events)
      .where(and(gte(events.id, fromId), lt(events.id, beforeId)))
      .orderBy(asc(events.id))
      .limit(limitOf(1))
      .offset(offset);
  const [found] = await db.all<{ first: string | null; next: string | null }>(
    sql`select (${nth(0)}) as first, (${nth(rows)}) as next`,
  );
  return found?.first ? { firstId: found.first, nextId: found.next ?? undefined } : undefined;
}

/**
 * Deletes up to `most` of the events of some levels in a range of ids, oldest first.
 * @returns how many were deleted
 */
export async function deleteOfLevels(
  db: Database,
  fromId: string,
  beforeId: string,
  levels: Levels,
  most: number,
): Promise<number> {
  const isWanted: SQL = "only" in levels ? inArray(events.level, levels.only) : notInArray(events.level, levels.allBut);
  const old = db
    .select({ id: events.id })
    .from(events)
    .where(and(gte(events.id, fromId), lt(events.id, beforeId), isWanted))
    .orderBy(asc(events.id))
    .limit(limitOf(most));
  const result = await db.delete(events).where(sql`${events.id} in ${old}`);
  return result.meta.changes;
}

/** Where the walks of the retention have come to, by their jobs. */
export async function readProgress(db: Database): Promise<Map<string, string>> {
  const rows = await db.select().from(progress).where(like(progress.job, "retention: %"));
  return new Map(rows.map(({ job, at }) => [job, at]));
}

/** Remembers where walks have come to. */
export async function writeProgress(db: Database, jobs: ReadonlyMap<string, string>): Promise<void> {
  if (jobs.size === 0) return;
  await db
    .insert(progress)
    .values([...jobs].map(([job, at]) => ({ job, at })))
    .onConflictDoUpdate({ target: progress.job, set: excluded(progress, ["at"]) });
}

/** Forgets walks that are made no more. */
export async function deleteProgress(db: Database, jobs: readonly string[]): Promise<void> {
  await db.delete(progress).where(isOneOf(progress.job, jobs));
}
