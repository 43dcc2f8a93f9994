import { and, asc, gt, lte, sql } from "drizzle-orm";
import { type Event, type EventFilter, idRange } from "../domain/event.ts";
import type { Database } from "./database.ts";
import { type FoundEvent, withTexts } from "./event-log.ts";
import { conditionsOf } from "./event-search.ts";
import { bytesOf, limitOf, type Page, pageOf, shortText } from "./page.ts";
import { events } from "./schema.ts";

/** So many events at once, and so many bytes of their texts: what a request of the free plan can turn into JSON. */
const PAGE = { limit: 100, bytes: 500_000 };

/** Reads the next page of events that match, oldest first: those above one id, and up to another. */
export type ReadTail = (afterId: string, upToId: string) => Promise<Page<Event>>;

/**
 * What reads events that match a filter, as they come. The statement is made once: to make it anew at each look would
 * take more CPU time than the look. Where nothing has come, a look reads one row at most.
 */
export function readerOfTail(db: Database, filter: EventFilter): ReadTail {
  const { indexed, search } = conditionsOf(filter);
  const { id, service, level, message, alert, fields } = events;
  const bytes = bytesOf(message, fields);
  const statement = db
    .select({
      ...{ id, service, level, alert, bytes },
      message: shortText(message, PAGE, bytes),
      // As text, since what is computed is not decoded.
      fields: shortText(fields, PAGE, bytes),
    })
    .from(events)
    .where(and(gt(id, sql.placeholder("after")), lte(id, sql.placeholder("upTo")), indexed, search))
    .orderBy(asc(id))
    .limit(limitOf(PAGE.limit + 1))
    .prepare();
  const { lowest, highest } = idRange(filter);
  return async (afterId, upToId) => {
    // The range of the filter bounds the ids here rather than in the statement, where it would be one more condition.
    let [after, upTo] = [afterId, upToId];
    if (after < lowest) after = lowest;
    if (upTo > highest) upTo = highest;
    const found: FoundEvent[] = after < upTo ? await statement.all({ after, upTo }) : [];
    return withTexts(db, pageOf(found, PAGE));
  };
}
