import type { Hono } from "hono";
import { configOf } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { callMonitor } from "../monitor/call-monitor.ts";
import { readFields } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { parseFields } from "./fields.ts";
import { signKey } from "./pulse-key.ts";
import { route } from "./route.ts";
import { newKeySchema, revocationSchema } from "./schemas.ts";

/** Pulse keys: to give one out, and to take it away. */
export function keyRoutes(app: Hono<AppEnv>): void {
  route(app, "/key", { POST: postKey, DELETE: deleteKey });
}

async function postKey(c: AppContext): Promise<Response> {
  const { service, maxNextIn } = parseFields(newKeySchema, await readFields(c.req.raw));
  const { pulseKeySecret } = configOf(c.env);
  if (pulseKeySecret === undefined) {
    throw new AppError("not_configured", "There are no pulse keys here: the secret PULSE_KEY_SECRET is not set.");
  }
  const version = await callMonitor(c.env, service, (monitor) => monitor.issueKey(maxNextIn));
  return c.json({ result: 200, service, key: await signKey(pulseKeySecret, service, version), maxNextIn });
}

async function deleteKey(c: AppContext): Promise<Response> {
  const { service } = parseFields(revocationSchema, await readFields(c.req.raw));
  await callMonitor(c.env, service, (monitor) => monitor.revokeKey());
  return c.json({ result: 200, service });
}
