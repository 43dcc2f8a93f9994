import type { Context } from "hono";
import type { Env } from "../config.ts";
import type { Caller } from "../domain/caller.ts";

/** What Hono knows of our bindings, and of a request: who asks, unless the route is open to all. */
export type AppEnv = { Bindings: Env; Variables: { caller?: Caller } };

/** A request on its way through the app. */
export type AppContext = Context<AppEnv>;
