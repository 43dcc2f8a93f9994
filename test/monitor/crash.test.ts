import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  DEADLINE_MS,
  deliveryLog,
  eventsOf,
  interceptProviders,
  MINUTELY,
  monitorOf,
  rowOf,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

/** Kills the object before its n-th write from now on, counted from 0; returns how many there were so far. */
function killAtWrite(service: string, n: number): Promise<() => number> {
  return runInDurableObject(monitorOf(service), (_, state) => {
    let writes = 0;
    const count = () => {
      if (writes++ === n) state.abort("killed");
    };
    const { storage } = state;
    const { kv, sql } = storage;
    const put = kv.put.bind(kv);
    const exec = sql.exec.bind(sql);
    const setAlarm = storage.setAlarm.bind(storage);
    const deleteAlarm = storage.deleteAlarm.bind(storage);
    vi.spyOn(kv, "put").mockImplementation((...args) => {
      count();
      put(...args);
    });
    vi.spyOn(sql, "exec").mockImplementation((query, ...bindings) => {
      if (!query.startsWith("select")) count();
      return exec(query, ...bindings);
    });
    vi.spyOn(storage, "setAlarm").mockImplementation((...args) => {
      count();
      return setAlarm(...args);
    });
    vi.spyOn(storage, "deleteAlarm").mockImplementation((...args) => {
      count();
      return deleteAlarm(...args);
    });
    return () => writes;
  });
}

/** Runs the alarm as the platform does: it is gone only when `alarm()` has returned, so a killed run is repeated. */
async function runAlarm(service: string): Promise<boolean> {
  const alarmMs = await alarmOf(service);
  if (alarmMs === null) return false;
  vi.setSystemTime(Math.max(alarmMs, Date.now()));
  await runInDurableObject(monitorOf(service), async (instance, { storage }) => {
    await instance.alarm();
    if ((await storage.getAlarm()) === alarmMs) await storage.deleteAlarm();
  });
  return true;
}

/** Repeats a step until it is acknowledged, as a client does; tells how often it was cut short. */
async function insist<T>(step: () => Promise<T>): Promise<{ result: T; kills: number }> {
  for (let kills = 0; ; kills++) {
    try {
      return { result: await step(), kills };
    } catch (error) {
      expect(String(error)).toContain("killed");
      expect(kills, "one kill is armed at a time").toBeLessThan(2);
    }
  }
}

/** Runs alarms until nothing is owed any more, short of the next death; tells how often that was cut short. */
async function runAlarms(service: string): Promise<number> {
  let kills = 0;
  for (let runs = 0; ; runs++) {
    expect(runs, "alarms come to an end").toBeLessThan(20);
    const alarmMs = await alarmOf(service);
    if (alarmMs === null || alarmMs > Date.now() + DEADLINE_MS / 2) return kills;
    kills += (await insist(() => runAlarm(service))).kills;
  }
}

describe("the platform", () => {
  it("forgets what a killed object had not committed, all of it", async () => {
    await monitorOf("atomic").pulse(MINUTELY);
    const killed = runInDurableObject(monitorOf("atomic"), (_, state) => {
      state.storage.kv.put("half", 1);
      state.storage.setAlarm(Date.now() + 1);
      state.abort("killed");
    });
    await expect(killed).rejects.toThrow("killed");
    expect(await runInDurableObject(monitorOf("atomic"), (_, { storage }) => storage.kv.get("half"))).toBeUndefined();
  });
});

/** A life with everything in it that is written. */
const life: ((service: string) => Promise<number>)[] = [
  async function isBorn(service) {
    return (await insist(() => monitorOf(service).pulse(MINUTELY))).kills;
  },
  async function dies(service) {
    advance(DEADLINE_MS);
    return runAlarms(service);
  },
  async function revives(service) {
    advance(60_000);
    const { kills } = await insist(() => monitorOf(service).pulse(MINUTELY));
    return kills + (await runAlarms(service));
  },
  async function diesUnnoticedAndRevives(service) {
    advance(2 * DEADLINE_MS);
    const { kills } = await insist(() => monitorOf(service).pulse(MINUTELY));
    return kills + (await runAlarms(service));
  },
  async function isCancelled(service) {
    const { kills } = await insist(() => monitorOf(service).cancel());
    return kills + (await runAlarms(service));
  },
];

describe("an object that is killed", () => {
  it("loses nothing, before whichever write of its life it happens", { timeout: 120_000 }, async () => {
    for (let write = 0; ; write++) {
      expect(write, "a life has an end").toBeLessThan(200);
      const service = `killed at write ${write}`;
      const received = interceptProviders(accept);
      const writes = await killAtWrite(service, write);
      let kills = 0;
      for (const step of life) kills += await step(service);

      const told = received.map(({ body }) => body.kind as string);
      const distinct = [...new Map(received.map(({ body }) => [body.id, body.kind as string])).values()];
      expect(distinct, service).toEqual(["dead", "alive", "alive"]);
      expect(told.length - distinct.length, `${service}: at most one repetition a kill`).toBeLessThanOrEqual(kills);
      expect(await rowOf(service), service).toMatchObject({ status: "cancelled" });
      expect((await eventsOf(service)).map(({ level }) => level).sort(), service).toEqual([2, 2, 4, 4]);
      const log = (await deliveryLog(service)).map(({ kind, state }) => `${kind} ${state}`).sort();
      expect(log, service).toEqual(["alive delivered", "alive delivered", "dead delivered", "dead dropped"]);
      vi.restoreAllMocks();
      if (kills === 0) {
        expect(writes(), "the life had as many writes as were tried").toBe(write);
        expect(write).toBeGreaterThan(20);
        return;
      }
    }
  });
});
