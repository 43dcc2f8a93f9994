import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundleWorker } from "../scripts/local/bundle.ts";
import { applyMigrations } from "../scripts/local/migrations.ts";
import { type Runtime, startRuntime } from "../scripts/local/runtime.ts";
import { readWorkerConfig } from "../scripts/local/wrangler-config.ts";
import { sendPulses, type Throughput } from "./load.ts";

const ROOT = resolve(import.meta.dirname, "..");
const FLOOR = join(import.meta.dirname, "floor");
const PASSWORD = "bench";
const ROUNDS = 5;
const ROUND_MS = 4_000;
const WARM_UP_MS = 1_500;
const SERVICES = 200;
const CONNECTIONS = 16;

const variables = {
  PASSWORD,
  DEFAULT_ALERT_TYPE: "webhook",
  DEFAULT_ALERT_TARGET: "http://127.0.0.1:9/unused",
  ALLOW_PRIVATE_WEBHOOKS: "true",
};

async function startWorker(root: string, stateDir: string): Promise<Runtime> {
  const config = readWorkerConfig(root);
  const script = await bundleWorker(config.main);
  if (root === ROOT) await applyMigrations(config, stateDir);
  return startRuntime({ config, script, variables }, { host: "127.0.0.1", port: 0, stateDir });
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Steady pulses of the product against the platform's floor, alternating in one run. */
async function benchPulses(dir: string): Promise<void> {
  const runtimes = {
    floor: await startWorker(FLOOR, join(dir, "floor")),
    product: await startWorker(ROOT, join(dir, "product")),
  };
  const results: Record<keyof typeof runtimes, Throughput[]> = { floor: [], product: [] };
  const load = (name: keyof typeof runtimes, durationMs: number) =>
    sendPulses({
      url: new URL("/", runtimes[name].url),
      headers: { password: PASSWORD },
      services: SERVICES,
      connections: CONNECTIONS,
      durationMs,
    });
  try {
    for (const name of ["floor", "product"] as const) await load(name, WARM_UP_MS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of ["floor", "product"] as const) results[name].push(await load(name, ROUND_MS));
    }
  } finally {
    for (const { miniflare } of Object.values(runtimes)) await miniflare.dispose();
  }
  for (const name of ["floor", "product"] as const) {
    const of = (key: keyof Throughput) => median(results[name].map((result) => result[key]));
    console.log(
      `${name.padEnd(8)} ${of("pulsesPerSecond").toFixed(0).padStart(6)} pulses/s   p50 ${of("p50Ms").toFixed(1)} ms   p99 ${of("p99Ms").toFixed(1)} ms`,
    );
  }
  const ratios = results.product.map((result, i) => result.pulsesPerSecond / (results.floor[i]?.pulsesPerSecond ?? 0));
  console.log(
    `ratio    ${median(ratios).toFixed(2)} (median of ${ROUNDS} alternating rounds, ${SERVICES} services, ${CONNECTIONS} connections)`,
  );
}

const dir = await mkdtemp(join(tmpdir(), "watchtower-bench-"));
try {
  await benchPulses(dir);
} finally {
  await rm(dir, { recursive: true, force: true });
}
