import { Hono } from "hono/tiny";
import { AppError } from "./domain/errors.ts";
import { answerErrorPage } from "./gui/pages/error.tsx";
import { guiRoutes } from "./gui/routes.ts";
import { alertRoutes } from "./http/alerts.ts";
import { requireConfiguration, requirePassword } from "./http/auth.ts";
import { restWhenSpent } from "./http/budget.ts";
import type { AppContext, AppEnv } from "./http/context.ts";
import { allowAnyOrigin } from "./http/cors.ts";
import { answerError } from "./http/errors.ts";
import { tailRoutes } from "./http/event-tail.ts";
import { eventRoutes } from "./http/events.ts";
import { heartbeatRoutes, isBrowserVisit } from "./http/heartbeats.ts";
import { keyRoutes } from "./http/keys.ts";
import { answerOtlpError, isOtlp, otlpRoutes } from "./http/otlp.ts";
import { ruleRoutes } from "./http/rules.ts";
import { systemRoutes } from "./http/system.ts";
import { transferRoutes } from "./http/transfer.ts";

/** The web interface has a login of its own, and speaks to people. */
const isGui = (c: AppContext) => /^\/gui(\/|$)/.test(c.req.path);

/** Builds the app. What is wrong is said in this order: not configured, password, route, method, body. */
export function createApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const answer = (error: unknown, c: AppContext) =>
    (isGui(c) ? answerErrorPage : isOtlp(c) ? answerOtlpError : answerError)(error, c);
  app.onError(answer);
  app.notFound((c) =>
    answer(new AppError("not_found", isGui(c) ? "There is no such page." : "There is no such route."), c),
  );

  // In the web interface the secret does travel in a cookie.
  app.use((c, next) => (isGui(c) ? next() : allowAnyOrigin(c, next)));
  app.use(requireConfiguration);
  app.use(requirePassword((c) => c.req.path === "/health" || isGui(c) || isBrowserVisit(c)));

  app.use(restWhenSpent);

  heartbeatRoutes(app);
  eventRoutes(app);
  tailRoutes(app);
  otlpRoutes(app);
  alertRoutes(app);
  ruleRoutes(app);
  keyRoutes(app);
  systemRoutes(app);
  transferRoutes(app);
  guiRoutes(app);
  return app;
}
