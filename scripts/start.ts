import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bundleWorker } from "./local/bundle.ts";
import { startCron } from "./local/cron.ts";
import { offerFreezing } from "./local/freeze.ts";
import { startInbox } from "./local/inbox.ts";
import { watchLauncher } from "./local/launcher.ts";
import { applyMigrations } from "./local/migrations.ts";
import { makePassword } from "./local/password.ts";
import { checkAddress } from "./local/port.ts";
import { Refusal, runProgram } from "./local/refusal.ts";
import { checkRestored } from "./local/restore-marker.ts";
import { runScheduled, startRuntime } from "./local/runtime.ts";
import { hasProvider, readSettings, type WorkerVariables } from "./local/settings.ts";
import { lockState } from "./local/state-lock.ts";
import { welcomeText } from "./local/welcome.ts";
import { readWorkerConfig } from "./local/wrangler-config.ts";

const ROOT = resolve(import.meta.dirname, "..");

const STOP_TIMEOUT_MS = 2_000;
// A signal to the whole process group may end workerd before it is handled here.
const SIGNAL_DELAY_MS = 200;

/** Starts watchTower on this machine, and stops it when it is told to. */
async function start(): Promise<void> {
  // The watch goes on when nobody reads its output any more.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

  const { host, port, stateDir, devVarsFile, worker: given } = readSettings(ROOT, process.env);
  await checkAddress(host, port);
  const config = readWorkerConfig(ROOT);
  const script = await bundleWorker(config.main);

  checkRestored(stateDir);
  // Nothing was written so far.
  const lock = lockState(stateDir);
  if (lock === undefined) {
    throw new Refusal(
      `STATE_DIR ${stateDir} is in use by another watchTower. Stop that one, or choose another folder.`,
    );
  }
  // Miniflare's scratch files stay behind when it is killed: here the next start finds them.
  process.env.TMPDIR = emptyFolder(join(stateDir, "tmp"));
  const password = given.PASSWORD ?? makePassword(devVarsFile);
  for (const name of await applyMigrations(config, stateDir)) console.log(`Applied the migration ${name}`);

  const inbox = hasProvider(given) ? undefined : await startInbox(stateDir, console.log);
  const worker: WorkerVariables = {
    ...given,
    PASSWORD: password,
    ...(inbox && { DEFAULT_ALERT_TYPE: "webhook", DEFAULT_ALERT_TARGET: inbox.url }),
  };
  const runtime = await startRuntime({ config, script, variables: worker }, { host, port, stateDir });
  const { miniflare, url, ended } = runtime;
  const endFreezing = await offerFreezing(stateDir, runtime.pid);
  const cron = startCron(
    config.crons,
    (schedule) => runScheduled(miniflare, schedule),
    (schedule, error) => console.error(`The cron trigger "${schedule}" failed: ${error}`),
  );

  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    cron.stop();
    inbox?.close();
    endFreezing();
    // Requests under way are cut off: what was acknowledged is stored, and nothing else may be relied on.
    await Promise.race([miniflare.dispose(), delay(STOP_TIMEOUT_MS)]);
    lock?.release();
    process.exit(0);
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // Miniflare's own handlers would exit at once, with the code of a failure.
    process.removeAllListeners(signal);
    process.on(signal, stop);
  }
  watchLauncher(() => {
    console.error("watchTower stops, because the npm that started it is gone.");
    void stop();
  });
  void ended.then(async (reason) => {
    await delay(SIGNAL_DELAY_MS);
    if (stopping) return;
    console.error(`watchTower stops, because the Workers runtime ended unexpectedly (${reason}).`);
    process.exit(1);
  });

  const address = addressOf(host, port, url);
  console.log(welcomeText({ address, password, stateDir, inboxUrl: inbox?.url, worker }));
}

function emptyFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}

/** What to tell of an address. Miniflare's own is the local one: on another port, where the host is not the loopback. */
function addressOf(host: string, port: number, url: URL): string {
  if (port === 0 || Number(url.port || "80") === port) return url.origin;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

await runProgram(start);
