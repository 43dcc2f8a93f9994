import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { tells } from "../system/support/alerts.ts";
import { type ProviderStub, startProviderStub } from "../system/support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import { type Language, languages } from "./support/languages.ts";

/** Seconds between two pulses, and what each promises. */
const INTERVAL = 1;
const NEXT_IN = 2;

let stub: ProviderStub;
let tower: WatchTower;
const programs: ChildProcessWithoutNullStreams[] = [];

beforeAll(async () => {
  stub = await startProviderStub();
  tower = await startWatchTower({
    env: { GRACE_SECONDS: "1", DEFAULT_ALERT_TYPE: "webhook", DEFAULT_ALERT_TARGET: `${stub.url}/default` },
  });
  // Here services die one after the other: so many live on that nobody takes this for an outage of ours.
  const others = Array.from({ length: 100 }, (_, i) => ({ service: `lives on ${i}`, nextIn: 290 }));
  await Promise.all(others.map((pulse) => tower.post("/heartbeat", pulse)));
});
afterAll(async () => {
  await tower.stop();
  await stub.stop();
});
afterEach(() => {
  for (const program of programs.splice(0)) program.kill("SIGKILL");
});

/** Starts a program that pulses for a service, and waits for its first pulse. */
async function pulsing({ cwd, pulser: [command = "", ...args] }: Language, service: string) {
  const program = spawn(command, [...args, service, String(INTERVAL), String(NEXT_IN)], {
    cwd,
    env: { ...process.env, WATCHTOWER_URL: tower.baseUrl, WATCHTOWER_PASSWORD: tower.password },
  });
  programs.push(program);
  const [line] = await once(createInterface(program.stdout), "line");
  expect(line).toBe("pulsing");
  return program;
}

async function statusOf(service: string): Promise<string> {
  const response = await tower.fetch(`/heartbeat?service=${encodeURIComponent(service)}`);
  return ((await response.json()) as { heartBeat: { status: string } }).heartBeat.status;
}

/** Waits until a service that pulses no more is found dead: what was to come of another until then, has come. */
async function untilDead(service: string): Promise<void> {
  await stub.waitFor(tells(service, "dead"));
}

describe.each(languages)("a $name program that pulses", (language) => {
  const name = (what: string) => `${language.name} ${what}`;
  beforeAll(() => {
    const [command, ...args] = language.prepare ?? [];
    if (command) expect(spawnSync(command, args, { cwd: language.cwd, stdio: "inherit" }).status).toBe(0);
  }, 600_000);

  it("is alive beyond its first promise, and dead when it is killed", async () => {
    const program = await pulsing(language, name("killed"));
    await tower.post("/heartbeat", { service: name("measure"), nextIn: NEXT_IN + 1 });
    await untilDead(name("measure"));
    expect(await statusOf(name("killed"))).toBe("alive");
    program.kill("SIGKILL");
    await untilDead(name("killed"));
    expect(await statusOf(name("killed"))).toBe("dead");
  });

  it("is cancelled when it ends cleanly", async () => {
    const program = await pulsing(language, name("ended"));
    program.stdin.end("exit\n");
    expect((await once(program, "exit"))[0]).toBe(0);
    expect(await statusOf(name("ended"))).toBe("cancelled");
  });

  it("is dead when it crashes", async () => {
    const program = await pulsing(language, name("crashed"));
    program.stdin.end("crash\n");
    expect((await once(program, "exit"))[0]).not.toBe(0);
    expect(await statusOf(name("crashed"))).not.toBe("cancelled");
    await untilDead(name("crashed"));
  });
});
