import { and, asc, gt, lte, sql } from "drizzle-orm";
import { type Event, type EventFilter, idRange } from "../domain/event.ts";
import { MINUTE_MS, toSeconds } from "../domain/time.ts";
import { ulidTimeMs } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
import { type FoundEvent, listEvents, shownOf, withTexts } from "./event-log.ts";
import { conditionsOf } from "./event-search.ts";
import { limitOf, pageOf } from "./page.ts";
import { events } from "./schema.ts";

/** So many events at once, and so many bytes of their texts: what a request of the free plan can turn into JSON. */
const PAGE = { limit: 100, bytes: 500_000 };

/** Who is further behind looks through a bounded number of events at once. */
const CAUGHT_UP_MS = MINUTE_MS;

/** A look asks D1 at most so often. */
export const MOST_QUERIES_OF_A_LOOK = 4;

/** A page of a tail. */
interface TailPage {
  rows: Event[];
  /** All up to this have been read. */
  reachedId: string;
  /** Whether there is more already. */
  hasMore: boolean;
  /** How often D1 may have been asked for it. */
  queries: number;
}

/** Reads the next page of events that match, oldest first: those above one id, and up to another. */
export type ReadTail = (afterId: string, upToId: string) => Promise<TailPage>;

/** What reads events that match a filter, as they come. Where nothing has come, a look reads one row at most. */
export function readerOfTail(db: Database, filter: EventFilter): ReadTail {
  const readNews = readerOfNews(db, filter);
  const { lowest, highest } = idRange(filter);
  return async (afterId, upToId) => {
    // The range of the filter bounds the ids here rather than in the statement, where it would be one more condition.
    let [after, upTo] = [afterId, upToId];
    if (after < lowest) after = lowest;
    if (upTo > highest) upTo = highest;
    if (after >= upTo) return { rows: [], reachedId: upToId, hasMore: false, queries: 0 };
    const isBehind = ulidTimeMs(upTo) - ulidTimeMs(after) > CAUGHT_UP_MS;
    return isBehind ? catchUp(db, filter, after, upTo) : readNews(after, upTo);
  };
}

/** A page of all that came up to a while ago. It may be empty, and not the last. */
async function catchUp(db: Database, filter: EventFilter, afterId: string, upToId: string): Promise<TailPage> {
  const past = { ...filter, toSeconds: toSeconds(ulidTimeMs(upToId)) - 1 };
  const { rows, nextId } = await listEvents(db, past, { ...PAGE, afterId });
  const reachedId = nextId ?? idRange(past).highest;
  return { rows, reachedId, hasMore: nextId !== undefined, queries: MOST_QUERIES_OF_A_LOOK };
}

/** The statement is made once: to make it anew at each look would take more CPU time than the look. */
function readerOfNews(db: Database, filter: EventFilter): ReadTail {
  const { indexed, search } = conditionsOf(filter);
  const { id } = events;
  const statement = db
    .select(shownOf(PAGE))
    .from(events)
    .where(and(gt(id, sql.placeholder("after")), lte(id, sql.placeholder("upTo")), indexed, search))
    .orderBy(asc(id))
    .limit(limitOf(PAGE.limit + 1))
    .prepare();
  return async (after, upTo) => {
    const found: FoundEvent[] = await statement.all({ after, upTo });
    const { rows, nextId } = await withTexts(db, pageOf(found, PAGE));
    return { rows, reachedId: nextId ?? upTo, hasMore: nextId !== undefined, queries: found.length > 0 ? 2 : 1 };
  };
}
