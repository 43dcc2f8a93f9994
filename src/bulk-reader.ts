import { DurableObject } from "cloudflare:workers";
import { createApp } from "./app.ts";
import type { Env } from "./config.ts";
import { spend, withMeter } from "./monitor/spending.ts";

const app = createApp();

/**
 * Answers what is too much for a request: on the free plan a Worker has 10 ms of CPU time for each, an object 30 s. It
 * keeps nothing.
 */
export class BulkReader extends DurableObject<Env> {
  // Here nothing is handed over any more.
  readonly #env: Env = { ...withMeter(this.env), BULK_READER: undefined };

  override fetch(request: Request): Response | Promise<Response> {
    spend(this.env, { objectRequests: 1 });
    return app.fetch(request, this.#env);
  }
}
