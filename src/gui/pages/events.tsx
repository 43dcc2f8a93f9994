import { configOf } from "../../config.ts";
import type { Event } from "../../domain/event.ts";
import { equalParts } from "../../domain/histogram.ts";
import { lowestUlid } from "../../domain/ulid.ts";
import { handOver, readPage } from "../../http/bulk.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields, readQuery } from "../../http/fields.ts";
import { isAdmin } from "../../http/sight.ts";
import { openDatabase } from "../../storage/database.ts";
import { countEvents } from "../../storage/event-counts.ts";
import { listEvents } from "../../storage/event-log.ts";
import { addressWith, type EventQuery, filterOf, linksOf, problemOf, searchTextOf } from "../event-filter.ts";
import { Filters } from "../parts/event-filters.tsx";
import { EventList } from "../parts/event-list.tsx";
import { BARS, Histogram } from "../parts/histogram.tsx";
import { answerPage } from "../parts/layout.tsx";
import { queryOf } from "../query.ts";
import { eventsPageSchema } from "../schemas.ts";

const PAGE_ROWS = 100;

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
          <span>
            Export: <a href={exportLink(query, "ndjson")}>NDJSON</a>, <a href={exportLink(query, "csv")}>CSV</a>
          </span>
          {isAdmin(c) && <RuleLink q={searchTextOf(query, config)} />}
        </div>
        <EventList events={events} timeZone={timeZone} linkOf={linksOf(query, config)} hasServices />
        <p class="empty" data-no-events="" hidden={events.length > 0}>
          No events.
        </p>
        <Pages query={query} events={events} nextId={page.nextId} />
      </>
    ),
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

/** All events that are searched for, as a file. */
function exportLink({ before: _, after: __, live: ___, ...query }: EventQuery, format: string): string {
  return `/gui/events/export${queryOf({ ...query, format })}`;
}

/** Leads to a rule that tells of what is searched for. */
function RuleLink({ q }: { q: string }) {
  return q === "" ? null : <a href={`/gui/rules${queryOf({ q })}#form`}>Rule from this search</a>;
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
