import { createApp } from "./app.ts";
import { configOf, type Env } from "./config.ts";
import { errorText, log } from "./log.ts";
import { prune } from "./retention.ts";

export { BulkReader } from "./bulk-reader.ts";
export { ServiceMonitor } from "./monitor/service-monitor.ts";

const app = createApp();

export default {
  fetch: app.fetch,
  async scheduled(controller, env) {
    try {
      await prune(env, configOf(env), controller.scheduledTime);
    } catch (error) {
      log("error", "prune.failed", { error: errorText(error) });
      throw error;
    }
  },
} satisfies ExportedHandler<Env>;
