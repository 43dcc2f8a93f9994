import { type Config, configOf } from "../../config.ts";
import type { Event, EventFilter } from "../../domain/event.ts";
import { equalParts } from "../../domain/histogram.ts";
import { LEVEL_NAMES } from "../../domain/level.ts";
import { formatDate, formatDuration, SECOND_MS } from "../../domain/time.ts";
import { lowestUlid, ulidTimeMs } from "../../domain/ulid.ts";
import { handOver, readPage } from "../../http/bulk.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields, readQuery } from "../../http/fields.ts";
import { openDatabase } from "../../storage/database.ts";
import { countEvents } from "../../storage/event-counts.ts";
import { listEvents } from "../../storage/event-log.ts";
import { addressWith, type EventQuery, filterOf, RANGES } from "../event-filter.ts";
import { iso } from "../parts/elements.tsx";
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
        <Filters query={query} filter={filter} config={config} />
        <Histogram
          counts={counts}
          range={filter}
          countedFrom={countedFrom}
          timeZone={timeZone}
          linkOf={({ from, to }) => addressWith(query, { from: String(from), to: String(to), since: undefined })}
        />
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
        <EventList events={events} timeZone={timeZone} linkOf={linkTo(query)} hasServices />
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
  const props = { timeZone: config.timeZone, linkOf: linkTo(shown), hasServices: true };
  return c.json({
    after: lowestUlid(nowMs),
    next: page.nextId,
    rows: page.rows.map((event) => (<EventRow event={event} {...props} />).toString()),
  });
}

/** A click on a level or a service asks for those alone. */
function linkTo(query: EventQuery) {
  return (wanted: { level: number } | { service: string }) => addressWith(query, wanted);
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

function Filters({ query, filter, config }: { query: EventQuery; filter: EventFilter; config: Config }) {
  const { since, from, to, service, level, message, preset } = query;
  const zone = query.zone ?? config.timeZone;
  const isOwnRange = from !== undefined || to !== undefined;
  return (
    <search>
      <form class="filter fields" method="get" action="/gui/events" data-events-filter="">
        {config.eventsPresets.length > 0 && (
          <label>
            Preset
            <select name="preset">
              <option value="">none</option>
              {config.eventsPresets.map(({ name }) => (
                <option value={name} selected={name === preset}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          Since
          <select name="since">
            {isOwnRange && <option value="">as below</option>}
            {RANGES.map((range) => (
              <option value={range} selected={!isOwnRange && range === (since ?? 86_400)}>
                {formatDuration(range * SECOND_MS)}
              </option>
            ))}
          </select>
        </label>
        <label>
          Level
          <select name="level">
            <option value="">all</option>
            {LEVEL_NAMES.map((name, i) => (
              <option value={name} selected={i === level}>
                {name} and above
              </option>
            ))}
          </select>
        </label>
        <label>
          Service
          <input name="service" value={service ?? ""} />
        </label>
        <label class="wide">
          Message contains
          <input type="search" name="message" value={message ?? ""} />
        </label>
        <details class="range" open={isOwnRange}>
          <summary>From, to</summary>
          <Limit name="from" isGiven={from !== undefined} seconds={filter.fromSeconds} zone={zone} />
          <Limit name="to" isGiven={to !== undefined} seconds={filter.toSeconds} zone={zone} />
          <input type="hidden" name="zone" value={zone} data-zone-field="" />
        </details>
        {query.live !== undefined && <input type="hidden" name="live" value="1" />}
        <button type="submit" class="main">
          Filter
        </button>
        <a href="/gui/events">Reset</a>
      </form>
    </search>
  );
}

interface LimitProps {
  name: "from" | "to";
  isGiven: boolean;
  seconds: number;
  zone: string;
}

/** A limit of the range, as clocks in a zone show it; the browser's script turns it into the viewer's own. */
function Limit({ name, isGiven, seconds, zone }: LimitProps) {
  const value = isGiven ? formatDate(seconds * SECOND_MS, zone).replace(" ", "T") : "";
  return (
    <label>
      {name === "from" ? "From" : "To"}
      <input type="datetime-local" name={name} step="1" value={value} data-date={isGiven ? iso(seconds) : undefined} />
    </label>
  );
}
