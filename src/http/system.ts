import { sql } from "drizzle-orm";
import type { Hono } from "hono";
import { version } from "../../package.json";
import { configOf } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { toSeconds } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { openDatabase } from "../storage/database.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { dateWriter } from "./dates.ts";
import { DATABASE_UNREACHABLE } from "./errors.ts";
import { parseFields, readQuery } from "./fields.ts";
import { route } from "./route.ts";
import { helloSchema } from "./schemas.ts";

/** What says something about watchTower itself. */
export function systemRoutes(app: Hono<AppEnv>): void {
  route(app, "/hello", { GET: getHello });
  route(app, "/health", { GET: getHealth });
  route(app, "/pings", { GET: (c) => c.json({ result: 200, pings: [] }) });
}

function getHello(c: AppContext): Response {
  const { humanDates } = parseFields(helloSchema, readQuery(c.req.url));
  const config = configOf(c.env);
  return c.json({
    result: 200,
    world: dateWriter(humanDates, config)(toSeconds(Date.now())),
    version,
    eventsPresets: config.eventsPresets,
    ...(config.problems.length > 0 ? { warnings: config.problems } : {}),
  });
}

async function getHealth(c: AppContext): Promise<Response> {
  try {
    await openDatabase(c.env.DB).get(sql`select 1`);
  } catch (error) {
    log("error", "health.failed", { error: errorText(error) });
    throw new AppError("unavailable", DATABASE_UNREACHABLE, { "Retry-After": "10" });
  }
  return c.json({ result: 200 });
}
