import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { tells, toldOf } from "./support/alerts.ts";
import { killGroup, waitUntilGone } from "./support/processes.ts";
import { type ProviderStub, startProviderStub } from "./support/provider-stub.ts";
import { runCommand, runToEnd, startWatchTower, type WatchTower } from "./support/watchtower.ts";

const ENV = { GRACE_SECONDS: "0", PASSWORD: "backup" };
const CHAINS = ["a", "b", "c", "d"];
/** The promises of a chain are so long, and a second longer each time: so each tells its number. */
const FIRST_PROMISE = 100;
/** So many services make a restore long enough to be cut off. */
const MANY = 300;

let folder: string;
let file: string;
let stub: ProviderStub;
let tower: WatchTower;
const restored: WatchTower[] = [];

/** What a chain was answered: it pulses and sends an event in turns, and goes on when the one before is acknowledged. */
interface Chain {
  pulses: { last: number }[];
  events: number;
}
const chains = new Map<string, Chain>();
/** What was acknowledged before the backup began. */
const before = new Map<string, { pulses: number; events: number }>();
let isOver = false;

const pulse = (service: string, nextIn: number, path = "/hook") =>
  tower.post("/", { service, nextIn, alertType: "webhook", alertTarget: `${stub.url}${path}` });

async function run(service: string): Promise<void> {
  const chain: Chain = { pulses: [], events: 0 };
  chains.set(service, chain);
  while (!isOver) {
    const answer = await pulse(service, FIRST_PROMISE + chain.pulses.length);
    if (answer.status !== 200) throw new Error(await answer.text());
    chain.pulses.push(((await answer.json()) as { heartBeat: { last: number } }).heartBeat);
    const stored = await tower.post("/event", { service, message: String(chain.events) });
    if (stored.status !== 200) throw new Error(await stored.text());
    chain.events++;
  }
}

async function untilTurns(count: number): Promise<void> {
  const done = () => [...chains.values()].every(({ events }) => events >= count);
  while (!done()) await turn();
}

const backup = (to: string) =>
  runToEnd(tower.project, ["npm", "run", "backup", "--", to], { STATE_DIR: tower.stateDir });
const restore = (from: string, stateDir: string) =>
  runToEnd(tower.project, ["npm", "run", "restore", "--", from], { STATE_DIR: stateDir });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "watchtower-backup-"));
  file = join(folder, "backup.tgz");
  stub = await startProviderStub();
  stub.answer("/owed", { status: 500 });
  tower = await startWatchTower({ env: ENV });
  await Promise.all(Array.from({ length: MANY }, (_, i) => pulse(`one of many ${i}`, 86_400)));
  await pulse("owed", 1, "/owed");
  await stub.waitFor(tells("owed", "dead"));
  const running = Promise.all(CHAINS.map(run));
  await Promise.race([untilTurns(5), running]);
  for (const [name, { pulses, events }] of chains) before.set(name, { pulses: pulses.length, events });
  const { code, output } = await backup(file);
  expect(output).toContain("watchTower stood still for");
  expect(code).toBe(0);
  const after = Math.max(...[...chains.values()].map(({ events }) => events));
  await Promise.race([untilTurns(after + 5), running]);
  isOver = true;
  await running;
});
afterAll(async () => {
  await tower.stop();
  await stub.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  for (const one of restored.splice(0)) await one.stop();
});

async function startRestored(stateDir: string): Promise<WatchTower> {
  const started = await startWatchTower({ env: ENV, stateDir, project: tower.project });
  restored.push(started);
  return started;
}

describe("a backup that is taken under load", () => {
  it("restores into what was at one moment: services, deadlines, events and undelivered alerts", async () => {
    const stateDir = join(folder, "restored");
    const { code, output } = await restore(file, stateDir);
    expect(output).toContain("Run npm start");
    expect(code).toBe(0);
    expect(existsSync(join(stateDir, "restoring"))).toBe(false);
    stub.answer("/owed", {});
    const told = toldOf(stub, "owed").length;
    const again = await startRestored(stateDir);
    for (const [service, { pulses }] of chains) {
      const one = await (await again.fetch(`/heartbeat/${service}`)).json();
      const { nextIn, last } = (one as { heartBeat: { nextIn: number; last: number } }).heartBeat;
      const stored = await (await again.fetch(`/events?service=${service}`)).json();
      const messages = (stored as { events: { message: string }[] }).events.map(({ message }) => message).reverse();
      const counted = nextIn - FIRST_PROMISE + 1;
      // Each event came after the pulse of its number, and before the next pulse.
      expect([counted, counted - 1]).toContain(messages.length);
      expect(messages).toEqual(messages.map((_, i) => String(i)));
      expect(counted).toBeGreaterThanOrEqual(before.get(service)?.pulses ?? Number.NaN);
      expect(messages.length).toBeGreaterThanOrEqual(before.get(service)?.events ?? Number.NaN);
      expect(counted).toBeLessThan(pulses.length);
      expect(last).toBe(pulses[counted - 1]?.last);
    }
    const { heartBeats } = (await (await again.fetch("/")).json()) as { heartBeats: unknown[] };
    expect(heartBeats).toHaveLength(MANY + CHAINS.length + 1);
    await stub.waitFor(tells("owed", "dead"), { count: told + 1, timeoutMs: 60_000 });
    await again.waitForOutput(/"event":"alert\.delivered","service":"owed"/);
    expect(new Set(toldOf(stub, "owed").map(({ id }) => id)).size).toBe(1);
  });

  it("can be read by nobody else", () => {
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
  });

  it("leaves nothing behind, and the service goes on", async () => {
    expect((await tower.fetch("/health")).status).toBe(200);
    expect((await pulse("afterwards", 600)).status).toBe(200);
    expect(existsSync(join(tower.stateDir, ".backup-copy"))).toBe(false);
    expect(existsSync(`${file}.partial`)).toBe(false);
  });

  it("does not overwrite another", async () => {
    const { code, output } = await backup(file);
    expect(output).toContain("exists already");
    expect(code).toBe(1);
  });
});

describe("the place of a backup", () => {
  it("may be a folder in STATE_DIR, where older ones stay", async () => {
    const backups = join(tower.stateDir, "backup");
    mkdirSync(backups);
    writeFileSync(join(backups, "older.tgz"), "older");
    const { code, output } = await backup(join(backups, "x.tgz"));
    expect(output).toContain("files");
    expect(code).toBe(0);
    expect(readdirSync(backups).sort()).toEqual(["older.tgz", "x.tgz"]);
    expect(readFileSync(join(backups, "older.tgz"), "utf8")).toBe("older");
  });

  it("is none of watchTower's own folders, also by a link, and none that is not there", async () => {
    const link = join(folder, "link");
    symlinkSync(join(tower.stateDir, "v3"), link);
    const places = ["v3", "v3/d1", "tmp"].map((own) => join(tower.stateDir, own, "x.tgz"));
    for (const place of [...places, join(link, "x.tgz"), join(tower.stateDir, ".backup-copy")]) {
      const { code, output } = await backup(place);
      expect(output).toContain(`${place} is inside`);
      expect(code).toBe(1);
      expect(existsSync(place)).toBe(false);
    }
    const missing = await backup(join(folder, "missing/x.tgz"));
    expect(missing.output).toContain("x.tgz can't be written: ENOENT");
    expect(missing.code).toBe(1);
  });

  it("is refused where a folder has the name under which it is written first, and that folder stays", async () => {
    const place = join(folder, "taken.tgz");
    mkdirSync(`${place}.partial`);
    writeFileSync(join(`${place}.partial`, "kept"), "");
    const { code, output } = await backup(place);
    expect(output).toContain("taken.tgz.partial is a folder");
    expect(code).toBe(1);
    expect(existsSync(join(`${place}.partial`, "kept"))).toBe(true);
  });
});

describe("a backup that is cut off", () => {
  it("lets the service go on, and leaves no file that looks like a backup", async () => {
    const target = join(folder, "cut-off.tgz");
    const cut = runCommand(tower.project.dir, ["npm", "run", "backup", "--", target], { STATE_DIR: tower.stateDir });
    // It stands still now: an answer that does not come shows it.
    const stopped = () => /^T/.test(stateOf(tower.process(/workerd/).pid));
    while (!stopped()) await turn();
    killGroup(cut.group);
    await waitUntilGone(cut.group);
    expect((await pulse("goes on", 600)).status).toBe(200);
    expect(existsSync(target)).toBe(false);
    // What it has left behind, the next one takes away.
    expect((await backup(target)).code).toBe(0);
    expect(existsSync(join(tower.stateDir, ".backup-copy"))).toBe(false);
  });

  it("by its user leaves nothing", async () => {
    const target = join(folder, "stopped.tgz");
    const cut = runCommand(tower.project.dir, ["node", "scripts/backup.ts", target], {
      STATE_DIR: tower.stateDir,
      PATH: `${join(tower.project.dir, "node_modules/.bin")}:${process.env.PATH}`,
    });
    while (!existsSync(join(tower.stateDir, ".backup-copy"))) await turn();
    process.kill(cut.group, "SIGTERM");
    expect(await cut.exited).toBe(130);
    for (const left of [join(tower.stateDir, ".backup-copy"), target, `${target}.partial`])
      expect(existsSync(left)).toBe(false);
    expect((await tower.fetch("/health")).status).toBe(200);
  });
});

/** The state of a process, as ps has it; T for stopped. */
function stateOf(pid: number): string {
  return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).trim();
}

describe("a restore", () => {
  it("that is cut off leaves an error and no half state, and can be run again", async () => {
    const stateDir = join(folder, "half");
    const cut = runCommand(tower.project.dir, ["npm", "run", "restore", "--", file], { STATE_DIR: stateDir });
    while (!existsSync(join(stateDir, "restoring", "v3"))) await turn();
    killGroup(cut.group);
    await waitUntilGone(cut.group);
    expect(existsSync(join(stateDir, "v3"))).toBe(false);
    const started = await runToEnd(tower.project, ["npm", "start"], { ...ENV, STATE_DIR: stateDir, PORT: "0" });
    expect(started.output).toContain("was cut off");
    expect(started.code).toBe(1);
    expect((await restore(file, stateDir)).code).toBe(0);
    const again = await startRestored(stateDir);
    expect((await again.fetch("/heartbeat/a")).status).toBe(200);
  });

  it("has also what was behind links, such as services on another disk", async () => {
    const stateDir = join(folder, "with links");
    expect((await restore(file, stateDir)).code).toBe(0);
    const resources = join(stateDir, "v3");
    renameSync(join(resources, "do"), join(folder, "other disk"));
    symlinkSync(join(folder, "other disk"), join(resources, "do"));
    const through = join(folder, "through links.tgz");
    const run = (...args: string[]) => runToEnd(tower.project, ["npm", "run", ...args], { STATE_DIR: stateDir });
    expect((await run("backup", "--", through)).code).toBe(0);
    const again = join(folder, "without links");
    expect((await restore(through, again)).code).toBe(0);
    const names = (of: string) => readdirSync(of, { recursive: true }).filter((name) => !String(name).endsWith("-shm"));
    expect(names(join(again, "v3/do")).sort()).toEqual(names(join(folder, "other disk")).sort());
  });

  it("refuses a folder that holds state, one that is in use, and what is no whole backup", async () => {
    const inUse = await restore(file, tower.stateDir);
    expect(inUse.output).toContain("is in use");
    expect(inUse.code).toBe(1);
    const stateDir = join(folder, "full");
    expect((await restore(file, stateDir)).code).toBe(0);
    const full = await restore(file, stateDir);
    expect(full.output).toContain("exists already");
    expect(full.code).toBe(1);
    const short = join(folder, "short.tgz");
    writeFileSync(short, readFileSync(file));
    truncateSync(short, statSync(file).size - 1_000);
    const empty = join(folder, "empty");
    const own = join(folder, "own/restoring/backup.tgz");
    mkdirSync(join(folder, "own/restoring"), { recursive: true });
    writeFileSync(own, readFileSync(file));
    const inside = await restore(own, join(folder, "own"));
    expect(inside.output).toContain("backup.tgz is inside");
    expect(inside.code).toBe(1);
    expect(existsSync(own)).toBe(true);
    for (const wrong of [short, join(tower.project.dir, "package.json"), join(folder, "missing.tgz")]) {
      const { code, output } = await restore(wrong, empty);
      expect(output).toMatch(/can't be unpacked|There is no/);
      expect(code).toBe(1);
      expect(existsSync(join(empty, "v3"))).toBe(false);
      expect(existsSync(join(empty, "restoring"))).toBe(false);
    }
  });
});
