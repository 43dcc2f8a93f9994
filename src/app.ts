import { cors } from "hono/cors";
import { Hono } from "hono/tiny";
import { AppError } from "./domain/errors.ts";
import { guiRoutes } from "./gui/routes.tsx";
import { alertRoutes } from "./http/alerts.ts";
import { requireConfiguration, requirePassword } from "./http/auth.ts";
import type { AppEnv } from "./http/context.ts";
import { answerError } from "./http/errors.ts";
import { eventRoutes } from "./http/events.ts";
import { heartbeatRoutes, isBrowserVisit } from "./http/heartbeats.ts";
import { systemRoutes } from "./http/system.ts";

/** Builds the app. What is wrong is said in this order: not configured, password, route, method, body. */
export function createApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(answerError);
  app.notFound((c) => answerError(new AppError("not_found", "There is no such route."), c));

  // Any origin may call: the secret travels in a header, never in a cookie.
  app.use(cors({ origin: "*", allowMethods: ["GET", "HEAD", "POST", "DELETE"], maxAge: 86_400 }));
  app.use(requireConfiguration);
  app.use(requirePassword((c) => /^\/(health|gui|gui\/.*)$/.test(c.req.path) || isBrowserVisit(c)));

  heartbeatRoutes(app);
  eventRoutes(app);
  alertRoutes(app);
  systemRoutes(app);
  guiRoutes(app);
  return app;
}
