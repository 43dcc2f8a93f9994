import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DAY_MS } from "../../src/domain/time.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  breakD1,
  interceptProviders,
  MINUTELY,
  monitorOf,
  NOTHING,
  rowOf,
  runAlarm,
  settle,
  storedIn,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const PULSE = { nextInSeconds: 60 };
const REVOKED = { refused: { why: "revoked" } };
const counts = async (service: string, version: number) =>
  "done" in (await monitorOf(service).pulseByKey(version, PULSE));

describe("a key", () => {
  it("of a service that never pulsed is all that its object keeps, and is listed nowhere", async () => {
    const version = await monitorOf("unborn").issueKey(60);
    expect(await storedIn("unborn")).toEqual({ keys: ["key"], tables: [], alarm: null });
    expect(await rowOf("unborn")).toBeNull();
    expect(await monitorOf("unborn").snapshot()).toBeNull();
    await evictDurableObject(monitorOf("unborn"));
    expect(await counts("unborn", version)).toBe(true);
    expect(await rowOf("unborn")).toMatchObject({ status: "alive" });
  });

  it("outlives an eviction, a death and a cancel", async () => {
    interceptProviders(accept);
    const service = "long-lived";
    await monitorOf(service).pulse(MINUTELY);
    const version = await monitorOf(service).issueKey(60);
    await evictDurableObject(monitorOf(service));
    expect(await counts(service, version)).toBe(true);
    await settle(service);
    expect(await rowOf(service)).toMatchObject({ status: "dead" });
    expect(await counts(service, version)).toBe(true);
    expect(await monitorOf(service).cancelByKey(version)).toHaveProperty("done.status", "cancelled");
    await evictDurableObject(monitorOf(service));
    expect(await counts(service, version)).toBe(true);
  });

  it("is replaced by the next, also within one moment, and that is remembered", async () => {
    const service = "replaced";
    const first = await monitorOf(service).issueKey(60);
    const second = await monitorOf(service).issueKey(120);
    expect(second).toBeGreaterThan(first);
    await evictDurableObject(monitorOf(service));
    expect(await monitorOf(service).pulseByKey(first, PULSE)).toEqual(REVOKED);
    expect(await monitorOf(service).cancelByKey(first)).toEqual(REVOKED);
    expect(await monitorOf(service).pulseByKey(second, { nextInSeconds: 120 })).toHaveProperty("done");
  });

  it("that is taken away leaves nothing where there is nothing else", async () => {
    const service = "taken away";
    const version = await monitorOf(service).issueKey(60);
    await monitorOf(service).revokeKey();
    expect(await storedIn(service)).toEqual(NOTHING);
    expect(await counts(service, version)).toBe(false);
    await monitorOf(service).revokeKey();
    expect(await storedIn(service)).toEqual(NOTHING);
  });

  it("that is taken away leaves the service as it is", async () => {
    const service = "goes on";
    const before = await monitorOf(service).pulse(MINUTELY);
    const version = await monitorOf(service).issueKey(60);
    await monitorOf(service).revokeKey();
    expect(await counts(service, version)).toBe(false);
    expect(await monitorOf(service).snapshot()).toEqual(before);
    expect((await storedIn(service)).keys).toEqual(["service"]);
  });

  it("that counts no more stores nothing in an object that has nothing", async () => {
    const service = "nobody";
    expect(await monitorOf(service).pulseByKey(1, PULSE)).toEqual(REVOKED);
    expect(await monitorOf(service).cancelByKey(1)).toEqual(REVOKED);
    await monitorOf(service).revokeKey();
    expect(await storedIn(service)).toEqual(NOTHING);
  });
});

describe("a service that is forgotten", () => {
  it.each<[string, (service: string) => Promise<unknown>]>([
    ["when somebody says so", (service) => monitorOf(service).forget()],
    [
      "30 days after its cancel",
      async (service) => {
        await monitorOf(service).cancel();
        advance(30 * DAY_MS);
        await runAlarm(service);
      },
    ],
  ])("has no key any more, and does not get it back: %s", async (how, forget) => {
    const service = `forgotten ${how}`;
    await monitorOf(service).pulse(MINUTELY);
    const version = await monitorOf(service).issueKey(60);
    await forget(service);
    expect(await storedIn(service)).toEqual(NOTHING);
    expect(await counts(service, version)).toBe(false);
    const next = await monitorOf(service).issueKey(60);
    expect(next).toBeGreaterThan(version);
    await monitorOf(service).pulse(MINUTELY);
    expect([await counts(service, version), await counts(service, next)]).toEqual([false, true]);
  });

  it("before it ever pulsed has no key any more", async () => {
    const version = await monitorOf("never born").issueKey(60);
    expect(await monitorOf("never born").forget()).toBeNull();
    expect(await storedIn("never born")).toEqual(NOTHING);
    expect(await counts("never born", version)).toBe(false);
  });

  it("may be given a key while its row is still owed to D1, and keeps it when that is done", async () => {
    const service = "given anew";
    await monitorOf(service).pulse(MINUTELY);
    const mend = breakD1();
    advance(1_000);
    await monitorOf(service).forget();
    const version = await monitorOf(service).issueKey(60);
    mend();
    await settle(service);
    expect(await rowOf(service)).toBeNull();
    await evictDurableObject(monitorOf(service));
    expect(await counts(service, version)).toBe(true);
  });
});
