import { randomBytes } from "node:crypto";
import type { Miniflare, WorkerOptions } from "miniflare";
import type { WorkerConfig } from "./wrangler-config.ts";

const SCRIPT = `export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== env.PATHNAME) return env.MAIN.fetch(request);
    const { outcome } = await env.MAIN.scheduled({ cron: await request.text(), scheduledTime: new Date() });
    return Response.json({ outcome });
  },
};`;

/** A path that nobody guesses: 256 random bits, others for each start. */
export function secretPath(): string {
  return `/${randomBytes(32).toString("hex")}`;
}

/**
 * A Worker that runs the main one's `scheduled` handler for who knows its path. Miniflare's own way to do that,
 * `getWorker().scheduled()`, holds up this whole process until workerd answers; when workerd waits meanwhile for this
 * process to read its log, which happens in a storm, both wait for ever (seen).
 */
export function cronWorker({ name, compatibilityDate }: WorkerConfig, path: string): WorkerOptions {
  return {
    config: {
      name: `${name}-cron`,
      compatibilityDate,
      // Lets a service binding call `scheduled`.
      compatibilityFlags: ["service_binding_extra_handlers"],
      manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents: SCRIPT } } },
      env: { MAIN: { type: "worker", worker: name }, PATHNAME: { type: "text", value: path } },
      triggers: [{ type: "fetch", pattern: `*${path}` }],
    },
  };
}

/** Runs the `scheduled` handler through that Worker; rejects where it fails. */
export async function runScheduled(miniflare: Miniflare, path: string, schedule: string): Promise<void> {
  const response = await miniflare.dispatchFetch(`http://cron${path}`, { method: "POST", body: schedule });
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  const { outcome } = (await response.json()) as { outcome: string };
  if (outcome !== "ok") throw new Error(`the handler ended with "${outcome}"`);
}
