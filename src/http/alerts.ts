import type { Hono } from "hono";
import * as z from "zod/mini";
import { configOf } from "../config.ts";
import type { DeliveryState } from "../domain/alert.ts";
import { type AlertRow, listAlerts } from "../storage/alert-log.ts";
import { openDatabase } from "../storage/database.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { type DateWriter, dateWriter } from "./dates.ts";
import { humanDates, LATEST_SECONDS, parseFields, readQuery } from "./fields.ts";
import { nextOf, pagingFields, positionOf } from "./paging.ts";
import { route } from "./route.ts";

const DEFAULT_LIMIT = 100;
const ALL_DATES = { fromSeconds: 0, toSeconds: LATEST_SECONDS };
const STATES = ["pending", "delivered", "failed", "dropped"] as const satisfies DeliveryState[];

const listSchema = z.object({
  ...pagingFields(DEFAULT_LIMIT),
  state: z.optional(z.literal(STATES, `state must be one of ${STATES.join(", ")}.`)),
  humanDates,
});

/** The delivery log: who was told what, and what came of it. */
export function alertRoutes(app: Hono<AppEnv>): void {
  route(app, "/alerts", { GET: getAlerts });
}

async function getAlerts(c: AppContext): Promise<Response> {
  const { service, state, limit, humanDates, ...query } = parseFields(listSchema, readQuery(c.req.url));
  const { beforeId, ...range } = positionOf(query, ALL_DATES);
  const page = await listAlerts(openDatabase(c.env.DB), { ...range, service, state }, { limit, beforeId });
  const writeDate = dateWriter(humanDates, configOf(c.env));
  return c.json({
    result: 200,
    alerts: page.rows.map((row) => shownAlert(row, writeDate)),
    ...nextOf(range, page.nextId),
  });
}

/** An alert as the wire has it. */
function shownAlert({ date, nextAttempt, ...row }: AlertRow, writeDate: DateWriter) {
  return { ...row, date: writeDate(date), nextAttempt: nextAttempt === null ? null : writeDate(nextAttempt) };
}
