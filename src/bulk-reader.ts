import { DurableObject } from "cloudflare:workers";
import { createApp } from "./app.ts";
import type { Env } from "./config.ts";
import { type ExportPage, type ExportRequest, makeExportPage } from "./http/event-export.ts";
import { errorText } from "./log.ts";
import { spend, withMeter } from "./monitor/spending.ts";

const app = createApp();

/**
 * Answers what is too much for a request: on the free plan a Worker has 10 ms of CPU time for each, an object 30 s. It
 * keeps nothing.
 */
export class BulkReader extends DurableObject<Env> {
  // Here nothing is handed over any more, but for the parts of an export.
  readonly #env: Env = { ...withMeter(this.env), BULK_READER: undefined, EXPORT_PAGES: this.env.BULK_READER };

  override fetch(request: Request): Response | Promise<Response> {
    spend(this.env, { objectRequests: 1 });
    return app.fetch(request, this.#env);
  }

  /** Makes one part of an export. */
  async exportPage(request: ExportRequest): Promise<ExportPage> {
    spend(this.env, { objectRequests: 1 });
    try {
      return await makeExportPage(this.#env, request);
    } catch (error) {
      // The platform logs what is thrown here: not what was searched for, which Drizzle's message repeats.
      throw new Error(errorText(error));
    }
  }
}
