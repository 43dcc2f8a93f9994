import type { Context } from "hono";
import type { Env } from "../config.ts";

/** What Hono knows of our bindings. */
export type AppEnv = { Bindings: Env };

/** A request on its way through the app. */
export type AppContext = Context<AppEnv>;
