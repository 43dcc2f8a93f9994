import type { Hono } from "hono";
import { configOf } from "../config.ts";
import { dateMs, type Event, type EventFilter } from "../domain/event.ts";
import { toSeconds } from "../domain/time.ts";
import { ulid } from "../domain/ulid.ts";
import { storeEvents } from "../monitor/event-store.ts";
import { warnOfTarget } from "../providers/index.ts";
import { openDatabase } from "../storage/database.ts";
import { listEvents } from "../storage/event-log.ts";
import { readFields } from "./body.ts";
import { handOver, readPage } from "./bulk.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { type DateWriter, dateWriter } from "./dates.ts";
import { parseFields, readQuery } from "./fields.ts";
import { nextOf, positionOf } from "./paging.ts";
import { route } from "./route.ts";
import { eventSchema, eventsSchema } from "./schemas.ts";

/** `from` defaults to a day ago, in seconds. */
const DEFAULT_RANGE_SECONDS = 86_400;
/** `to` defaults to ten minutes from now, in seconds, since clocks differ. */
const CLOCK_SLACK_SECONDS = 600;

const RANGE_HINT = "from must not be after to; from is 24 hours ago where it is not given, to 10 minutes from now.";

/** Adding and listing events, in both spellings. */
export function eventRoutes(app: Hono<AppEnv>): void {
  route(app, "/event", { POST: addEvent });
  route(app, "/add-event", { POST: addEvent });
  route(app, "/events", { GET: getEvents });
  route(app, "/list-events", { GET: getEvents });
}

async function addEvent(c: AppContext): Promise<Response> {
  const said = parseFields(eventSchema, await readFields(c.req.raw));
  const event: Event = { id: ulid(Date.now()), ...said };
  const { refused, isQueued } = await storeEvents(c.env, [event]);
  const [refusal] = refused.values();
  if (refusal) throw refusal;
  if (!event.alert) return c.json({ result: 200, id: event.id, ...(isQueued ? { queued: true } : {}) });
  const config = configOf(c.env);
  const warnings = config.defaultTarget
    ? warnOfTarget(config.defaultTarget, config)
    : ["No default alert is configured, so nobody is alerted of this event."];
  return c.json({ result: 200, id: event.id, ...(warnings.length > 0 ? { warnings } : {}) });
}

async function getEvents(c: AppContext): Promise<Response> {
  const query = parseFields(eventsSchema, readQuery(c.req.url));
  const now = toSeconds(Date.now());
  const defaults = { fromSeconds: now - DEFAULT_RANGE_SECONDS, toSeconds: now + CLOCK_SLACK_SECONDS };
  const { beforeId, ...range } = positionOf(query, defaults, RANGE_HINT);
  const filter: EventFilter = range;
  if (query.service !== undefined) filter.service = query.service;
  if (query.level !== undefined) filter.level = query.level;
  if (query.message !== undefined) filter.message = query.message;
  const db = openDatabase(c.env.DB);
  const page = await readPage(c, { limit: query.limit, beforeId }, (request) => listEvents(db, filter, request));
  if (!page) return handOver(c);
  const writeDate = dateWriter(query.humanDates, configOf(c.env));
  return c.json({
    result: 200,
    events: page.rows.map((event) => shownEvent(event, writeDate)),
    ...nextOf(range, page.nextId),
  });
}

/** An event as the wire has it. */
function shownEvent(event: Event, writeDate: DateWriter) {
  const { id, service, message, alert } = event;
  return { id, date: writeDate(toSeconds(dateMs(event))), level: event.level, message, service, alert };
}
