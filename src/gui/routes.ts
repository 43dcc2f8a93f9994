import type { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { route } from "../http/route.ts";
import { guarded, open } from "./gate.tsx";
import { getAlertsPage, postAlerts } from "./pages/alerts.tsx";
import { getExportOfPage } from "./pages/event-export.ts";
import { getEventStream, getNewEvents } from "./pages/event-news.tsx";
import { getEventsPage } from "./pages/events.tsx";
import { getLogin, postLogin, postLogout } from "./pages/login.tsx";
import { getOverview } from "./pages/overview.tsx";
import { getDead, getNames, getRefresh } from "./pages/refresh.tsx";
import { getRulesPage, postRules } from "./pages/rules.tsx";
import { getServicePage } from "./pages/service.tsx";
import { postServicePage } from "./pages/service-actions.ts";
import { getSetup, postSetup } from "./pages/setup.tsx";

/** The web interface: every page can be read and used without a script. */
export function guiRoutes(app: Hono<AppEnv>): void {
  route(app, "/gui/login", { GET: open(getLogin), POST: open(postLogin) });
  route(app, "/gui/logout", { POST: open(postLogout) });
  route(app, "/gui", { GET: guarded(getOverview) });
  route(app, "/gui/refresh", { GET: guarded(getRefresh) });
  route(app, "/gui/dead", { GET: guarded(getDead) });
  route(app, "/gui/names", { GET: guarded(getNames) });
  route(app, "/gui/services", { GET: guarded(getServicePage), POST: guarded(postServicePage) });
  // Not `.+`, which stops at the line separators that a name may hold.
  route(app, "/gui/services/:name{[^]+}", { GET: guarded(getServicePage), POST: guarded(postServicePage) });
  route(app, "/gui/events", { GET: guarded(getEventsPage) });
  route(app, "/gui/events/new", { GET: guarded(getNewEvents) });
  route(app, "/gui/events/stream", { GET: guarded(getEventStream) });
  route(app, "/gui/events/export", { GET: guarded(getExportOfPage) });
  route(app, "/gui/alerts", { GET: guarded(getAlertsPage), POST: guarded(postAlerts) });
  route(app, "/gui/rules", { GET: guarded(getRulesPage), POST: guarded(postRules) });
  route(app, "/gui/setup", { GET: guarded(getSetup), POST: guarded(postSetup) });
}
