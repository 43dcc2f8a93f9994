import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alertIn, tells, toldOf } from "./support/alerts.ts";
import { type ProviderStub, startProviderStub } from "./support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

let tower: WatchTower;
let stub: ProviderStub;
let target: { alertType: string; alertTarget: string };

beforeAll(async () => {
  stub = await startProviderStub();
  target = { alertType: "webhook", alertTarget: `${stub.url}/hook` };
  tower = await startWatchTower({
    env: { GRACE_SECONDS: "1", DEFAULT_ALERT_TYPE: "webhook", DEFAULT_ALERT_TARGET: `${stub.url}/default` },
  });
  // Here services die one after the other: so many live on that nobody takes this for an outage of ours.
  await Promise.all(Array.from({ length: 150 }, (_, i) => pulse(`lives on ${i}`, 290)));
});
afterAll(async () => {
  await tower.stop();
  await stub.stop();
});

async function pulse(service: string, nextIn: number, to = target) {
  const response = await tower.post("/heartbeat", { service, nextIn, ...to });
  expect(response.status).toBe(200);
  return ((await response.json()) as { heartBeat: { last: number; expected: number } }).heartBeat;
}

async function one(service: string): Promise<Record<string, unknown>> {
  const response = await tower.fetch(`/heartbeat?service=${encodeURIComponent(service)}`);
  return ((await response.json()) as { heartBeat: Record<string, unknown> }).heartBeat;
}

describe("a service", () => {
  it("that stops pulsing is alerted once, not before its deadline and grace, and announced once when it is back", async () => {
    const { expected } = await pulse("mortal", 1);
    const death = await stub.waitFor(tells("mortal", "dead"));
    expect(death.atMs).toBeGreaterThanOrEqual((expected + 1) * 1_000);
    expect(await one("mortal")).toMatchObject({ status: "dead", alerted: true });
    await pulse("mortal", 600);
    const revival = await stub.waitFor(tells("mortal", "alive"));
    expect(alertIn(revival).message).toMatch(/^The service mortal is pulsing again\. It was dead for \d+ s, from /);
    expect(await one("mortal")).toMatchObject({ status: "alive", alerted: false });
    // Another service dies after all that: what was to come of the first has come.
    await pulse("sentinel 1", 1);
    await stub.waitFor(tells("sentinel 1", "dead"));
    expect(toldOf(stub, "mortal").map(({ kind }) => kind)).toEqual(["dead", "alive"]);
  });

  it("that pulses in time is never alerted, nor is one that is cancelled", async () => {
    await pulse("cancelled", 1);
    expect((await tower.fetch("/heartbeat", { method: "DELETE", body: '{"service":"cancelled"}' })).status).toBe(200);
    for (let round = 1; round <= 3; round++) {
      // Each death takes two seconds, which is what the punctual one promises, less than its grace.
      await pulse("punctual", 2);
      await pulse(`measure ${round}`, 1);
      await stub.waitFor(tells(`measure ${round}`, "dead"));
    }
    await pulse("punctual", 600);
    expect(toldOf(stub, "punctual")).toEqual([]);
    expect(toldOf(stub, "cancelled")).toEqual([]);
    expect(await one("cancelled")).toMatchObject({ status: "cancelled", cancelled: true });
  });
});

describe("a provider", () => {
  it("that fails for a while is asked again, with growing pauses, until it takes the alert, once", async () => {
    let failures = 2;
    stub.answer("/failing", () => ({ status: failures-- > 0 ? 500 : 200 }));
    await pulse("failing", 1, { alertType: "webhook", alertTarget: `${stub.url}/failing` });
    await stub.waitFor(tells("failing", "dead"), { count: 3, timeoutMs: 30_000 });
    const times = stub.requests.filter(tells("failing", "dead")).map(({ atMs }) => atMs);
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan((times[1] ?? 0) - (times[0] ?? 0));
    await pulse("sentinel 2", 1);
    await stub.waitFor(tells("sentinel 2", "dead"));
    expect(new Set(toldOf(stub, "failing").map(({ id }) => id)).size).toBe(1);
    expect(toldOf(stub, "failing")).toHaveLength(3);
  });

  it("that refuses is never asked again; an event and the default target say so", async () => {
    stub.answer("/refusing", { status: 400, body: "no such thing" });
    await pulse("refused", 1, { alertType: "webhook", alertTarget: `${stub.url}/refusing` });
    const news = await stub.waitFor((request) => request.path === "/default" && request.body.includes("refused"));
    expect(alertIn(news).message).toContain("HTTP 400: no such thing");
    await pulse("sentinel 3", 1);
    await stub.waitFor(tells("sentinel 3", "dead"));
    expect(stub.requests.filter(({ path }) => path === "/refusing")).toHaveLength(1);
    const { events } = (await (await tower.fetch("/events?service=refused&level=error")).json()) as {
      events: { message: string }[];
    };
    expect(events.map(({ message }) => message.slice(0, 14)).sort()).toEqual(["Alert given up", "The service re"]);
  });

  it("that never answers, or cuts the connection, holds up no other", async () => {
    stub.answer("/hanging", { instead: "hang" });
    stub.answer("/cutting", { instead: "reset" });
    await pulse("hung", 1, { alertType: "webhook", alertTarget: `${stub.url}/hanging` });
    await pulse("cut", 1, { alertType: "webhook", alertTarget: `${stub.url}/cutting` });
    await stub.waitFor(tells("hung", "dead"));
    await stub.waitFor(tells("cut", "dead"));
    await pulse("sentinel 4", 1);
    await stub.waitFor(tells("sentinel 4", "dead"));
    stub.answer("/hanging", {});
    stub.answer("/cutting", {});
    await stub.waitFor(tells("cut", "dead"), { count: 2, timeoutMs: 20_000 });
    await stub.waitFor(tells("hung", "dead"), { count: 2, timeoutMs: 40_000 });
    expect(new Set(toldOf(stub, "hung").map(({ id }) => id)).size).toBe(1);
  });

  it("of a type whose token is missing is waited for: it is our fault, not the alert's", async () => {
    const response = await tower.post("/", {
      service: "tokenless",
      nextIn: 1,
      alertType: "pushover",
      alertTarget: "u".repeat(30),
    });
    const { warnings } = (await response.json()) as { warnings: string[] };
    expect(warnings).toEqual([expect.stringContaining("PUSHOVER_TOKEN")]);
    await tower.waitForOutput(
      /"event":"alert\.retry","service":"tokenless".*"outcome":"credentials","retryInMs":3600000/,
    );
  });
});

describe("names that are hostile", () => {
  const names = [
    "a/b/../c",
    "..",
    ".",
    "with spaces and 'quotes\" and \\",
    "100%41%2F",
    "🗼👩‍👩‍👧‍👦",
    "شغل النسخ الاحتياطي",
    "__proto__",
    "<img src=x onerror=alert(1)>",
    "𝔘".repeat(200),
  ];
  it.each(names)("work on every route: %s", async (name) => {
    await pulse(name, 600);
    const query = `?service=${encodeURIComponent(name)}`;
    expect(await one(name)).toMatchObject({ service: name, status: "alive" });
    if (name !== ".." && name !== ".") {
      const byPath = await tower.fetch(`/heartbeat/${encodeURIComponent(name)}`);
      expect(await byPath.json()).toMatchObject({ heartBeat: { service: name } });
    }
    const list = (await (await tower.fetch("/")).json()) as { heartBeats: { service: string }[] };
    expect(list.heartBeats.map(({ service }) => service)).toContain(name);
    expect((await tower.post("/event", { service: name, message: name, level: "warning" })).status).toBe(200);
    expect(await (await tower.fetch(`/events${query}`)).json()).toMatchObject({
      events: [{ service: name, message: name, level: 3 }],
    });
    const cancelled = await tower.fetch("/", { method: "DELETE", body: JSON.stringify({ service: name }) });
    expect(await cancelled.json()).toMatchObject({ heartBeat: { service: name, status: "cancelled" } });
  });
});
