import type { MiddlewareHandler } from "hono";
import { Hono } from "hono/tiny";
import type { Env } from "./config.ts";
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
import { heartbeatRoutes, isBrowserVisit, postPulse } from "./http/heartbeats.ts";
import { keyRoutes } from "./http/keys.ts";
import { answerOtlpError, isOtlp, otlpRoutes } from "./http/otlp.ts";
import { ruleRoutes } from "./http/rules.ts";
import { systemRoutes } from "./http/system.ts";
import { transferRoutes } from "./http/transfer.ts";

/** The web interface has a login of its own, and speaks to people. */
const isGui = (c: AppContext) => /^\/gui(\/|$)/.test(c.req.path);

/** What every request goes through, in this order. */
const CHECKS: MiddlewareHandler<AppEnv>[] = [
  // In the web interface the secret does travel in a cookie.
  (c, next) => (isGui(c) ? next() : allowAnyOrigin(c, next)),
  requireConfiguration,
  requirePassword((c) => c.req.path === "/health" || isGui(c) || isBrowserVisit(c)),
  restWhenSpent,
];

/** The paths of a pulse, in an address. */
const PULSE_URL = /^https?:\/\/[^/]+\/(heartbeat)?$/;

/** Answers requests. */
export interface App {
  fetch(request: Request, env: Env, ctx?: ExecutionContext): Response | Promise<Response>;
}

/** Builds the app. What is wrong is said in this order: not configured, password, route, method, body. */
export function createApp(): App {
  const app = createRoutes();
  const pulses = createPulseApp();
  return {
    fetch(request, env, ctx) {
      const isPulse = request.method === "POST" && PULSE_URL.test(request.url);
      return isPulse ? pulses.fetch(request, env, ctx) : app.fetch(request, env, ctx);
    },
  };
}

/**
 * Pulses alone, which are almost all that comes: one handler goes through the checks itself. For Hono to look through
 * all routes, and to pass the request on from check to check, takes a quarter of a pulse's CPU time. Without this app the
 * other one would answer the same.
 */
function createPulseApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const goOn = async () => {};
  app.onError(answerError);
  app.on("POST", ["/", "/heartbeat"], async (c) => {
    for (const check of CHECKS) await check(c, goOn);
    return postPulse(c);
  });
  return app;
}

/** All routes. */
export function createRoutes(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const answer = (error: unknown, c: AppContext) =>
    (isGui(c) ? answerErrorPage : isOtlp(c) ? answerOtlpError : answerError)(error, c);
  app.onError(answer);
  app.notFound((c) =>
    answer(new AppError("not_found", isGui(c) ? "There is no such page." : "There is no such route."), c),
  );

  for (const check of CHECKS) app.use(check);

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
