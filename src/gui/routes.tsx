import type { Hono } from "hono";
import { configOf } from "../config.ts";
import { toSeconds } from "../domain/time.ts";
import { hasPassword } from "../http/auth.ts";
import { handOver, IN_A_REQUEST } from "../http/bulk.ts";
import type { AppContext, AppEnv } from "../http/context.ts";
import { listHeartbeats } from "../http/heartbeat-list.ts";
import { route } from "../http/route.ts";
import { openDatabase } from "../storage/database.ts";
import { listEvents } from "../storage/event-log.ts";
import { Overview } from "./overview.tsx";

const SHOWN_EVENTS = 20;
const EVENTS_RANGE_SECONDS = 86_400;

/** The web interface: for now one page, readable without a script; the browser itself asks for the password. */
export function guiRoutes(app: Hono<AppEnv>): void {
  route(app, "/gui", { GET: getOverview });
}

async function getOverview(c: AppContext): Promise<Response> {
  c.header("content-security-policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'");
  c.header("x-content-type-options", "nosniff");
  c.header("referrer-policy", "no-referrer");
  c.header("cache-control", "no-store");
  if (!(await hasPassword(c))) {
    c.header("www-authenticate", 'Basic realm="watchTower (any user name)", charset="UTF-8"');
    return c.html(<p>The password is needed: reload the page and enter it, with any user name.</p>, 401);
  }
  const nowMs = Date.now();
  const now = toSeconds(nowMs);
  const [services, events] = await Promise.all([
    listHeartbeats(c.env, nowMs, IN_A_REQUEST.shownServices),
    listEvents(
      openDatabase(c.env.DB),
      { fromSeconds: now - EVENTS_RANGE_SECONDS, toSeconds: now + 60 },
      { limit: SHOWN_EVENTS },
    ),
  ]);
  if (!services) return handOver(c);
  const { timeZone } = configOf(c.env);
  const page = <Overview services={services} events={events.rows} nowMs={nowMs} timeZone={timeZone} />;
  return c.html(`<!doctype html>${page}`);
}
