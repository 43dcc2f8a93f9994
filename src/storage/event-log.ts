import { and, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import type { Event, EventFilter } from "../domain/event.ts";
import { ERROR_LEVEL } from "../domain/level.ts";
import type { Database } from "./database.ts";
import { inRange, type Page, type PageRequest } from "./page.ts";
import { events } from "./schema.ts";

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

/** A page ends early where its messages pass this: a Worker has 128 MB, and an answer is in it several times. */
const MOST_PAGE_BYTES = 8_000_000;

/** The newest events that match, newest first. */
export async function listEvents(db: Database, filter: EventFilter, page: PageRequest): Promise<Page<Event>> {
  const found = db
    .select()
    .from(events)
    .where(
      and(
        inRange(events.id, filter, page),
        filter.service === undefined ? undefined : eq(events.service, filter.service),
        levelCondition(filter.level),
        filter.message === undefined ? undefined : sql`instr(lower(${events.message}), lower(${filter.message})) > 0`,
      ),
    )
    .orderBy(desc(events.id))
    .limit(page.limit + 1)
    .as("found");
  // Two steps, so that what is summed up is the page and not all that matches.
  const measured = db
    .select({
      id: found.id,
      service: found.service,
      level: found.level,
      message: found.message,
      alert: found.alert,
      count: sql<number>`count(*) over ()`.as("count"),
      bytesBefore: sql<number>`sum(octet_length(message)) over (order by id desc) - octet_length(message)`.as("bytes"),
    })
    .from(found)
    .as("measured");
  const rows = await db
    .select()
    .from(measured)
    .where(lt(measured.bytesBefore, MOST_PAGE_BYTES))
    .orderBy(desc(measured.id))
    .limit(page.limit);
  const isMore = rows.length < (rows[0]?.count ?? 0);
  return {
    rows: rows.map(({ count: _count, bytesBefore: _bytes, ...event }) => event),
    nextId: isMore ? rows.at(-1)?.id : undefined,
  };
}

/** Errors have an index of their own, which a query uses only when it repeats the index's very condition. */
function levelCondition(level: number | undefined): SQL | undefined {
  if (level === undefined) return undefined;
  if (level < ERROR_LEVEL) return gte(events.level, level);
  return and(sql`level >= ${sql.raw(String(ERROR_LEVEL))}`, gte(events.level, level));
}
