import { asc, lt, sql } from "drizzle-orm";
import { lowestUlid, ulidTimeMs } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
import type { alerts, events, transitions } from "./schema.ts";

/** A table whose ids tell the dates of its rows. */
export type DatedTable = typeof events | typeof alerts | typeof transitions;

/** When the oldest row is from; undefined where there is none. */
export async function oldestMs(db: Database, table: DatedTable): Promise<number | undefined> {
  const [oldest] = await db.select({ id: table.id }).from(table).orderBy(asc(table.id)).limit(1);
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
    .limit(most);
  const result = await db.delete(table).where(sql`${table.id} in ${old}`);
  return result.meta.changes;
}
