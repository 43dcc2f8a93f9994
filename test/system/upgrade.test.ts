import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OWED_PATH, PROVIDER_PORT, RELEASE_ENV, type Release, releases, type Written } from "./releases/release.ts";
import { tells, toldOf } from "./support/alerts.ts";
import { copyProject, type Project } from "./support/project.ts";
import { type ProviderStub, startProviderStub } from "./support/provider-stub.ts";
import { runToEnd, startWatchTower, type WatchTower } from "./support/watchtower.ts";

const DAY_MS = 86_400_000;
/** A cancelled service is forgotten after so long, and a kept state grows older. */
const CANCELLED_FOR_MS = 30 * DAY_MS;

/** The project with an earlier release's Worker in the place of its own, and all migrations. */
function copyWith({ script, wranglerToml }: Release): Project {
  const project = copyProject();
  project.remove("src");
  project.write("src/index.js", script);
  project.write("wrangler.toml", wranglerToml.replace("src/index.ts", "src/index.js"));
  return project;
}

async function listed<T>(tower: WatchTower, path: string, name: string): Promise<T[]> {
  const answer = await tower.fetch(path);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as Record<string, T[]>)[name] ?? [];
}

/** What a service is known by, whatever the time. */
const lasting = ({
  service,
  last,
  nextIn,
  grace,
  remindEvery,
  alerts,
  alertTarget,
}: Written["heartBeats"][number]) => ({
  service,
  last,
  nextIn,
  grace,
  remindEvery,
  alerts,
  alertTarget,
});

const ALL_EVENTS = "/events?from=0&limit=10000";

describe.each(releases())("the state that release $version wrote", (release) => {
  const { written } = release;
  const ageMs = Date.now() - Date.parse(written.madeAt);
  let folder: string;
  let stateDir: string;
  let stub: ProviderStub;
  let tower: WatchTower;
  let oldProject: Project;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "watchtower-upgrade-"));
    stateDir = join(folder, "state");
    stub = await startProviderStub(PROVIDER_PORT);
    oldProject = copyWith(release);
    const restored = await runToEnd(oldProject, ["npm", "run", "restore", "--", release.stateFile], {
      STATE_DIR: stateDir,
    });
    expect(restored.output).toContain("Run npm start");
    tower = await startWatchTower({ env: RELEASE_ENV, stateDir });
  });
  afterAll(async () => {
    await tower.stop();
    await stub.stop();
    oldProject[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it("opens: services with their deadlines, events, and the alert that was owed", async () => {
    const expected = written.heartBeats.filter(({ status }) => status !== "cancelled" || ageMs < CANCELLED_FOR_MS);
    const heartBeats = await listed<Written["heartBeats"][number]>(tower, "/heartbeats", "heartBeats");
    expect(heartBeats.map(lasting)).toEqual(expected.map(lasting));
    for (const { service, status } of expected.filter(({ status }) => status !== "alive")) {
      expect(heartBeats.find((one) => one.service === service)?.status, service).toBe(status);
    }
    const events = await listed<Written["events"][number]>(tower, ALL_EVENTS, "events");
    for (const event of written.events) expect(events).toContainEqual(expect.objectContaining(event));
    await stub.waitFor(tells("owed", "dead"), { timeoutMs: 60_000 });
    await tower.waitForOutput(/"event":"alert\.delivered","service":"owed"/);
    const owed = written.alerts.find(({ service }) => service === "owed");
    expect(toldOf(stub, "owed").map(({ id }) => id)).toEqual([owed?.id]);
    expect(toldOf(stub, "told")).toEqual([]);
  });

  it("takes pulses, also by a key of that release, and tells a death", async () => {
    const headers = { password: written.key };
    const body = JSON.stringify({ service: "device", nextIn: 600 });
    expect((await fetch(tower.baseUrl, { method: "POST", headers, body })).status).toBe(200);
    const target = { alertType: "webhook", alertTarget: `${stub.url}/new` };
    expect((await tower.post("/", { service: "new", nextIn: 1, ...target })).status).toBe(200);
    await stub.waitFor(tells("new", "dead"));
    expect((await tower.post("/", { service: "told", nextIn: 600, ...target })).status).toBe(200);
    await stub.waitFor(tells("told", "alive"));
  });

  it("opens in that release again when it was changed by this one: a rollback is safe", async () => {
    const fields = { host: "web-1" };
    const rule = { q: "level:>=error", alertType: "webhook", alertTarget: `${stub.url}/rule` };
    for (const [method, path, content] of [
      ["POST", "/event", { service: "teller", message: "of the new release", fields }],
      ["PUT", "/rules/errors", rule],
    ] as const) {
      const answer = await tower.fetch(path, { method, body: JSON.stringify(content) });
      expect(answer.status, path).toBe(200);
    }
    const before = await listed<Written["heartBeats"][number]>(tower, "/heartbeats", "heartBeats");
    await tower.kill();
    const old = await startWatchTower({ env: RELEASE_ENV, stateDir, project: oldProject });
    try {
      expect(old.output()).not.toContain("Applied the migration");
      const after = await listed<Written["heartBeats"][number]>(old, "/heartbeats", "heartBeats");
      expect(after.map(lasting)).toEqual(before.map(lasting));
      const target = { alertType: "webhook", alertTarget: `${stub.url}${OWED_PATH}/old` };
      expect((await old.post("/", { service: "old", nextIn: 1, ...target })).status).toBe(200);
      await stub.waitFor(tells("old", "dead"));
      expect((await old.post("/event", { service: "teller", message: "of the old release" })).status).toBe(200);
      const messages = (await listed<{ message: string }>(old, ALL_EVENTS, "events")).map(({ message }) => message);
      expect(messages).toEqual(expect.arrayContaining(["of the new release", "of the old release", "level 7"]));
    } finally {
      await old.kill();
    }
    tower = await tower.restart();
    const events = await listed<{ message: string }>(tower, ALL_EVENTS, "events");
    expect(events).toContainEqual(expect.objectContaining({ message: "of the new release", fields }));
    expect(events).toContainEqual(expect.objectContaining({ message: "of the old release" }));
    expect(toldOf(stub, "owed")).toHaveLength(1);
  });
});
