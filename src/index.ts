import { createApp } from "./app.ts";
import { configOf, type Env } from "./config.ts";
import { prune } from "./retention.ts";

export { ServiceMonitor } from "./monitor/service-monitor.ts";

const app = createApp();

export default {
  fetch: app.fetch,
  async scheduled(controller, env) {
    await prune(env, configOf(env), controller.scheduledTime);
  },
} satisfies ExportedHandler<Env>;
