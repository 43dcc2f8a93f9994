import type { Hono } from "hono";
import { configOf } from "../config.ts";
import type { Event, EventFilter } from "../domain/event.ts";
import { CLOCK_SLACK_SECONDS } from "../domain/limits.ts";
import { toSeconds } from "../domain/time.ts";
import { storeEvents } from "../monitor/event-store.ts";
import { openDatabase } from "../storage/database.ts";
import { listEvents } from "../storage/event-log.ts";
import { readFields } from "./body.ts";
import { handOver, readPage } from "./bulk.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { dateWriter } from "./dates.ts";
import { addEvents } from "./event-batch.ts";
import { alertWarnings } from "./event-warnings.ts";
import { parseFields, readQuery } from "./fields.ts";
import { readEvents } from "./new-events.ts";
import { nextOf, positionOf } from "./paging.ts";
import { route } from "./route.ts";
import { eventsSchema } from "./schemas.ts";
import { shownEvent } from "./shown-event.ts";

/** `from` defaults to a day ago, in seconds; `to` to the latest date that an event may have. */
const DEFAULT_RANGE_SECONDS = 86_400;

const RANGE_HINT = "from must not be after to; from is 24 hours ago where it is not given, to 10 minutes from now.";

/** Adding and listing events, in both spellings. */
export function eventRoutes(app: Hono<AppEnv>): void {
  route(app, "/event", { POST: addEvent });
  route(app, "/add-event", { POST: addEvent });
  route(app, "/events", { GET: getEvents, POST: addEvents });
  route(app, "/list-events", { GET: getEvents });
}

async function addEvent(c: AppContext): Promise<Response> {
  const { events, refused: wrong, givenIds } = readEvents([await readFields(c.req.raw)], Date.now());
  const { refused, isQueued } = wrong.size > 0 ? { refused: wrong } : await storeEvents(c.env, events, givenIds);
  const [refusal] = refused.values();
  if (refusal) throw refusal;
  const [{ id, alert }] = events as [Event];
  const warnings = alert ? alertWarnings(configOf(c.env)) : [];
  return c.json({
    result: 200,
    id,
    ...(isQueued ? { queued: true } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  });
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
