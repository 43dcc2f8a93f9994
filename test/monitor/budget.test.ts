import {
  createExecutionContext,
  evictDurableObject,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import worker from "../../src/index.ts";
import { SENTINEL_NAME } from "../../src/monitor/sentinel.ts";
import { withMeter } from "../../src/monitor/spending.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { listServices } from "../../src/storage/directory.ts";
import { PASSWORD } from "../support/client.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import {
  accept,
  breakD1,
  interceptProviders,
  MINUTELY,
  monitorOf,
  type Received,
  runAlarm,
} from "../support/monitor.ts";
import { query, snapshot, storeServices } from "../support/rows.ts";
import { useSentinel } from "../support/sentinel.ts";

useTestClock();
useSentinel();

const OWN = "watchTower";
const sentinel = () => env.SENTINEL.getByName(SENTINEL_NAME);
let days = 0;
let received: Received[];

beforeEach(async () => {
  // A day of its own for each test; and what an isolate knows of the budget is a minute old.
  vi.setSystemTime(START_MS + ++days * DAY_MS);
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  await query("delete from services");
  received = interceptProviders(accept);
});
afterEach(() => vi.restoreAllMocks());

/** The Worker as it is on the free plan; every report is made, whatever chance says, where `chance` is 0. */
async function callFree(
  method: string,
  path: string,
  { chance = 0.999, body }: { chance?: number; body?: unknown } = {},
) {
  vi.spyOn(Math, "random").mockReturnValue(chance);
  const context = createExecutionContext();
  const init: RequestInit = { method, headers: { password: PASSWORD } };
  if (body !== undefined) init.body = JSON.stringify(body);
  const request = new Request(`https://tower.example${path}`, init) as Parameters<typeof worker.fetch>[0];
  const response = await worker.fetch(request, FREE, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  return { status: response.status, headers: response.headers, text };
}
const FREE = { ...env, PLAN: "free" } as Env;

const ownNews = async () => {
  while (await runAlarm(OWN, Date.now() + MINUTE_MS));
  return received.filter(({ body }) => body.service === OWN).map(({ body }) => body.message as string);
};
const spentToday = () =>
  runInDurableObject(sentinel() as DurableObjectStub, (_, { storage }) => {
    const budget = storage.kv.get<{ spent: Record<string, number> }>("budget");
    return budget?.spent ?? {};
  });

describe("the free plan's quotas", () => {
  it("are told of at 70 % and 90 %, once each, to the default target, also over an eviction", async () => {
    await sentinel().spent({ objectRows: 60_000 });
    expect(await ownNews()).toEqual([]);
    await sentinel().spent({ objectRows: 10_000 });
    await sentinel().spent({ objectRows: 10_000 });
    await evictDurableObject(sentinel() as DurableObjectStub);
    await sentinel().spent({ objectRows: 5_000 });
    expect(await ownNews()).toEqual([expect.stringMatching(/^About 70 % .*rows written by Durable Objects/)]);
    await sentinel().spent({ objectRows: 5_000 });
    expect(await ownNews()).toEqual([expect.any(String), expect.stringMatching(/^About 90 % /)]);
  });

  it("that could not be told of are told of by the next report", async () => {
    const getByName = vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation(() => {
      throw new Error("internal error");
    });
    await sentinel().spent({ objectRows: 70_000 });
    getByName.mockRestore();
    expect(await ownNews()).toEqual([]);
    await sentinel().spent({ objectRows: 1 });
    expect(await ownNews()).toHaveLength(1);
  });
});

describe("what a request uses", () => {
  it("is reported by chance, and then for many", async () => {
    const body = {
      service: "counted",
      ...{ nextIn: 60, alertType: "webhook", alertTarget: "https://hooks.example/a" },
    };
    expect((await callFree("POST", "/heartbeat", { body })).status).toBe(200);
    expect(await spentToday()).not.toHaveProperty("workerRequests");
    expect((await callFree("POST", "/heartbeat", { chance: 0, body })).status).toBe(200);
    expect(await spentToday()).toMatchObject({ workerRequests: 100 });
  });

  it("of D1 is what D1 counts, of the rows that Drizzle asks for in every way", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    await storeServices(...Array.from({ length: 30 }, (_, i) => snapshot(`row ${i}`)));
    const plain = await listServices(openDatabase(env.DB));
    const context = createExecutionContext();
    const metered = await listServices(openDatabase(withMeter(FREE).DB));
    await waitOnExecutionContext(context);
    expect(metered).toEqual(plain);
    expect(metered).toHaveLength(30);
    await vi.waitFor(async () => expect(await spentToday()).toMatchObject({ d1RowsRead: 5_000 }));
  });

  it("is not counted on another plan", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    expect(withMeter(env as Env)).toBe(env);
    const before = await spentToday();
    const context = createExecutionContext();
    await worker.fetch(new Request("https://tower.example/health") as never, env as Env, context);
    expect(await spentToday()).toEqual(before);
  });
});

describe("at 90 % of a quota", () => {
  const LOOKS = [
    "/",
    "/heartbeats",
    "/events",
    "/list-events",
    "/events/stats",
    "/events/export",
    "/alerts",
    "/gui",
    "/gui/refresh",
    "/gui/events",
    "/gui/events/new",
    "/gui/setup",
  ];

  it("what only looks rests until midnight UTC, and says so", async () => {
    advance(HOUR_MS);
    await sentinel().spent({ d1RowsRead: 4_500_000 });
    for (const path of LOOKS) {
      const { status, headers, text } = await callFree("GET", path);
      expect(status, path).toBe(503);
      expect(headers.get("retry-after"), path).toBe(String(11 * 3_600));
      expect(text, path).toContain("rest until midnight UTC");
    }
  });

  it("pulses, cancels, events and a look at one service go on, and so does the login", async () => {
    await sentinel().spent({ workerRequests: 95_000 });
    expect((await callFree("GET", "/heartbeats")).status).toBe(503);
    const body = { service: "goes on", nextIn: 60, alertType: "webhook", alertTarget: "https://hooks.example/a" };
    expect((await callFree("POST", "/heartbeat", { body })).status).toBe(200);
    expect((await callFree("GET", "/heartbeat/goes%20on")).status).toBe(200);
    expect((await callFree("POST", "/event", { body: { service: "a", message: "b" } })).status).toBe(200);
    expect((await callFree("DELETE", "/heartbeat", { body: { service: "goes on" } })).status).toBe(200);
    for (const path of ["/health", "/hello", "/gui/login"])
      expect((await callFree("GET", path)).status, path).toBe(200);
  });

  it("a death is told all the same", async () => {
    await sentinel().spent({ workerRequests: 95_000 });
    received.length = 0;
    await monitorOf("mortal").pulse(MINUTELY);
    await runAlarm("mortal");
    expect(received).toMatchObject([{ body: { service: "mortal", kind: "dead" } }]);
  });

  it("everything is as always from midnight on, and on another plan", async () => {
    await sentinel().spent({ d1RowsRead: 4_500_000 });
    expect((await callFree("GET", "/heartbeats")).status).toBe(503);
    advance(12 * HOUR_MS);
    expect((await callFree("GET", "/heartbeats")).status).toBe(200);
  });

  it("lists go on where it can't be known", async () => {
    breakD1();
    vi.spyOn(env.SENTINEL, "getByName").mockImplementation(() => {
      throw new Error("internal error");
    });
    expect((await callFree("GET", "/hello")).status).toBe(200);
    expect((await callFree("GET", "/alerts")).text).toContain("database can't be reached");
  });
});
