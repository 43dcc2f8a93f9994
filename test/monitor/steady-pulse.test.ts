import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { REFRESH_SECONDS } from "../../src/domain/snapshot.ts";
import { advance, useTestClock } from "../support/clock.ts";
import { alarmOf, DEADLINE_MS, MINUTELY, monitorOf, rowOf } from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

/** Counts what the object writes, from now on. */
function watchWrites(service: string) {
  return runInDurableObject(monitorOf(service), (_, { storage }) => ({
    put: vi.spyOn(storage.kv, "put"),
    setAlarm: vi.spyOn(storage, "setAlarm"),
    exec: vi.spyOn(storage.sql, "exec"),
  }));
}

/** Brings the service into the middle of a refresh period, so that a few minutes stay within it. */
async function bornInMidPeriod(service: string): Promise<void> {
  await monitorOf(service).pulse(MINUTELY);
  const refresh = vi.spyOn(env.DB, "prepare");
  while (refresh.mock.calls.length === 0) {
    advance(30_000);
    await monitorOf(service).pulse(MINUTELY);
  }
  refresh.mockRestore();
}

/** A sign of life, by the password or by a key. */
const WAYS: [how: string, pulse: (service: string, version: number) => Promise<unknown>][] = [
  ["by the password", (service) => monitorOf(service).pulse(MINUTELY)],
  [
    "by a pulse key",
    async (service, version) =>
      expect(await monitorOf(service).pulseByKey(version, MINUTELY)).toHaveProperty("done.status", "alive"),
  ],
  [
    "by a pulse key, which says nothing but the time,",
    async (service, version) =>
      expect(await monitorOf(service).pulseByKey(version, { nextInSeconds: 60 })).toHaveProperty("done.nextIn", 60),
  ],
];

describe("a steady pulse", () => {
  it.each(WAYS)("%s writes exactly one row, the alarm, and asks D1 nothing", async (how, pulse) => {
    const service = `steady ${how}`;
    await bornInMidPeriod(service);
    const version = await monitorOf(service).issueKey(60);
    const { put, setAlarm, exec } = await watchWrites(service);
    const prepare = vi.spyOn(env.DB, "prepare");
    const batch = vi.spyOn(env.DB, "batch");
    for (let i = 0; i < 9; i++) {
      advance(60_000);
      await pulse(service, version);
    }
    expect(setAlarm.mock.calls).toHaveLength(9);
    expect(setAlarm).toHaveBeenLastCalledWith(Date.now() + DEADLINE_MS);
    expect(put).not.toHaveBeenCalled();
    expect(exec).not.toHaveBeenCalled();
    expect(prepare).not.toHaveBeenCalled();
    expect(batch).not.toHaveBeenCalled();
  });

  it("refreshes the directory once in a period, and doesn't wait for it", async () => {
    await bornInMidPeriod("refreshed");
    const prepare = vi.spyOn(env.DB, "prepare");
    const pulses = (3 * REFRESH_SECONDS) / 60;
    for (let i = 0; i < pulses; i++) {
      advance(60_000);
      await monitorOf("refreshed").pulse(MINUTELY);
    }
    expect(prepare).toHaveBeenCalledTimes(3);
    await vi.waitFor(async () => {
      const row = await rowOf("refreshed");
      expect(Date.now() / 1000 - Number(row?.last)).toBeLessThan(REFRESH_SECONDS);
    });
  });

  it("is remembered by the alarm alone when the object is evicted", async () => {
    await bornInMidPeriod("evicted");
    advance(20_000);
    const { last } = await monitorOf("evicted").pulse(MINUTELY);
    const alarmMs = await alarmOf("evicted");
    expect(alarmMs).toBe(Date.now() + DEADLINE_MS);
    await evictDurableObject(monitorOf("evicted"));
    const snapshot = await monitorOf("evicted").snapshot();
    expect(snapshot).toMatchObject({ status: "alive", last });
    expect(await alarmOf("evicted")).toBe(alarmMs);
  });

  it("writes the row when it promises something else", async () => {
    await monitorOf("changed").pulse(MINUTELY);
    const { put, setAlarm } = await watchWrites("changed");
    advance(1_000);
    await monitorOf("changed").pulse({ ...MINUTELY, nextInSeconds: 120 });
    expect(put).toHaveBeenCalledTimes(1);
    expect(setAlarm).toHaveBeenCalledTimes(1);
  });
});
