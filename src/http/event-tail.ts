import type { Hono } from "hono";
import { configOf } from "../config.ts";
import { openDatabase } from "../storage/database.ts";
import { readerOfTail } from "../storage/event-tail.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { dateWriter } from "./dates.ts";
import { eventFilterOf } from "./event-filter.ts";
import { LATEST_SECONDS, parseFields, readQuery } from "./fields.ts";
import { route } from "./route.ts";
import { tailSchema } from "./schemas.ts";
import { shownEvent } from "./shown-event.ts";
import { TAIL_LIMITS, Tail } from "./tail.ts";

const ALL_DATES = { fromSeconds: 0, toSeconds: LATEST_SECONDS };

/** The live tail: events as they come. */
export function tailRoutes(app: Hono<AppEnv>): void {
  route(app, "/events/tail", { GET: getTail });
}

/** Answers with events as they come, from now on, or from where an earlier answer ended. */
export function getTail(c: AppContext): Response {
  const given = readQuery(c.req.url);
  // A browser says by itself where it was, and then in the header: that is the later of the two.
  const lastEventId = c.req.header("last-event-id") || given.lastEventId;
  const query = parseFields(tailSchema, lastEventId === undefined ? given : { ...given, lastEventId });
  const config = configOf(c.env);
  const filter = eventFilterOf(query, given, ALL_DATES);
  const writeDate = dateWriter(query.humanDates, config);
  const tail = new Tail(
    readerOfTail(openDatabase(c.env.DB), filter),
    (event) => shownEvent(event, writeDate),
    TAIL_LIMITS[config.plan],
    query.lastEventId,
  );
  c.header("content-type", "text/event-stream");
  // Who transforms it, by compressing it, holds it back.
  c.header("cache-control", "no-store, no-transform");
  c.header("x-accel-buffering", "no");
  return c.body(tail.stream());
}
