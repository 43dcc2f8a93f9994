import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "../../../scripts/local/archive.ts";
import { bundleWorker } from "../../../scripts/local/bundle.ts";
import { tells } from "../support/alerts.ts";
import { startProviderStub } from "../support/provider-stub.ts";
import { startWatchTower } from "../support/watchtower.ts";
import { OWED_PATH, PROVIDER_PORT, RELEASE_ENV, type Written } from "./release.ts";

/*
 * Keeps what a release wrote, and the release's Worker, for the tests of all later ones. To be run once for each release,
 * on a checkout of it in which `npm ci` was run:
 *
 *   node test/system/releases/make.ts VERSION FOLDER-OF-THE-CHECKOUT
 */

const [version = "", given = ""] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+$/.test(version) || given === "") throw new Error("Usage: make.ts VERSION CHECKOUT");
const checkout = resolve(given);
const folder = join(import.meta.dirname, version);
const scratch = mkdtempSync(join(tmpdir(), "watchtower-release-"));
mkdirSync(folder, { recursive: true });

const stub = await startProviderStub(PROVIDER_PORT);
stub.answer(OWED_PATH, { status: 500 });
const project = { dir: checkout, write() {}, remove() {}, [Symbol.dispose]() {} };
const tower = await startWatchTower({ project, stateDir: join(scratch, "state"), env: RELEASE_ENV });
try {
  const target = (path: string) => ({ alertType: "webhook", alertTarget: `${stub.url}${path}` });
  const send = async (path: string, body: object, method = "POST") => {
    const answer = await tower.fetch(path, { method, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  const nextIn = 31_622_400;
  const further = [{ type: "mail", target: "team@example.com" }];
  await send("/", { service: "alive", nextIn, grace: 30, remindEvery: 3_600, alerts: further, ...target("/alive") });
  const pauseUntil = Math.floor(Date.now() / 1_000) + 29 * 86_400;
  await send("/", { service: "paused", nextIn, pauseUntil, ...target("/paused") });
  await send("/", { service: "cancelled", nextIn, ...target("/cancelled") });
  await send("/", { service: "cancelled" }, "DELETE");
  await send("/", { service: "device", nextIn, ...target("/device") });
  const { key } = await send("/key", { service: "device", maxNextIn: nextIn });
  await send("/", { service: "told", nextIn: 1, ...target("/told") });
  await send("/", { service: "owed", nextIn: 1, ...target(OWED_PATH) });
  for (let level = 0; level < 8; level++) await send("/event", { service: "teller", level, message: `level ${level}` });
  await stub.waitFor(tells("told", "dead"));
  await stub.waitFor(tells("owed", "dead"));
  await tower.waitForOutput(/"event":"alert\.retry","service":"owed"/);
  await tower.waitForOutput(/"event":"alert\.delivered","service":"told"/);

  const list = async (path: string, name: string) =>
    ((await (await tower.fetch(path)).json()) as Record<string, unknown[]>)[name] ?? [];
  const written = {
    madeAt: new Date().toISOString(),
    key: String(key),
    heartBeats: await list("/heartbeats", "heartBeats"),
    events: await list("/events", "events"),
    alerts: await list("/alerts", "alerts"),
  } as Written;
  await tower.kill();
  writeFileSync(join(folder, "written.json"), `${JSON.stringify(written, null, 2)}\n`);
  cpSync(join(tower.stateDir, "v3"), join(scratch, "packed", "v3"), { recursive: true });
  await pack(join(scratch, "packed"), join(folder, "state.tar.gz"), new Date());
  const script = await bundleWorker(join(checkout, "src/index.ts"));
  writeFileSync(join(folder, "worker.js.gz"), gzipSync(script, { level: 9 }));
  cpSync(join(checkout, "wrangler.toml"), join(folder, "wrangler.toml"));
} finally {
  await tower.stop();
  await stub.stop();
  rmSync(scratch, { recursive: true, force: true });
}
