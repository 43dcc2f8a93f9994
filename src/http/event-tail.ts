import type { Hono } from "hono";
import { configOf } from "../config.ts";
import type { Event, EventFilter } from "../domain/event.ts";
import { openDatabase } from "../storage/database.ts";
import { readerOfTail } from "../storage/event-tail.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { dateWriter } from "./dates.ts";
import { eventFilterOf } from "./event-filter.ts";
import { LATEST_SECONDS, parseFields, readQuery } from "./fields.ts";
import { route } from "./route.ts";
import { tailSchema } from "./schemas.ts";
import { shownEvent } from "./shown-event.ts";
import { TAIL_LIMITS, Tail, type TailLimits } from "./tail.ts";

const ALL_DATES = { fromSeconds: 0, toSeconds: LATEST_SECONDS };

/** The live tail: events as they come. */
export function tailRoutes(app: Hono<AppEnv>): void {
  route(app, "/events/tail", { GET: getTail });
}

/** Answers with events as they come, from now on, or from where an earlier answer ended. */
function getTail(c: AppContext): Response {
  const given = readQuery(c.req.url);
  // A browser says by itself where it was, and then in the header: that is the later of the two.
  const lastEventId = c.req.header("last-event-id") || given.lastEventId;
  const query = parseFields(tailSchema, lastEventId === undefined ? given : { ...given, lastEventId });
  const config = configOf(c.env);
  const writeDate = dateWriter(query.humanDates, config);
  const filter = eventFilterOf(query, given, ALL_DATES);
  const show = (event: Event) => shownEvent(event, writeDate);
  return answerTail(c, filter, show, TAIL_LIMITS[config.plan], query.lastEventId);
}

/**
 * Answers with events as they come.
 * @param afterId where an earlier answer ended; undefined to begin with what comes now
 */
export function answerTail(
  c: AppContext,
  filter: EventFilter,
  show: (event: Event) => object,
  limits: TailLimits,
  afterId: string | undefined,
): Response {
  const tail = new Tail(readerOfTail(openDatabase(c.env.DB), filter), show, limits, afterId);
  c.header("content-type", "text/event-stream");
  // Who transforms it, by compressing it, holds it back.
  c.header("cache-control", "no-store, no-transform");
  c.header("x-accel-buffering", "no");
  return c.body(tail.stream());
}
