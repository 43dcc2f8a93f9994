import { setTimeout as until } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tells, toldOf } from "./support/alerts.ts";
import { type ProviderStub, startProviderStub } from "./support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

let tower: WatchTower;
let stub: ProviderStub;

beforeEach(async () => {
  stub = await startProviderStub();
  tower = await startWatchTower({ env: { GRACE_SECONDS: "0", PASSWORD: "crash" } });
});
afterEach(async () => {
  await tower.stop();
  await stub.stop();
});

const pulse = (service: string, nextIn: number, path = "/hook") =>
  tower.post("/", { service, nextIn, alertType: "webhook", alertTarget: stub.url + path });

/** Pulses until it is acknowledged, as a client does. */
async function insist(service: string, nextIn: number): Promise<void> {
  // Each has a target of its own, so that many deaths are no storm.
  const path = `/hook/${encodeURIComponent(service)}`;
  for (;;) {
    try {
      if ((await pulse(service, nextIn, path)).status === 200) return;
    } catch {
      await until(20);
    }
  }
}

async function statuses(): Promise<Record<string, string>> {
  const { heartBeats } = (await (await tower.fetch("/")).json()) as {
    heartBeats: { service: string; status: string }[];
  };
  return Object.fromEntries(heartBeats.map(({ service, status }) => [service, status]));
}

/** A small generator of numbers below 1 with a seed (mulberry32), so that a run can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("after kill -9 of the whole process group", () => {
  it("a deadline that passed while the process was down is alerted right after the restart, once", async () => {
    const acknowledged = await pulse("down", 1);
    expect(acknowledged.status).toBe(200);
    const { heartBeat } = (await acknowledged.json()) as { heartBeat: { expected: number } };
    expect((await pulse("alive", 600)).status).toBe(200);
    await tower.kill();
    await until(Math.max(0, (heartBeat.expected + 1) * 1_000 - Date.now()));
    expect(stub.requests).toHaveLength(0);
    tower = await tower.restart();
    await stub.waitFor(tells("down", "dead"));
    expect(await statuses()).toEqual({ down: "dead", alive: "alive" });
    await pulse("sentinel", 1);
    await stub.waitFor(tells("sentinel", "dead"));
    expect(toldOf(stub, "down")).toHaveLength(1);
    expect(toldOf(stub, "alive")).toHaveLength(0);
  });

  it("an alert that was not delivered yet is delivered, and its retries go on where they were", async () => {
    stub.answer("/hook", { status: 500 });
    await pulse("owed", 1);
    await stub.waitFor(tells("owed", "dead"));
    await tower.kill();
    stub.answer("/hook", {});
    tower = await tower.restart();
    await stub.waitFor(tells("owed", "dead"), { count: 2, timeoutMs: 30_000 });
    await tower.waitForOutput(/"event":"alert\.delivered","service":"owed"/);
    expect(new Set(toldOf(stub, "owed").map(({ id }) => id)).size).toBe(1);
  });

  it("an alert that was on its way is sent again, by the same id", async () => {
    stub.answer("/hook", { instead: "hang" });
    await pulse("on its way", 1);
    await stub.waitFor(tells("on its way", "dead"));
    await tower.kill();
    stub.answer("/hook", {});
    tower = await tower.restart();
    await stub.waitFor(tells("on its way", "dead"), { count: 2, timeoutMs: 40_000 });
    expect(new Set(toldOf(stub, "on its way").map(({ id }) => id)).size).toBe(1);
  });

  it("at random moments, again and again, no acknowledged pulse and no death is lost", async () => {
    const random = randomFrom(20261122);
    const mortals = Array.from({ length: 24 }, (_, i) => `mortal ${i}`);
    const living = Array.from({ length: 6 }, (_, i) => `living ${i}`);
    // So many live on besides that nobody takes the deaths for an outage of ours.
    const others = Array.from({ length: 300 }, (_, i) => `lives on ${i}`);
    for (let i = 0; i < others.length; i += 20) {
      await Promise.all(others.slice(i, i + 20).map((service) => insist(service, 290)));
    }
    let isOver = false;
    const keepAlive = Promise.all(
      living.map(async (service) => {
        while (!isOver) await insist(service, 120);
      }),
    );
    const mortalPulses = (async () => {
      for (const service of mortals) await insist(service, 1);
    })();
    for (let kills = 0; kills < 6; kills++) {
      await until(random() * 1_500);
      await tower.kill();
      tower = await tower.restart();
    }
    await mortalPulses;
    for (const service of mortals) await stub.waitFor(tells(service, "dead"), { timeoutMs: 60_000 });
    isOver = true;
    await keepAlive;
    const found = await statuses();
    for (const service of mortals) {
      expect(found[service], service).toBe("dead");
      // It may have pulsed again because an answer was lost, and so have died and revived in between.
      expect(toldOf(stub, service).at(-1)?.kind, service).toBe("dead");
    }
    for (const service of living) {
      expect(found[service], service).toBe("alive");
      expect(toldOf(stub, service), service).toEqual([]);
    }
  });
});
