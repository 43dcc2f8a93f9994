import type { Hono } from "hono";
import { AppError } from "../domain/errors.ts";
import type { AppContext, AppEnv } from "./context.ts";

type Method = "GET" | "POST" | "PUT" | "DELETE";
type Handler = (c: AppContext) => Promise<Response> | Response;

/** Registers a path with its methods; every other method is refused with a 405 that names those. */
export function route(app: Hono<AppEnv>, path: string, handlers: Partial<Record<Method, Handler>>): void {
  const methods = Object.keys(handlers) as Method[];
  for (const method of methods) app.on(method, path, handlers[method] as Handler);
  const allowed = [...methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"].join(
    ", ",
  );
  app.all(path, (c) => {
    // Other sites are answered before this where they may call at all.
    if (c.req.method === "OPTIONS") return c.body(null, 204, { Allow: allowed });
    throw new AppError("method_not_allowed", `This path takes ${allowed}.`, { Allow: allowed });
  });
}
