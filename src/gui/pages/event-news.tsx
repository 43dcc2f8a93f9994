import { type Config, configOf } from "../../config.ts";
import type { Event } from "../../domain/event.ts";
import { HOUR_MS } from "../../domain/time.ts";
import { lowestUlid, ulidTimeMs } from "../../domain/ulid.ts";
import { handOver, readPage } from "../../http/bulk.ts";
import type { AppContext } from "../../http/context.ts";
import { answerTail } from "../../http/event-tail.ts";
import { LATEST_SECONDS, parseFields, readQuery } from "../../http/fields.ts";
import { TAIL_LIMITS } from "../../http/tail.ts";
import { openDatabase } from "../../storage/database.ts";
import { listEvents } from "../../storage/event-log.ts";
import { type EventQuery, filterOf, linksOf } from "../event-filter.ts";
import { EventRow } from "../parts/event-list.tsx";
import { eventStreamSchema, newEventsSchema } from "../schemas.ts";

const PAGE_ROWS = 100;
/** An event may be stored this much after one that is younger: ids are not the order in which they come. */
const LATE_MS = 10_000;
/** Who was away for longer reads what came meanwhile in pages: a stream would look through all of it at once. */
const LONGEST_AWAY_MS = HOUR_MS;
/** A request of the free plan renders about so many rows, in 2 to 5 ms of CPU time; then the browser comes again. */
const MOST_ROWS = 100;

/**
 * The events that came since the page was made or asked for new ones, and some before them, oldest first, as rows; the
 * browser knows which it has. Where there are more, `next` is said, and given back; `after` is for the next time.
 */
export async function getNewEvents(c: AppContext): Promise<Response> {
  const { next, ...query } = parseFields(newEventsSchema, readQuery(c.req.url));
  const config = configOf(c.env);
  const nowMs = Date.now();
  const filter = filterOf(query, config, nowMs);
  const sinceMs = query.after === undefined ? nowMs - LATE_MS : ulidTimeMs(query.after) - LATE_MS;
  const wanted = { limit: PAGE_ROWS, afterId: next ?? lowestUlid(Math.max(0, sinceMs)) };
  const page = await readPage(c, wanted, (request) => listEvents(openDatabase(c.env.DB), filter, request));
  if (!page) return handOver(c);
  const row = rowsOf(query, config);
  return c.json({
    after: lowestUlid(nowMs),
    next: page.nextId,
    rows: page.rows.map(row),
  });
}

/**
 * Events as they come, as rows, with what came since the page was made or asked for new ones, and some before that; the
 * browser knows which it has.
 */
export function getEventStream(c: AppContext): Response {
  const { lastEventId, ...query } = parseFields(eventStreamSchema, {
    ...readQuery(c.req.url),
    lastEventId: c.req.header("last-event-id") || undefined,
  });
  const config = configOf(c.env);
  const nowMs = Date.now();
  const filter = filterOf(query, config, nowMs);
  // What comes is later than a range that ends now.
  if (query.to === undefined) filter.toSeconds = LATEST_SECONDS;
  const afterId = lastEventId ?? lowestUlid(Math.max(0, (query.after ? ulidTimeMs(query.after) : nowMs) - LATE_MS));
  // By this a browser gives up the stream, and asks for the news.
  if (ulidTimeMs(afterId) < nowMs - LONGEST_AWAY_MS) return c.body(null, 204);
  const row = rowsOf(query, config);
  const limits = { ...TAIL_LIMITS[config.plan], ...(config.plan === "free" && { events: MOST_ROWS }) };
  return answerTail(c, filter, (event) => ({ row: row(event) }), limits, afterId);
}

/** What makes the rows that a page of this query has. */
function rowsOf(query: EventQuery, config: Config): (event: Event) => string {
  const props = { timeZone: config.timeZone, linkOf: linksOf(query, config), hasServices: true };
  return (event) => (<EventRow event={event} {...props} />).toString();
}
