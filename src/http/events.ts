import type { Hono } from "hono";
import * as z from "zod/mini";
import { configOf } from "../config.ts";
import { dateMs, type Event, type EventFilter } from "../domain/event.ts";
import { DEFAULT_LEVEL } from "../domain/level.ts";
import { toSeconds } from "../domain/time.ts";
import { ulid } from "../domain/ulid.ts";
import { warnOfTarget } from "../providers/index.ts";
import { openDatabase } from "../storage/database.ts";
import { insertEvents, listEvents } from "../storage/event-log.ts";
import { readFields } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { type DateWriter, dateWriter } from "./dates.ts";
import { boolean, humanDates, level, parseFields, readQuery, serviceName, text } from "./fields.ts";
import { callMonitor } from "./monitors.ts";
import { nextOf, pagingFields, positionOf } from "./paging.ts";
import { route } from "./route.ts";

const MOST_MESSAGE_BYTES = 65_536;
const DEFAULT_LIMIT = 1_000;
/** `from` defaults to a day ago, in seconds. */
const DEFAULT_RANGE_SECONDS = 86_400;
/** `to` defaults to ten minutes from now, in seconds, since clocks differ. */
const CLOCK_SLACK_SECONDS = 600;

const MESSAGE_HINT = `message must be a string of 1 to ${MOST_MESSAGE_BYTES} bytes, without NUL characters.`;
const RANGE_HINT = "from must not be after to; from is 24 hours ago where it is not given, to 10 minutes from now.";

const eventSchema = z.object({
  service: serviceName,
  level: z._default(z.optional(level), DEFAULT_LEVEL),
  message: text(MESSAGE_HINT).check(
    z.refine((message: string) => {
      const bytes = new TextEncoder().encode(message).byteLength;
      return bytes >= 1 && bytes <= MOST_MESSAGE_BYTES;
    }, MESSAGE_HINT),
  ),
  alert: z._default(z.optional(boolean("alert must be true or false.")), false),
});

const listSchema = z.object({
  ...pagingFields(DEFAULT_LIMIT),
  level: z.optional(level),
  message: z.optional(text("message must be a string without NUL characters.")),
  humanDates,
});

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
  if (!event.alert) {
    await insertEvents(openDatabase(c.env.DB), [event]);
    return c.json({ result: 200, id: event.id });
  }
  // The service's object owes both, the row and the alert: so neither is lost when the other fails.
  await callMonitor(c.env, event.service, (monitor) => monitor.alert(event));
  const config = configOf(c.env);
  const warnings = config.defaultTarget
    ? warnOfTarget(config.defaultTarget, config)
    : ["No default alert is configured, so nobody is alerted of this event."];
  return c.json({ result: 200, id: event.id, ...(warnings.length > 0 ? { warnings } : {}) });
}

async function getEvents(c: AppContext): Promise<Response> {
  const query = parseFields(listSchema, readQuery(c.req.url));
  const now = toSeconds(Date.now());
  const defaults = { fromSeconds: now - DEFAULT_RANGE_SECONDS, toSeconds: now + CLOCK_SLACK_SECONDS };
  const { beforeId, ...range } = positionOf(query, defaults, RANGE_HINT);
  const filter: EventFilter = range;
  if (query.service !== undefined) filter.service = query.service;
  if (query.level !== undefined) filter.level = query.level;
  if (query.message !== undefined) filter.message = query.message;
  const page = await listEvents(openDatabase(c.env.DB), filter, { limit: query.limit, beforeId });
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
