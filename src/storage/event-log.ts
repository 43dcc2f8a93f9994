import { and, desc, eq, gte, lt, lte, type SQL, sql } from "drizzle-orm";
import { type Event, type EventFilter, idRange } from "../domain/event.ts";
import { ERROR_LEVEL } from "../domain/level.ts";
import { lowestUlid } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
import { events } from "./schema.ts";

/** One page of a list, and where the next one begins. */
export interface Page<T> {
  rows: T[];
  /** The id after which the next page begins; undefined on the last page. */
  nextId: string | undefined;
}

/** The statement that stores events, each once, however often it is repeated. */
export function insertEvents(db: Database, rows: readonly Event[]) {
  return db
    .insert(events)
    .select(
      sql`select value ->> 'id', value ->> 'service', value ->> 'level', value ->> 'message', value ->> 'alert'
          from json_each(${JSON.stringify(rows)}) where true`,
    )
    .onConflictDoNothing();
}

/** The newest events that match, newest first; `beforeId` continues an earlier page. */
export async function listEvents(
  db: Database,
  filter: EventFilter,
  page: { limit: number; beforeId?: string | undefined },
): Promise<Page<Event>> {
  const { lowest, highest } = idRange(filter);
  const conditions: (SQL | undefined)[] = [
    gte(events.id, lowest),
    lte(events.id, highest),
    page.beforeId === undefined ? undefined : lt(events.id, page.beforeId),
    filter.service === undefined ? undefined : eq(events.service, filter.service),
    levelCondition(filter.level),
    filter.message === undefined ? undefined : sql`instr(lower(${events.message}), lower(${filter.message})) > 0`,
  ];
  const rows = await db
    .select()
    .from(events)
    .where(and(...conditions))
    .orderBy(desc(events.id))
    .limit(page.limit + 1);
  const shown = rows.slice(0, page.limit);
  return { rows: shown, nextId: rows.length > page.limit ? shown.at(-1)?.id : undefined };
}

/** Errors have an index of their own, which a query uses only when it repeats the index's very condition. */
function levelCondition(level: number | undefined): SQL | undefined {
  if (level === undefined) return undefined;
  if (level < ERROR_LEVEL) return gte(events.level, level);
  return and(sql`level >= ${sql.raw(String(ERROR_LEVEL))}`, gte(events.level, level));
}

/**
 * Deletes up to `most` of the events that are older than a moment, oldest first.
 * @returns how many were deleted
 */
export async function pruneEvents(db: Database, beforeMs: number, most: number): Promise<number> {
  const result = await db.run(sql`
    delete from ${events} where id in (
      select id from ${events} where id < ${lowestUlid(beforeMs)} order by id limit ${most})`);
  return result.meta.changes;
}
