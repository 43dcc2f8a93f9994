import { configOf } from "../config.ts";
import type { AppContext } from "../http/context.ts";

/** Where programs reach this watchTower. */
export function addressOf(c: AppContext): string {
  return configOf(c.env).publicUrl ?? new URL(c.req.url).origin;
}
