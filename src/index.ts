import { createApp } from "./app.ts";
import { configOf, type Env } from "./config.ts";
import { errorText, log } from "./log.ts";
import { SENTINEL_NAME } from "./monitor/sentinel.ts";
import { spend, withMeter } from "./monitor/spending.ts";
import { prune } from "./retention.ts";

export { BulkReader } from "./bulk-reader.ts";
export { EventBuffer } from "./monitor/event-buffer.ts";
export { Messenger } from "./monitor/messenger.ts";
export { RuleMonitor } from "./monitor/rule-monitor.ts";
export { Sentinel } from "./monitor/sentinel.ts";
export { ServiceMonitor } from "./monitor/service-monitor.ts";

const app = createApp();

export default {
  fetch(request, env, ctx) {
    spend(env, { workerRequests: 1 });
    return app.fetch(request, withMeter(env), ctx);
  },
  async scheduled(controller, env) {
    // What goes wrong with one must not keep the other from being done.
    const [pruned, swept] = await Promise.allSettled([
      prune(withMeter(env), configOf(env), controller.scheduledTime),
      env.SENTINEL.getByName(SENTINEL_NAME).sweep(),
    ]);
    if (pruned.status === "rejected") log("error", "prune.failed", { error: errorText(pruned.reason) });
    if (swept.status === "rejected") log("error", "sweep.failed", { what: "sentinel", error: errorText(swept.reason) });
    const failed = [pruned, swept].find((job) => job.status === "rejected");
    if (failed) throw failed.reason;
  },
} satisfies ExportedHandler<Env>;
