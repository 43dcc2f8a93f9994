import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Event, EventFields, EventFilter } from "../domain/event.ts";
import type { Database } from "./database.ts";
import { conditionsOf } from "./event-search.ts";
import { bytesOf, isOneOf, orderOf, type Page, type PageRequest, pageOf, shortText } from "./page.ts";
import { events } from "./schema.ts";

/** The statement that stores events, each once, however often it is repeated. */
export function insertEvents(db: Database, rows: readonly Event[]) {
  return insertEventsOf(db, JSON.stringify(rows));
}

/** The statement that stores the events of a JSON list. */
export function insertEventsOf(db: Database, text: string) {
  return db
    .insert(events)
    .select(
      sql`select value ->> 'id', value ->> 'service', value ->> 'level', value ->> 'message', value ->> 'alert', value -> 'fields'
          from json_each(${text}) where true`,
    )
    .onConflictDoNothing();
}

/**
 * A search looks through at most so many events for a page. When they are through, the page ends with what was found, and
 * the next one goes on from there: D1 counts the rows that it reads, and the free plan has five million a day.
 */
export const MOST_SEARCHED = 50_000;

/** The events that match, newest first unless `afterId` is given. A page may have fewer than its limit, or none, and not be the last. */
export async function listEvents(db: Database, filter: EventFilter, page: PageRequest): Promise<Page<Event>> {
  const { candidates, search } = conditionsOf(filter, page);
  const { id, service, level, message, alert, fields } = events;
  const bytes = bytesOf(message, fields);
  const shown = {
    ...{ id, service, level, alert, bytes },
    message: shortText(message, page, bytes),
    // As text, since what is computed is not decoded.
    fields: shortText(fields, page, bytes),
  };
  const most = page.limit + 1;
  const looked = search && searched(db, candidates, search, page);
  const found = await (looked
    ? db
        .select(shown)
        .from(looked)
        .crossJoin(events)
        .where(and(looked.isWanted, eq(id, looked.id)))
        .orderBy(orderOf(looked.id, page))
        .limit(most)
    : db.select(shown).from(events).where(candidates).orderBy(orderOf(id, page)).limit(most));
  const { rows, nextId, isCut } = pageOf(found, page);
  return {
    rows: await withTexts(db, rows),
    isCut,
    nextId: nextId ?? (search && (await endOfSearch(db, candidates, page, rows.at(-1)?.id))),
  };
}

/**
 * What is looked through, and which of it is wanted. It hands on no more than ids: to hand on texts, too, takes a fifth
 * more time, and few are wanted.
 */
function searched(db: Database, candidates: SQL | undefined, search: SQL, page: PageRequest) {
  return db
    .select({ id: events.id, isWanted: sql<boolean>`${search}`.as("is_wanted") })
    .from(events)
    .where(candidates)
    .orderBy(orderOf(events.id, page))
    .limit(MOST_SEARCHED)
    .as("looked");
}

/**
 * Where a search that found no full page has stopped; undefined where it has seen everything.
 * @param lastFound what it found last: events that came in the meantime must not make it be found again
 */
async function endOfSearch(
  db: Database,
  candidates: SQL | undefined,
  page: PageRequest,
  lastFound: string | undefined,
): Promise<string | undefined> {
  const [last] = await db
    .select({ id: events.id })
    .from(events)
    .where(candidates)
    .orderBy(orderOf(events.id, page))
    .limit(1)
    .offset(MOST_SEARCHED - 1);
  const isPassed = last && lastFound !== undefined && (page.afterId === undefined) === lastFound < last.id;
  return isPassed ? lastFound : last?.id;
}

/** An event whose texts may be too long for a first look: then it has none. */
export interface FoundEvent extends Omit<Event, "message" | "fields"> {
  message: string | null;
  fields: string | null;
  bytes: number;
}

/** The rows with the texts that were too long for a first look; without those that are gone meanwhile. */
export async function withTexts(db: Database, rows: FoundEvent[]): Promise<Event[]> {
  const ids = rows.filter(({ message }) => message === null).map(({ id }) => id);
  const { id, message, fields } = events;
  const long = ids.length === 0 ? [] : await db.select({ id, message, fields }).from(events).where(isOneOf(id, ids));
  const byId = new Map(long.map((row) => [row.id, row]));
  return rows.flatMap(({ bytes: _, message, fields, ...row }): Event[] => {
    const texts =
      message === null
        ? byId.get(row.id)
        : { message, fields: fields === null ? null : (JSON.parse(fields) as EventFields) };
    if (!texts) return [];
    return [{ ...row, message: texts.message, ...(texts.fields !== null && { fields: texts.fields }) }];
  });
}
