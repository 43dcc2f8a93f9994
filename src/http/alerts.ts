import type { Hono } from "hono";
import { configOf } from "../config.ts";
import { type AlertRow, listAlerts } from "../storage/alert-log.ts";
import { openDatabase } from "../storage/database.ts";
import { handOver, readPage } from "./bulk.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { type DateWriter, dateWriter } from "./dates.ts";
import { LATEST_SECONDS, parseFields, readQuery } from "./fields.ts";
import { nextOf, positionOf } from "./paging.ts";
import { route } from "./route.ts";
import { alertsSchema } from "./schemas.ts";
import { seenAlert } from "./sight.ts";

const ALL_DATES = { fromSeconds: 0, toSeconds: LATEST_SECONDS };

/** The delivery log: who was told what, and what came of it. */
export function alertRoutes(app: Hono<AppEnv>): void {
  route(app, "/alerts", { GET: getAlerts });
}

async function getAlerts(c: AppContext): Promise<Response> {
  const { service, state, limit, humanDates, ...query } = parseFields(alertsSchema, readQuery(c.req.url));
  const { beforeId, ...range } = positionOf(query, ALL_DATES);
  const db = openDatabase(c.env.DB);
  const filter = { ...range, service, state };
  const page = await readPage(c, { limit, beforeId }, (request) => listAlerts(db, filter, request));
  if (!page) return handOver(c);
  const writeDate = dateWriter(humanDates, configOf(c.env));
  return c.json({
    result: 200,
    alerts: page.rows.map((row) => shownAlert(seenAlert(c, row), writeDate)),
    ...nextOf(range, page.nextId),
  });
}

/** An alert as the wire has it. */
function shownAlert({ date, nextAttempt, ...row }: AlertRow, writeDate: DateWriter) {
  return { ...row, date: writeDate(date), nextAttempt: nextAttempt === null ? null : writeDate(nextAttempt) };
}
