import { sql } from "drizzle-orm";
import { lowestUlid } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
import type { alerts, events, transitions } from "./schema.ts";

/**
 * Deletes up to `most` of the rows that are older than a moment, oldest first, of a table whose ids tell their dates.
 * @returns how many were deleted
 */
export async function pruneTable(
  db: Database,
  table: typeof events | typeof alerts | typeof transitions,
  beforeMs: number,
  most: number,
): Promise<number> {
  const result = await db.run(sql`
    delete from ${table} where id in (
      select id from ${table} where id < ${lowestUlid(beforeMs)} order by id limit ${most})`);
  return result.meta.changes;
}
