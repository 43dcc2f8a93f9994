import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Event, EventFields, EventFilter } from "../domain/event.ts";
import type { Database } from "./database.ts";
import { conditionsOf } from "./event-search.ts";
import { bytesOf, isOneOf, limitOf, orderOf, type Page, type PageRequest, pageOf, shortText } from "./page.ts";
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

/** A search looks through so many first, or twice its limit, and stops as soon as it has a page: mostly they are enough. */
const LOOKED_AT_FIRST = 2_500;
/** By what was found then it is known about how many more it takes; and so many times as many are looked through. */
const MARGIN = 1.25;

/** The events that match, newest first unless `afterId` is given. A page may have fewer than its limit, or none, and not be the last. */
export async function listEvents(db: Database, filter: EventFilter, page: PageRequest): Promise<Page<Event>> {
  const { candidates, search } = conditionsOf(filter, page);
  if (!search) return withTexts(db, pageOf(await readRows(db, candidates, page), page));
  const first = Math.max(LOOKED_AT_FIRST, 2 * page.limit);
  const found = await readFound(db, searched(db, candidates, search, page, first), page);
  const early = pageOf(found, page);
  if (early.nextId !== undefined) return withTexts(db, early);
  // Where many match, a page takes few of them: D1 counts the rows that are read in vain.
  const enough = Math.ceil((first * (page.limit + 1) * MARGIN) / found.length);
  return withTexts(db, await sweep(db, candidates, search, page, Math.min(MOST_SEARCHED, enough)));
}

/** What a page shows of an event; what is long is asked for later. */
export function shownOf(page: PageRequest) {
  const { id, service, level, message, alert, fields } = events;
  const bytes = bytesOf(message, fields);
  return {
    ...{ id, service, level, alert, bytes },
    message: shortText(message, page, bytes),
    // As text, since what is computed is not decoded.
    fields: shortText(fields, page, bytes),
  };
}

async function readRows(db: Database, condition: SQL | undefined, page: PageRequest): Promise<FoundEvent[]> {
  return db
    .select(shownOf(page))
    .from(events)
    .where(condition)
    .orderBy(orderOf(events.id, page))
    .limit(limitOf(page.limit + 1));
}

/** The rows of a page that are wanted of those that are looked through: no more of them than it takes. */
async function readFound(db: Database, looked: Searched, page: PageRequest): Promise<FoundEvent[]> {
  return db
    .select(shownOf(page))
    .from(looked)
    .crossJoin(events)
    .where(and(looked.isWanted, eq(events.id, looked.id)))
    .orderBy(orderOf(looked.id, page))
    .limit(limitOf(page.limit + 1));
}

type Searched = ReturnType<typeof searched>;

/**
 * What is looked through, and which of it is wanted. It hands on no more than ids: to hand on texts, too, takes a fifth
 * more time, and few are wanted.
 */
function searched(db: Database, candidates: SQL | undefined, search: SQL, page: PageRequest, most: number) {
  return db
    .select({ id: events.id, isWanted: sql<boolean>`${search}`.as("is_wanted") })
    .from(events)
    .where(candidates)
    .orderBy(orderOf(events.id, page))
    .limit(limitOf(most))
    .as("looked");
}

/**
 * Looks through as many as it is told. One statement says what was found and where it stopped: whatever is stored or
 * deleted meanwhile, the next page goes on from just there.
 */
async function sweep(
  db: Database,
  candidates: SQL | undefined,
  search: SQL,
  page: PageRequest,
  most: number,
): Promise<Page<FoundEvent>> {
  const looked = searched(db, candidates, search, page, most);
  const last = page.afterId === undefined ? sql`min(${looked.id})` : sql`max(${looked.id})`;
  const [seen] = await db
    .select({
      count: sql<number>`count(*)`,
      last: sql<string>`${last}`,
      foundIds: sql<string>`json_group_array(${looked.id}) filter (where ${looked.isWanted})`,
    })
    .from(looked);
  const { count = 0, last: lastId, foundIds = "[]" } = seen ?? {};
  const ids = JSON.parse(foundIds) as string[];
  const shownIds = ids.slice(0, page.limit);
  const rows = shownIds.length === 0 ? [] : await readRows(db, isOneOf(events.id, shownIds), page);
  const cut = pageOf(rows, page);
  const endId = ids.length > page.limit ? shownIds.at(-1) : count === most ? lastId : undefined;
  return { ...cut, nextId: cut.nextId ?? endId };
}

/** An event whose texts may be too long for a first look: then it has none. */
export interface FoundEvent extends Omit<Event, "message" | "fields"> {
  message: string | null;
  fields: string | null;
  bytes: number;
}

/** The page with the texts that were too long for a first look; without the rows that are gone meanwhile. */
export async function withTexts(db: Database, { rows, ...page }: Page<FoundEvent>): Promise<Page<Event>> {
  const ids = rows.filter(({ message }) => message === null).map(({ id }) => id);
  const { id, message, fields } = events;
  const long = ids.length === 0 ? [] : await db.select({ id, message, fields }).from(events).where(isOneOf(id, ids));
  const byId = new Map(long.map((row) => [row.id, row]));
  const whole = rows.flatMap(({ bytes: _, message, fields, ...row }): Event[] => {
    const texts =
      message === null
        ? byId.get(row.id)
        : { message, fields: fields === null ? null : (JSON.parse(fields) as EventFields) };
    if (!texts) return [];
    return [{ ...row, message: texts.message, ...(texts.fields !== null && { fields: texts.fields }) }];
  });
  return { ...page, rows: whole };
}
