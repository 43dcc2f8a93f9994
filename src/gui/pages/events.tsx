import { type Config, configOf } from "../../config.ts";
import type { Event } from "../../domain/event.ts";
import { equalParts } from "../../domain/histogram.ts";
import { lowestUlid, ulidTimeMs } from "../../domain/ulid.ts";
import { handOver, readPage } from "../../http/bulk.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields, readQuery } from "../../http/fields.ts";
import { isAdmin } from "../../http/sight.ts";
import { openDatabase } from "../../storage/database.ts";
import { countEvents } from "../../storage/event-counts.ts";
import { listEvents } from "../../storage/event-log.ts";
import { addressWith, type EventQuery, filterOf, narrowing, problemOf, searchTextOf } from "../event-filter.ts";
import { Filters } from "../parts/event-filters.tsx";
import { EventList, EventRow } from "../parts/event-list.tsx";
import { BARS, Histogram } from "../parts/histogram.tsx";
import { answerPage } from "../parts/layout.tsx";
import { queryOf } from "../query.ts";
import { eventsPageSchema, newEventsSchema } from "../schemas.ts";

const PAGE_ROWS = 100;
/** An event may be stored this much after one that is younger: ids are not the order in which they come. */
const LATE_MS = 10_000;

/** Events, filtered by what the address says. */
export async function getEventsPage(c: AppContext): Promise<Response> {
  const query = parseFields(eventsPageSchema, readQuery(c.req.url));
  const config = configOf(c.env);
  const nowMs = Date.now();
  const problem = problemOf(query);
  if (problem) return refuseSearch(c, query, problem);
  const filter = filterOf(query, config, nowMs);
  const db = openDatabase(c.env.DB);
  const wanted = { limit: PAGE_ROWS, beforeId: query.before, afterId: query.after };
  const page = await readPage(c, wanted, (request) => listEvents(db, filter, request));
  if (!page) return handOver(c);
  const { counts, countedFrom } = await countEvents(db, filter, equalParts(filter, BARS));
  // A page that was asked for from its end comes the other way round.
  const events = query.after === undefined ? page.rows : page.rows.toReversed();
  const { timeZone } = config;
  const isLive = query.live !== undefined && query.before === undefined && query.after === undefined;
  return answerPage(c, {
    title: "Events · watchTower",
    at: "/gui/events",
    reloadEvery: isLive ? 10 : undefined,
    children: (
      <>
        <h1>Events</h1>
        <Filters query={query} filter={filter} config={config} problem={undefined} />
        <Histogram
          counts={counts}
          range={filter}
          countedFrom={countedFrom}
          timeZone={timeZone}
          linkOf={({ from, to }) => addressWith(query, { from: String(from), to: String(to), since: undefined })}
        />
        <div class="tools">
          <a
            class={`switch ${isLive ? "on" : "off"}`}
            role="switch"
            aria-checked={isLive ? "true" : "false"}
            href={addressWith(query, { live: isLive ? undefined : "1" })}
            data-live-switch=""
            data-read-until={lowestUlid(nowMs)}
          >
            Live
          </a>
          {isAdmin(c) && <RuleLink q={searchTextOf(query, config)} />}
        </div>
        <EventList events={events} timeZone={timeZone} linkOf={linkTo(query, config)} hasServices />
        <p class="empty" data-no-events="" hidden={events.length > 0}>
          No events.
        </p>
        <Pages query={query} events={events} nextId={page.nextId} />
      </>
    ),
  });
}

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
  const { after: _, before: __, ...shown } = query;
  const props = { timeZone: config.timeZone, linkOf: linkTo(shown, config), hasServices: true };
  return c.json({
    after: lowestUlid(nowMs),
    next: page.nextId,
    rows: page.rows.map((event) => (<EventRow event={event} {...props} />).toString()),
  });
}

/** Shows the form again as it was filled in, and what is wrong with the search. */
function refuseSearch(c: AppContext, query: EventQuery, problem: ReturnType<typeof problemOf>) {
  const config = configOf(c.env);
  const filter = filterOf({ ...query, q: undefined }, config, Date.now());
  const children = (
    <>
      <h1>Events</h1>
      <Filters query={query} filter={filter} config={config} problem={problem} />
    </>
  );
  return answerPage(c, { title: "Events · watchTower", at: "/gui/events", children }, 400);
}

/** Leads to a rule that tells of what is searched for. */
function RuleLink({ q }: { q: string }) {
  return q === "" ? null : <a href={`/gui/rules${queryOf({ q })}#form`}>Rule from this search</a>;
}

/** A click on a level or a service asks for those alone, one on a field for those that have it, too. */
function linkTo(query: EventQuery, config: Config) {
  const narrow = narrowing(query, config);
  return (wanted: { level: number } | { service: string } | { term: string }) =>
    "term" in wanted ? narrow(wanted.term) : addressWith(query, wanted);
}

/** The way to older and to newer events. */
function Pages({ query, events, nextId }: { query: EventQuery; events: readonly Event[]; nextId: string | undefined }) {
  const { before, after, live: _, ...kept } = query;
  const link = (position: { before?: string | undefined; after?: string | undefined }) =>
    `/gui/events${queryOf({ ...kept, ...position })}`;
  const isBackwards = after !== undefined;
  const older = isBackwards ? (events.at(-1)?.id ?? after) : nextId;
  const newer = isBackwards ? nextId : before !== undefined ? (events[0]?.id ?? before) : undefined;
  return (
    <nav class="pages" aria-label="Pages of events">
      {(before !== undefined || isBackwards) && <a href={link({})}>Newest</a>}
      {newer !== undefined && (
        <a rel="prev" href={link({ after: newer })}>
          Newer
        </a>
      )}
      {older !== undefined && (
        <a rel="next" href={link({ before: older })}>
          Older
        </a>
      )}
    </nav>
  );
}
