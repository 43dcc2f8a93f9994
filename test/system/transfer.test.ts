import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { tells, toldOf } from "./support/alerts.ts";
import { killGroup, waitUntilGone } from "./support/processes.ts";
import { copyProject } from "./support/project.ts";
import { type ProviderStub, startProviderStub } from "./support/provider-stub.ts";
import { runCommand, runToEnd, startWatchTower, type WatchTower } from "./support/watchtower.ts";

const SECRET = "what the keys of the services that move are signed with";
const ENV = { GRACE_SECONDS: "0", PULSE_KEY_SECRET: SECRET };
/** More than fit into a page, or a request. */
const SERVICES = 450;
const EVENTS = 2_300;
/** JSON keeps it as it is, and some take it for the end of a line. */
const LINE_SEPARATOR = "one\u2028two";

let folder: string;
let file: string;
let stub: ProviderStub;
let from: WatchTower;
let to: WatchTower;
let key: string;

/** All that one can see of it. */
interface Seen {
  services: Record<string, unknown>[];
  events: unknown[];
}

async function listed(tower: WatchTower, path: string, name: string): Promise<Record<string, unknown>[]> {
  const answer = await tower.fetch(path);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as Record<string, Record<string, unknown>[]>)[name] ?? [];
}

async function seenOf(tower: WatchTower): Promise<Seen> {
  const services = await listed(tower, "/heartbeats", "heartBeats");
  return {
    services: services.map(({ asOf: _, ...service }) => service),
    events: await listed(tower, "/events?from=0&limit=10000", "events"),
  };
}

async function accepted(tower: WatchTower, path: string, body: object, method = "POST") {
  const answer = await tower.fetch(path, { method, body: JSON.stringify(body) });
  expect(answer.status, `${path}: ${await answer.clone().text()}`).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}

const reach = (tower: WatchTower) => ({ WATCHTOWER_URL: tower.baseUrl, WATCHTOWER_PASSWORD: tower.password });
const exportTo = (path: string, tower: WatchTower) =>
  runToEnd(tower.project, ["npm", "run", "export", "--", path], reach(tower));
const importInto = (tower: WatchTower, path: string) =>
  runToEnd(tower.project, ["npm", "run", "import", "--", path], reach(tower));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "watchtower-transfer-"));
  file = join(folder, "export.ndjson");
  stub = await startProviderStub();
  [from, to] = await Promise.all([
    startWatchTower({ env: { ...ENV, PASSWORD: "from" } }),
    startWatchTower({ env: { ...ENV, PASSWORD: "to" } }),
  ]);
  const target = { alertType: "webhook", alertTarget: `${stub.url}/hook` };
  const pulse = (body: object) => accepted(from, "/", { ...target, ...body });
  const pulses = Array.from({ length: SERVICES }, (_, i) => ({ service: `service ${i} / ü`, nextIn: 3_600 + i }));
  for (let i = 0; i < pulses.length; i += 50) await Promise.all(pulses.slice(i, i + 50).map(pulse));
  await pulse({
    service: "rich",
    nextIn: 7_200,
    grace: 60,
    remindEvery: 600,
    alerts: [{ type: "mail", target: "a@b.example" }],
  });
  await pulse({ service: "paused", nextIn: 7_200, pauseUntil: Math.floor(Date.now() / 1_000) + 86_400 });
  await pulse({ service: "cancelled", nextIn: 7_200 });
  await accepted(from, "/", { service: "cancelled" }, "DELETE");
  await pulse({ service: "device", nextIn: 7_200 });
  key = String((await accepted(from, "/key", { service: "device", maxNextIn: 7_200 })).key);
  await pulse({ service: "dead", nextIn: 1 });
  await stub.waitFor(tells("dead", "dead"));
  const say = (i: number) =>
    accepted(from, "/event", { service: "teller", level: i % 8, message: i === 0 ? LINE_SEPARATOR : `message ${i}` });
  for (let i = 0; i < EVENTS; i += 50) {
    await Promise.all(Array.from({ length: Math.min(50, EVENTS - i) }, (_, j) => say(i + j)));
  }
});
afterAll(async () => {
  await Promise.all([from.stop(), to.stop(), stub.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

describe("an export that is imported elsewhere", () => {
  it("loses and doubles no service, deadline or event, also when it is imported twice", async () => {
    const exported = await exportTo(file, from);
    expect(exported.output).toContain(`${SERVICES + 5} services`);
    expect(exported.code).toBe(0);
    const before = await seenOf(from);
    expect(before.services).toHaveLength(SERVICES + 5);
    const first = await importInto(to, file);
    expect(first.output).toMatch(/has taken (\d+) lines of \1; \1 of them were news/);
    expect(first.code).toBe(0);
    expect(await seenOf(to)).toEqual(before);
    const second = await importInto(to, file);
    expect(second.output).toMatch(/has taken (\d+) lines of \1; 0 of them were news/);
    expect(second.code).toBe(0);
    expect(await seenOf(to)).toEqual(before);
    // What was told is not told again, and the key of a device goes on.
    expect(toldOf(stub, "dead")).toHaveLength(1);
    const body = JSON.stringify({ service: "device", nextIn: 600 });
    expect((await fetch(to.baseUrl, { method: "POST", headers: { password: key }, body })).status).toBe(200);
  });

  it("does not overtake what was heard since", async () => {
    const pulsed = await accepted(to, "/", {
      service: "rich",
      nextIn: 99,
      alertType: "webhook",
      alertTarget: stub.url,
    });
    expect((await importInto(to, file)).code).toBe(0);
    const { heartBeat } = (await (await to.fetch("/heartbeat/rich")).json()) as { heartBeat: object };
    expect(heartBeat).toMatchObject({ nextIn: 99, last: (pulsed.heartBeat as { last: number }).last });
  });

  it("goes on being watched there", async () => {
    await accepted(from, "/", { service: "soon", nextIn: 3, alertType: "webhook", alertTarget: `${stub.url}/soon` });
    const again = join(folder, "again.ndjson");
    expect((await exportTo(again, from)).code).toBe(0);
    await from.kill();
    expect((await importInto(to, again)).code).toBe(0);
    await stub.waitFor(tells("soon", "dead"));
    expect(toldOf(stub, "soon")).toHaveLength(1);
  });
});

describe("an import", () => {
  it("takes nothing of a file that is not whole, or no export", async () => {
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const cases = {
      "its last line is missing": lines.slice(0, -1),
      "it has": [...lines.slice(0, 5), ...lines.slice(6)],
      "is no export": lines.slice(1),
    };
    const before = await seenOf(to);
    for (const [why, content] of Object.entries(cases)) {
      const wrong = join(folder, "wrong.ndjson");
      writeFileSync(wrong, `${content.join("\n")}\n`);
      const { code, output } = await importInto(to, wrong);
      expect(output).toContain(why);
      expect(code).toBe(1);
    }
    expect(await seenOf(to)).toEqual(before);
  });

  it("says what is wrong with a line, and takes the others", async () => {
    const good = {
      kind: "event",
      id: "01M82H2N74374EAMD1NX699MP3",
      service: "good",
      level: 1,
      message: "m",
      alert: false,
    };
    const wrong = [
      "{",
      JSON.stringify({ kind: "other" }),
      JSON.stringify({ ...good, id: "1" }),
      JSON.stringify({ kind: "service", service: "bad", state: { status: "alive" } }),
    ];
    const answer = await to.fetch("/import", { method: "POST", body: [...wrong, JSON.stringify(good)].join("\n") });
    expect(await answer.json()).toEqual({
      result: 200,
      news: 1,
      refused: [
        { index: 0, hint: "The line is not valid JSON." },
        { index: 1, hint: "kind must be one of service, transition, event, rule." },
        { index: 2, hint: "id must be a ULID." },
        { index: 3, hint: "sinceMs must be an integer from 0 to 281474976710655." },
      ],
    });
    expect((await to.fetch("/heartbeat/bad")).status).toBe(404);
  });
});

describe("without an address", () => {
  it("the watchTower of this machine is asked, also by TLS with a certificate that it made, and a password of its own", async () => {
    const stateDir = join(folder, "own");
    const project = copyProject();
    // As where the project can't be written to: the password is kept in the state folder.
    mkdirSync(stateDir);
    writeFileSync(join(stateDir, "password"), "kept in the state folder\n");
    const run = runCommand(project.dir, ["npm", "start", "--", "--self-signed"], { STATE_DIR: stateDir, PORT: "0" });
    try {
      await run.waitForOutput(/ready\./, { timeoutMs: 30_000 });
      await vi.waitFor(() => expect(existsSync(join(stateDir, "listening.json"))).toBe(true), 5_000);
      const own = { STATE_DIR: stateDir, PORT: "0" };
      const { code, output } = await runToEnd(project, ["npm", "run", "export", "--", join(folder, "own.ndjson")], own);
      expect(output).toMatch(/0 services, from https:/);
      expect(code).toBe(0);
    } finally {
      killGroup(run.group);
      await waitUntilGone(run.group);
      project[Symbol.dispose]();
    }
  });
});

describe("an export", () => {
  it("does not overwrite another, and leaves nothing half", async () => {
    const { code, output } = await exportTo(file, to);
    expect(output).toContain("exists already");
    expect(code).toBe(1);
    const unreachable = join(folder, "unreachable.ndjson");
    const wrong = await runToEnd(to.project, ["npm", "run", "export", "--", unreachable], {
      ...reach(to),
      WATCHTOWER_PASSWORD: "wrong",
    });
    expect(wrong.output).toContain("403");
    expect(wrong.code).toBe(1);
    expect(existsSync(unreachable) || existsSync(`${unreachable}.partial`)).toBe(false);
  });

  it("says that a folder is missing, or that somebody else answers", async () => {
    const missing = await exportTo(join(folder, "missing/export.ndjson"), to);
    expect(missing.output).toContain("export.ndjson can't be written: ENOENT");
    expect(missing.output).not.toContain("    at ");
    expect(missing.code).toBe(1);
    const unknown = join(folder, "unknown.ndjson");
    for (const [command, path] of [
      ["export", unknown],
      ["import", file],
    ] as const) {
      stub.answer(`/${command}`, { body: "<!doctype html>\n<title>Sign in</title>\n" });
      const wrong = await runToEnd(to.project, ["npm", "run", command, "--", path], {
        WATCHTOWER_URL: stub.url,
        WATCHTOWER_PASSWORD: "any",
      });
      expect(wrong.output).toContain(`What answers at ${stub.url} is no watchTower`);
      expect(wrong.output).not.toContain("    at ");
      expect(wrong.code).toBe(1);
    }
    expect(existsSync(unknown) || existsSync(`${unknown}.partial`)).toBe(false);
  });
});
