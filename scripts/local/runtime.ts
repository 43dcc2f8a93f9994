import { setTimeout as delay } from "node:timers/promises";
import { Miniflare, MiniflareCoreError, type WorkerOptions } from "miniflare";
import { assetPaths } from "./assets.ts";
import { cronWorker, runScheduled, secretPath } from "./cron-worker.ts";
import { resourcesDir } from "./d1-file.ts";
import { addressRefusal } from "./port.ts";
import { Refusal } from "./refusal.ts";
import { guardNextRuntime, type RuntimeGuard } from "./runtime-guard.ts";
import type { WorkerVariables } from "./settings.ts";
import type { Tls } from "./tls.ts";
import { makeVoice, type Voice } from "./voice.ts";
import type { Bindings, WorkerConfig } from "./wrangler-config.ts";

/** A Worker to run: its configuration, its code as one module, and its variables and secrets. */
export interface LocalWorker {
  config: WorkerConfig;
  script: string;
  variables?: WorkerVariables;
}

/** A Worker that runs. */
export interface Runtime {
  miniflare: Miniflare;
  url: URL;
  /** The process of workerd. */
  pid: number;
  /** Resolves when workerd ends, with what ended it. */
  ended: Promise<string>;
  /** Runs the Worker's `scheduled` handler for a schedule; rejects where it fails. */
  runScheduled(schedule: string): Promise<void>;
  /**
   * Ends it: no connection is taken from now on, and requests under way have a few seconds to be answered. What is
   * not answered then is cut off: what was acknowledged is stored, and nothing else may be relied on.
   */
  stop(): Promise<void>;
}

/** Where a Worker runs. */
export interface Place {
  host: string;
  port: number;
  stateDir: string;
  /** Without it, http. */
  tls?: Tls | undefined;
  /** Passes on what the Worker says; as it is by default. */
  voice?: Voice;
}

/** How long requests under way may take at a stop. Docker kills after ten seconds, of which Miniflare needs some, too. */
const FINISH_TIMEOUT_MS = 5_000;
const DISPOSE_TIMEOUT_MS = 2_000;

/**
 * What requests leave behind in workerd hangs on small JavaScript objects, and goes when V8 looks through its whole
 * heap. On a machine with much memory it would do that so seldom that hundreds of MB pile up before (measured); with a
 * heap that is taken for small at the beginning, it does it in time.
 */
const V8_FLAGS = "--initial-heap-size=10";
/** workerd's code was compiled beforehand without that flag, and is compiled anew at the start. */
const CACHE_COMPLAINT = "NOSENTRY per-isolate bootstrap compile cache failed its compatibility check";

/** Starts a Worker in workerd, on an address and a state folder, and waits until it listens. */
export async function startRuntime(
  { config, script, variables = {} }: LocalWorker,
  { host, port, stateDir, tls, voice = makeVoice("text") }: Place,
): Promise<Runtime> {
  const env: Bindings = { ...config.env };
  for (const [name, value] of Object.entries(variables)) env[name] = { type: "text", value };
  process.env.MINIFLARE_WORKERD_V8_FLAGS ??= V8_FLAGS;
  const guard = guardNextRuntime();
  const cronPath = secretPath();
  const miniflare = new Miniflare({
    host,
    port,
    ...(tls && { httpsKey: tls.key, httpsCert: tls.cert }),
    resourcePersistencePath: resourcesDir(stateDir),
    // Nothing leaves this machine: neither the look-up of a sample request.cf, nor telemetry. What is for development
    // stays off: the registry of other Workers on this machine, lines for requests, and what is off unless asked for,
    // the inspector (a port of its own), the explorer and the traces.
    cf: false,
    telemetry: { enabled: false },
    enableDevRegistry: false,
    logRequests: false,
    // `unsafeTriggerHandlers` stays off: it opens /cdn-cgi/handler/scheduled, which would run cron triggers for
    // whoever reaches the port, without a password.
    handleStructuredLogs: ({ level, message }) => {
      if (message.startsWith(CACHE_COMPLAINT)) return;
      voice.pass(level === "warn" || level === "error" ? level : "info", message);
    },
    workers: [
      {
        config: {
          name: config.name,
          compatibilityDate: config.compatibilityDate,
          compatibilityFlags: config.compatibilityFlags,
          manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents: script } } },
          env,
          exports: config.exports,
        },
      },
      ...(config.assetsDir ? [assetsWorker(config, config.assetsDir)] : []),
      cronWorker(config, cronPath),
    ],
  });
  try {
    const url = await miniflare.ready;
    const pid = await guard.pid;
    return {
      miniflare,
      url,
      pid,
      ended: guard.ended,
      runScheduled: (schedule) => runScheduled(miniflare, cronPath, schedule),
      stop: () => stopRuntime(miniflare, guard),
    };
  } catch (error) {
    await miniflare.dispose().catch(() => undefined);
    if (!(error instanceof MiniflareCoreError)) throw error;
    if (error.code === "ERR_ADDRESS_IN_USE") throw addressRefusal(host, port, "EADDRINUSE");
    // Its message repeats what the runtime printed, in JSON.
    if (error.code === "ERR_RUNTIME_FAILURE") throw new Refusal("The Worker can't be started, for the reason above.");
    throw new Refusal(`The Worker can't be started: ${error.message}`);
  }
}

async function stopRuntime(miniflare: Miniflare, guard: RuntimeGuard): Promise<void> {
  let disposal: Promise<void> | undefined;
  function dispose(): Promise<void> {
    disposal ??= miniflare.dispose().catch(() => undefined);
    return disposal;
  }
  // Miniflare starts a workerd that ended by itself anew, unless it was told before that this is the end.
  guard.finish(dispose);
  await Promise.race([guard.ended, delay(FINISH_TIMEOUT_MS)]);
  await Promise.race([dispose(), delay(DISPOSE_TIMEOUT_MS)]);
}

/** Passes on what is no asset after all: the patterns of the assets' paths match longer paths, too. */
const ASSETS_SCRIPT = `export default {
  async fetch(request, env) {
    const { url, method, headers } = request;
    const answer = await env.ASSETS.fetch(url, { method, headers, redirect: "manual" });
    return answer.status === 404 ? env.MAIN.fetch(request) : answer;
  },
};`;

/**
 * Serves the static assets by a Worker of its own, before the main one. Were they the main one's, as on Cloudflare, each
 * of its requests would make two more hops within the local runtime, and pulses would be a third slower (measured).
 */
function assetsWorker({ name, compatibilityDate }: WorkerConfig, directory: string): WorkerOptions {
  return {
    config: {
      name: `${name}-assets`,
      compatibilityDate,
      manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents: ASSETS_SCRIPT } } },
      env: { ASSETS: { type: "assets" }, MAIN: { type: "worker", worker: name } },
      triggers: assetPaths(directory).map((path) => ({ type: "fetch", pattern: `*${path}*` })),
      assets: { directory, hasUserWorker: true },
    },
  };
}
