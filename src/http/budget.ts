import type { MiddlewareHandler } from "hono";
import { AppError } from "../domain/errors.ts";
import { restSeconds } from "../monitor/spending.ts";
import type { AppEnv } from "./context.ts";

/** What only looks, and costs more than a look at one service. */
const LOOKS = /^\/($|heartbeats$|events$|events\/(stats|export)$|list-events$|alerts$|gui$|gui\/(?!login$))/;

/** What looks all the time. */
const TAILS = /^\/(events\/tail|gui\/events\/stream)$/;

/** Where the free plan's quota of a day is nearly used up, what only looks rests, so that pulses go on. */
export const restWhenSpent: MiddlewareHandler<AppEnv> = async (c, next) => {
  const isLook = c.req.method === "GET" || c.req.method === "HEAD";
  const what = TAILS.test(c.req.path) ? "tails" : LOOKS.test(c.req.path) ? "looks" : undefined;
  if (isLook && what) {
    const seconds = await restSeconds(c.env, what, Date.now());
    if (seconds > 0) {
      throw new AppError(
        "unavailable",
        "Today's quota of Cloudflare's free plan is nearly used up: lists and pages rest until midnight UTC, so that pulses go on.",
        { "Retry-After": String(seconds) },
      );
    }
  }
  await next();
};
