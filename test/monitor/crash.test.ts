import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { findAlert } from "../../src/storage/alert-log.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  breakD1,
  DEADLINE_MS,
  DEFAULT_HOOK,
  deliveryLog,
  eventsOf,
  HOOK,
  historyOf,
  interceptProviders,
  MINUTELY,
  monitorOf,
  NOTHING,
  rowOf,
  storedIn,
} from "../support/monitor.ts";
import { query } from "../support/rows.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

/**
 * Kills the object before its n-th write from now on, counted from 0; returns how many there were so far, and the
 * object's output gate, which holds up no mocked `fetch` by itself.
 */
function killAtWrite(service: string, n: number): Promise<{ writes: () => number; gate: () => Promise<void> }> {
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
    return {
      writes: () => writes,
      gate: async () => {
        if (writes <= n) await storage.sync();
      },
    };
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
async function runAlarms(service: string, withinMs = DEADLINE_MS / 2): Promise<number> {
  let kills = 0;
  for (let runs = 0; ; runs++) {
    expect(runs, "alarms come to an end").toBeLessThan(20);
    const alarmMs = await alarmOf(service);
    if (alarmMs === null || alarmMs > Date.now() + withinMs) return kills;
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

const REMINDED = { remindEverySeconds: 600, furtherTargets: [{ type: "webhook", target: DEFAULT_HOOK }] };

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
    advance(DEADLINE_MS + 30_000);
    const { kills } = await insist(() => monitorOf(service).pulse(MINUTELY));
    return kills + (await runAlarms(service));
  },
  async function isExcusedOfOurOutage(service) {
    advance(DEADLINE_MS + 2 * MINUTE_MS);
    const kills = await runAlarms(service);
    const { kills: more } = await insist(() => monitorOf(service).pulse(MINUTELY));
    return kills + more;
  },
  async function diesOfSeveralTargetsAndIsReminded(service) {
    const { kills } = await insist(() => monitorOf(service).pulse({ ...MINUTELY, ...REMINDED }));
    advance(DEADLINE_MS);
    const deathKills = await runAlarms(service);
    advance(REMINDED.remindEverySeconds * SECOND_MS);
    return kills + deathKills + (await runAlarms(service));
  },
  async function isCancelled(service) {
    const { kills } = await insist(() => monitorOf(service).cancel());
    return kills + (await runAlarms(service));
  },
  async function isForgotten(service) {
    advance(1_000);
    const { kills } = await insist(() => monitorOf(service).forget());
    return kills + (await runAlarms(service));
  },
];

/** What is told, in the order in which each target may hear of it. */
const TOLD: Record<string, string[]> = {
  [HOOK.target]: ["dead", "alive", "alive", "dead", "dead"],
  [DEFAULT_HOOK]: ["dead", "dead"],
};

/** Kills the object at each write of its life in turn, until a life had fewer writes. */
async function liveAndDie(
  prefix: string,
  around: (live: () => Promise<void>) => Promise<void>,
  stride = 1,
): Promise<void> {
  for (let write = 0; ; write += stride) {
    expect(write, "a life has an end").toBeLessThan(300);
    const service = `${prefix} ${write}`;
    const { writes, gate } = await killAtWrite(service, write);
    const received = interceptProviders(accept, gate);
    let kills = 0;
    await around(async () => {
      for (const step of life) kills += await step(service);
    });
    // Whatever is owed to D1 still is brought there by alarms.
    kills += await runAlarms(service, 15 * MINUTE_MS);

    const distinct = [...new Map(received.map(({ body, url }) => [body.id, { kind: body.kind, url }])).values()];
    for (const [target, kinds] of Object.entries(TOLD)) {
      const told = distinct.filter(({ url }) => url === target).map(({ kind }) => kind);
      expect(told, `${service}: ${target}`).toEqual(kinds);
    }
    expect(
      received.length - distinct.length,
      `${service}: at most one repetition a kill and target`,
    ).toBeLessThanOrEqual(2 * kills);
    expect(await rowOf(service), service).toBeNull();
    expect(await storedIn(service), service).toEqual(NOTHING);
    expect((await eventsOf(service)).map(({ level }) => level).sort(), service).toEqual([2, 2, 4, 4, 4]);
    expect(await historyOf(service), service).toEqual(HISTORY);
    const log = (await deliveryLog(service)).map(({ kind, state }) => `${kind} ${state}`).sort();
    expect(log, service).toEqual([
      ...Array.from({ length: 2 }, () => "alive delivered"),
      ...Array.from({ length: 5 }, () => "dead delivered"),
      "dead dropped",
    ]);
    vi.mocked(globalThis.fetch).mockRestore();
    if (kills === 0) {
      expect(writes(), "the life had as many writes as were tried").toBeLessThanOrEqual(write);
      expect(write).toBeGreaterThan(20);
      return;
    }
  }
}

const HISTORY = ["alive", "dead", "alive", "dead", "alive", "dead", "cancelled", "forgotten"];

describe("an object that is killed", { timeout: 250_000 }, () => {
  it("loses nothing, before whichever write of its life it happens", () =>
    liveAndDie("killed at write", (live) => live()));

  it("loses nothing, and writes every transition once, in order, also while D1 is down", () =>
    liveAndDie(
      "killed without D1 at write",
      async (live) => {
        const mend = breakD1();
        await live();
        mend();
      },
      // Every fifth will do: there are many, of retries, and each is tried with D1.
      5,
    ));

  it("while its silence is looked into, or while it is held, dies all the same, once, and in time", async () => {
    // What a killed object still says would keep the test's runner waiting.
    vi.spyOn(console, "warn").mockReturnValue();
    for (let write = 0, kills = 1; kills > 0; write++) {
      const service = `held, killed at write ${write}`;
      await monitorOf(service).pulse(MINUTELY);
      let questions = 0;
      const fallsSilent = async (_: string, __: number, mayWait: boolean) => {
        if (questions++ === 0) throw new Error("overloaded");
        return { verdict: mayWait ? "perhaps" : "own", waitMs: 25_000 };
      };
      vi.spyOn(env.SENTINEL, "getByName").mockReturnValue({ fallsSilent } as never);
      const { gate } = await killAtWrite(service, write);
      const received = interceptProviders(accept, gate);
      advance(DEADLINE_MS);
      const deadMs = Date.now();
      kills = await runAlarms(service, 15 * MINUTE_MS);
      expect(new Set(received.map(({ body }) => body.id)).size, service).toBe(1);
      expect(received.length, service).toBeLessThanOrEqual(1 + kills);
      expect(await historyOf(service), service).toEqual(["alive", "dead"]);
      expect((await deliveryLog(service)).map(({ kind, state }) => `${kind} ${state}`)).toEqual(["dead delivered"]);
      // Unheard for up to a minute, held for its turn, and put off by 15 seconds for each thing that was cut off.
      const waitedMs = Date.now() - deadMs;
      expect(waitedMs, service).toBeGreaterThanOrEqual(kills > 0 ? 0 : 45_000);
      expect(waitedMs, service).toBeLessThanOrEqual(MINUTE_MS + 25_000 + kills * 15_000);
      vi.mocked(globalThis.fetch).mockRestore();
      expect(kills > 0 || write > 10, "each write is killed in turn").toBe(true);
    }
  });

  it("owes a test, and an alert that is sent again, like everything else", async () => {
    for (let write = 0, kills = 1; kills > 0; write++) {
      const service = `sent again, killed at write ${write}`;
      await monitorOf(service).pulse({ ...MINUTELY, nextInSeconds: 86_400 });
      const { gate } = await killAtWrite(service, write);
      let status = 400;
      const received = interceptProviders(
        ({ url }) => new Response("said", { status: url === HOOK.target ? status : 200 }),
        gate,
      );
      ({ kills } = await insist(() => monitorOf(service).sendTest()));
      kills += await runAlarms(service, 15 * MINUTE_MS);
      const given = "select id from alerts where service = ? and state = 'failed' order by id";
      const failed = await query<{ id: string }>(given, service);
      expect(failed.length, service).toBeGreaterThanOrEqual(1);

      status = 200;
      for (const { id } of failed) {
        const found = await findAlert(openDatabase(env.DB), id);
        if (!found) throw new Error("What is in the log can be found.");
        kills += (await insist(() => monitorOf(service).sendAgain(found.alert, found.target, found.attempts))).kills;
      }
      kills += await runAlarms(service, 15 * MINUTE_MS);
      const log = await deliveryLog(service);
      expect(
        log.filter(({ state }) => state !== "delivered"),
        service,
      ).toEqual([]);
      const told = new Set(received.filter(({ url }) => url === HOOK.target).map(({ body }) => body.id));
      expect([...told].sort(), service).toEqual(failed.map(({ id }) => id));
      vi.mocked(globalThis.fetch).mockRestore();
      expect(kills > 0 || write > 10, "each write is killed in turn").toBe(true);
    }
  });
});
