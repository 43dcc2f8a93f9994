import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { bundleWorker } from "./local/bundle.ts";
import { startCron } from "./local/cron.ts";
import { offerFreezing } from "./local/freeze.ts";
import { alertText, type InboxAlert, startInbox } from "./local/inbox.ts";
import { watchLauncher } from "./local/launcher.ts";
import { applyMigrations } from "./local/migrations.ts";
import { keepPassword } from "./local/password.ts";
import { checkAddress } from "./local/port.ts";
import { originOf, reachOf, removeReach, writeReach } from "./local/reach.ts";
import { Refusal, runProgram } from "./local/refusal.ts";
import { checkRestored } from "./local/restore-marker.ts";
import { startRuntime } from "./local/runtime.ts";
import { ownNames, selfSigned } from "./local/self-signed.ts";
import { hasProvider, readSettings, type Settings, type WorkerVariables } from "./local/settings.ts";
import { lockState } from "./local/state-lock.ts";
import { readTls, type Tls, watchCertificate } from "./local/tls.ts";
import { makeVoice } from "./local/voice.ts";
import { welcomeText } from "./local/welcome.ts";
import { readWorkerConfig } from "./local/wrangler-config.ts";

const ROOT = resolve(import.meta.dirname, "..");

// A signal to the whole process group may end workerd before it is handled here.
const SIGNAL_DELAY_MS = 200;

// For what is refused before all settings are read.
let voice = makeVoice(process.env.LOG_FORMAT === "json" ? "json" : "text");

/** Starts watchTower on this machine, and stops it when it is told to. */
async function start(): Promise<void> {
  // The watch goes on when nobody reads its output any more.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

  const isSelfSigned = readArguments();
  const settings = readSettings(ROOT, process.env);
  const { host, port, stateDir, devVarsFile, worker: given } = settings;
  voice = makeVoice(settings.logFormat);
  const givenTls = readGivenTls(settings, isSelfSigned);
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
  const kept = given.PASSWORD === undefined ? keepPassword(devVarsFile, stateDir) : undefined;
  const password = kept?.password ?? given.PASSWORD ?? "";
  const tls = isSelfSigned ? await takeSelfSigned(settings) : givenTls;
  for (const name of await applyMigrations(config, stateDir, voice)) {
    voice.say("info", "migration.applied", `Applied the migration ${name}`, { name });
  }

  const inbox = hasProvider(given) ? undefined : await startInbox(stateDir, sayAlert);
  const worker: WorkerVariables = {
    ...given,
    PASSWORD: password,
    ...(inbox && { DEFAULT_ALERT_TYPE: "webhook", DEFAULT_ALERT_TARGET: inbox.url }),
  };
  const runtime = await startRuntime({ config, script, variables: worker }, { host, port, stateDir, tls, voice });
  const endFreezing = await offerFreezing(stateDir, runtime.pid);
  const cron = startCron(
    config.crons,
    (schedule) => runtime.runScheduled(schedule),
    (schedule, error) => {
      voice.say("error", "cron.failed", `The cron trigger "${schedule}" failed: ${error}`, {
        schedule,
        error: String(error),
      });
    },
  );
  const certificate = tls && watchCertificate(tls, voice);

  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    removeReach(stateDir);
    cron.stop();
    certificate?.stop();
    // A runtime that stands still would not end.
    endFreezing();
    await runtime.stop();
    inbox?.close();
    lock?.release();
    process.exit(0);
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // Miniflare's own handlers would exit at once, with the code of a failure.
    process.removeAllListeners(signal);
    process.on(signal, () => {
      if (!stopping) voice.say("info", "tower.stopping", `watchTower stops (${signal}).`, { reason: signal });
      void stop();
    });
  }
  watchLauncher(() => {
    const text = "watchTower stops, because the npm that started it is gone.";
    voice.say("warn", "tower.stopping", text, { reason: "npm is gone" });
    void stop();
  });
  void runtime.ended.then(async (reason) => {
    await delay(SIGNAL_DELAY_MS);
    if (stopping) return;
    removeReach(stateDir);
    const text = `watchTower stops, because the Workers runtime ended unexpectedly (${reason}).`;
    voice.say("error", "runtime.ended", text, { reason });
    process.exit(1);
  });

  const reach = reachOf({ host, port }, runtime.url, tls);
  const version = readVersion();
  writeReach(stateDir, reach);
  voice.say(
    "info",
    "tower.started",
    welcomeText({ version, reach, password, stateDir, inboxUrl: inbox?.url, worker }),
    // Logs are kept and sent around: the password is not in them, but where it is kept.
    {
      version,
      address: originOf(reach),
      stateDir,
      passwordFile: kept?.file,
      certFile: tls?.certFile,
      inbox: inbox?.url,
    },
  );
}

/** Whether a self-signed certificate is asked for. */
function readArguments(): boolean {
  try {
    const { values } = parseArgs({ options: { "self-signed": { type: "boolean", default: false } } });
    return values["self-signed"];
  } catch (error) {
    throw new Refusal(`${(error as Error).message}\nUsage: npm start, or npm start -- --self-signed`);
  }
}

function readGivenTls({ tlsFiles }: Settings, isSelfSigned: boolean): Tls | undefined {
  if (tlsFiles === undefined) return undefined;
  if (isSelfSigned) throw new Refusal("--self-signed is for where TLS_KEY_FILE and TLS_CERT_FILE are not set.");
  return readTls(tlsFiles);
}

async function takeSelfSigned({ stateDir, host, worker }: Settings): Promise<Tls> {
  const { tls, made } = await selfSigned(stateDir, ownNames(host, worker.PUBLIC_URL));
  const until = new Date(tls.leaf.validTo).toISOString();
  const text = `Made the certificate ${tls.certFile}, valid until ${until.slice(0, 10)}: clients have to trust it.`;
  if (made) voice.say("info", "certificate.made", text, { certFile: tls.certFile, until });
  return tls;
}

function sayAlert(alert: InboxAlert): void {
  voice.say("info", "inbox.alert", alertText(alert), { ...alert });
}

function readVersion(): string {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version;
}

function emptyFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}

await runProgram(start, (reason) => voice.say("error", "tower.refused", reason, { reason }));
