import type { Hono } from "hono";
import { configOf } from "../config.ts";
import type { Event } from "../domain/event.ts";
import { toSeconds } from "../domain/time.ts";
import { storeEvents } from "../monitor/event-store.ts";
import { openDatabase } from "../storage/database.ts";
import { listEvents } from "../storage/event-log.ts";
import { readFields } from "./body.ts";
import { handOver, readPage } from "./bulk.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { dateWriter } from "./dates.ts";
import { addEvents } from "./event-batch.ts";
import { getEventExport } from "./event-export.ts";
import { eventFilterOf } from "./event-filter.ts";
import { getEventStats } from "./event-stats.ts";
import { alertWarnings } from "./event-warnings.ts";
import { parseFields, readQuery } from "./fields.ts";
import { readEvents } from "./new-events.ts";
import { lastDay, nextOf, positionOf, RANGE_HINT } from "./paging.ts";
import { route } from "./route.ts";
import { eventsSchema } from "./schemas.ts";
import { shownEvent } from "./shown-event.ts";

/** Adding and listing events, in both spellings. */
export function eventRoutes(app: Hono<AppEnv>): void {
  route(app, "/event", { POST: addEvent });
  route(app, "/add-event", { POST: addEvent });
  route(app, "/events", { GET: getEvents, POST: addEvents });
  route(app, "/list-events", { GET: getEvents });
  route(app, "/events/stats", { GET: getEventStats });
  route(app, "/events/export", { GET: getEventExport });
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
  const given = readQuery(c.req.url);
  const query = parseFields(eventsSchema, given);
  const { beforeId, ...range } = positionOf(query, lastDay(toSeconds(Date.now())), RANGE_HINT);
  const filter = eventFilterOf(query, given, range);
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
