import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Alive, type Change, deadlineMs, type Service } from "../../src/domain/service.ts";
import { toldTargets } from "../../src/domain/target.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import { cancel, expire, pulse } from "../../src/domain/verbs.ts";
import { nextWake } from "../../src/domain/wake.ts";
import { StateStore } from "../../src/monitor/state-store.ts";
import { moment, OTHER, OWNER, pulses, START_MS, services } from "./support/arbitraries.ts";
import { runs, timeoutOf } from "./support/runs.ts";
import { begin, MINUTELY, neverLost, open, steadyPulse } from "./support/store.ts";
import { DEFAULTS } from "./support/story.ts";

/** A service that was brought into a status. */
function inStatus(status: Service["status"], nowMs: number): Service {
  const { service: alive }: { service: Alive } = pulse(undefined, MINUTELY, DEFAULTS, nowMs);
  if (status === "alive") return alive;
  const change = status === "dead" ? expire(alive, nowMs + DAY_MS) : cancel(alive, nowMs);
  return change.service as Service;
}

describe("a store of which nothing was ever asked", () => {
  it("has no service, and writes nothing", async () => {
    const { storage, store } = await begin();
    expect(store.service).toBeUndefined();
    expect(store.revision).toBe(0);
    store.write(undefined, undefined, START_MS);
    expect(storage.written).toEqual({ puts: 0, alarms: 0, sql: 0 });
    expect(storage.kv.get("service")).toBeUndefined();
  });

  it("can be woken without a service: an event may be owed", async () => {
    const { storage, store } = await begin();
    store.write(undefined, START_MS + 5, START_MS);
    expect(storage.alarmMs).toBe(START_MS + 5);
    expect((await open(storage)).service).toBeUndefined();
  });
});

describe("the alarm", () => {
  it("is never set for now or for a moment that has passed", async () => {
    const set: number[] = [];
    const { clock, storage } = await begin();
    const setAlarm = storage.setAlarm.bind(storage);
    storage.setAlarm = (ms) => {
      set.push(ms - clock.nowMs);
      return setAlarm(ms);
    };
    const store = await open(storage);
    const { service } = pulse(undefined, MINUTELY, DEFAULTS, START_MS);
    for (const wakeMs of [START_MS - DAY_MS, START_MS - 1, START_MS, START_MS + 1]) {
      store.spendAlarm();
      store.write(service, wakeMs, START_MS);
      expect(storage.alarmMs).toBe(START_MS + 1);
    }
    expect(set).toEqual([1, 1, 1, 1]);
  });

  it("is removed when there is nothing to wake up for", async () => {
    const { storage, store } = await begin();
    steadyPulse(store, START_MS);
    const { service } = expire(store.service as Service, START_MS + DAY_MS);
    store.write(service, nextWake(service, undefined), START_MS + DAY_MS);
    expect(storage.alarmMs).toBeNull();
    expect((await open(storage)).service).toEqual(service);
  });

  it("of a cancelled service is for the day on which it is forgotten; then nothing of it is left", async () => {
    const { storage, store } = await begin();
    steadyPulse(store, START_MS);
    const { service } = cancel(store.service as Service, START_MS + 1);
    store.write(service, nextWake(service, undefined), START_MS + 1);
    const endMs = START_MS + 1 + 30 * DAY_MS;
    expect(storage.alarmMs).toBe(endMs);
    expect((await open(storage)).service).toEqual(service);
    storage.beginAlarm();
    store.spendAlarm();
    const gone = expire(store.service as Service, endMs).service;
    store.write(gone, nextWake(gone, undefined), endMs);
    storage.endAlarm();
    expect(store.service).toBeUndefined();
    expect(storage.isEmpty).toBe(true);
    expect((await open(storage)).service).toBeUndefined();
  });

  it("of a forgotten service that owes something is for that, and the next birth is a higher revision", async () => {
    const { storage, store } = await begin();
    steadyPulse(store, START_MS);
    const { revision } = store;
    const { puts } = storage.written;
    store.write(undefined, START_MS + 15_000, START_MS + 1);
    expect(storage.written.puts).toBe(puts + 1);
    expect(storage.alarmMs).toBe(START_MS + 15_000);
    store.write(undefined, START_MS + 15_000, START_MS + 2);
    expect(storage.written.puts).toBe(puts + 1);
    expect(store.revision).toBe(revision);
    // Also when the clock steps back.
    steadyPulse(store, START_MS - DAY_MS);
    expect(store.revision).toBeGreaterThan(revision);
  });

  it("that has just woken the object is set again even if it is for the same moment", async () => {
    const { storage, store } = await begin();
    const service = steadyPulse(store, START_MS);
    storage.beginAlarm();
    store.spendAlarm();
    store.write(service, deadlineMs(service), START_MS + 1);
    expect(storage.alarmMs).toBe(deadlineMs(service));
  });

  it("that the platform refuses is reported", async () => {
    const errors: unknown[] = [];
    const { storage } = await begin();
    storage.setAlarm = () => Promise.reject(new Error("no"));
    const store = await StateStore.open(storage, neverLost, (error) => errors.push(error));
    steadyPulse(store, START_MS);
    await Promise.resolve();
    await Promise.resolve();
    expect(errors).toEqual([new Error("no")]);
  });
});

describe("what was saved", () => {
  const writes = fc.array(
    fc.record({
      service: fc.option(services, { nil: undefined, freq: 8 }),
      nowMs: moment,
      // As the object does: for the deadline or a delivery before it, or for neither.
      wake: fc.constantFrom("deadline", "before", "now", "after", "never"),
      isWoken: fc.boolean(),
      isEvicted: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  );

  it(
    "is loaded as it was, whether or not the row was written",
    async () => {
      await fc.assert(
        fc.asyncProperty(writes, async (list) => {
          const { clock, storage, store: first } = await begin();
          let store = first;
          for (const { service, nowMs, wake, isWoken, isEvicted } of list) {
            clock.nowMs = nowMs;
            const deadline = service ? deadlineMs(service) : nowMs + 1;
            const wakes = { deadline, before: deadline - 1, now: nowMs, after: deadline + 1, never: undefined };
            if (isWoken) {
              storage.beginAlarm();
              store.spendAlarm();
            }
            store.write(service, wakes[wake], nowMs);
            storage.endAlarm();
            const loaded = await open(storage);
            expect(loaded.service).toEqual(service);
            expect(loaded.service).toEqual(store.service);
            if (service) expect(loaded.revision).toBe(store.revision);
            if (isEvicted) store = loaded;
          }
        }),
        runs(300),
      );
    },
    timeoutOf(runs(300)),
  );

  it(
    "is loaded as it was at every step of a story in which only pulses and time have a part",
    async () => {
      const story = fc.array(
        fc.record({
          pauseMs: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: -5_000, max: DAY_MS })),
          said: fc.option(pulses, { nil: undefined }),
        }),
        { maxLength: 20 },
      );
      await fc.assert(
        fc.asyncProperty(story, async (steps) => {
          const { clock, storage, store } = await begin();
          steadyPulse(store, START_MS);
          for (const { pauseMs, said } of steps) {
            clock.nowMs += pauseMs;
            const before = store.service;
            if (!before) break;
            const change: Change = said ? pulse(before, said, DEFAULTS, clock.nowMs) : expire(before, clock.nowMs);
            store.write(change.service, nextWake(change.service, undefined), clock.nowMs);
            expect((await open(storage)).service).toEqual(change.service);
          }
        }),
        runs(200),
      );
    },
    timeoutOf(runs(200)),
  );

  it("survives that the object is killed while its alarm runs, before the first write", async () => {
    const { storage, store } = await begin();
    const service = steadyPulse(store, START_MS);
    storage.beginAlarm();
    store.spendAlarm();
    storage.kill();
    expect((await open(storage)).service).toEqual(service);
  });
});

describe("what an earlier release stored", () => {
  it("is loaded with what came later left at its defaults, and stored as it was said from then on", async () => {
    const { storage } = await begin();
    const promised = { nextInSeconds: 60, graceSeconds: 5, graceIsOwn: false, targets: [OWNER, OTHER] };
    const since = { sinceMs: START_MS - 1_000, deadlineMs: START_MS - 1_000 };
    storage.kv.put("service", { version: 1, revision: 7, status: "dead", ...since, ...promised });
    const store = await open(storage);
    expect(store.revision).toBe(7);
    const told = { reminders: 0, toldMs: START_MS - 1_000, remindEverySeconds: 0 };
    const dead = { status: "dead", sinceMs: START_MS - 1_000, lastMs: START_MS - 66_000, ...promised, ...told };
    expect(store.service).toEqual(dead);
    const { service, transitions } = pulse(store.service, { ...MINUTELY, target: OTHER }, DEFAULTS, START_MS);
    expect(transitions).toMatchObject([{ kind: "revived", targets: [OTHER] }, { removed: [OWNER] }]);
    store.write(service, nextWake(service, undefined), START_MS);
    const loaded = (await open(storage)).service;
    expect(loaded).toEqual(service);
    const back = pulse(loaded, MINUTELY, DEFAULTS, START_MS + 1).service;
    expect(toldTargets(back)).toEqual([OWNER, OTHER]);
  });
});

describe("the revision", () => {
  it("rises with every change but that of the deadline, also when the clock steps back", async () => {
    const { store } = await begin();
    let nowMs = START_MS;
    for (const status of ["alive", "dead", "alive", "cancelled"] as const) {
      const { revision } = store;
      store.write(inStatus(status, nowMs), undefined, nowMs);
      expect(store.revision).toBeGreaterThan(revision);
      nowMs -= DAY_MS;
    }
  });

  it("rises when the last pulse moves back: the directory orders rows by revision and last pulse", async () => {
    const { store } = await begin();
    steadyPulse(store, START_MS);
    const { revision } = store;
    steadyPulse(store, START_MS + 1_000);
    expect(store.revision).toBe(revision);
    steadyPulse(store, START_MS - 1_000);
    expect(store.revision).toBeGreaterThan(revision);
  });

  it("together with the last pulse orders whatever is written as it was written", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(services, moment), { minLength: 2, maxLength: 8 }), async (list) => {
        const { store } = await begin();
        let previous: [number, number] = [0, 0];
        for (const [service, nowMs] of list) {
          store.write(service, nextWake(service, undefined), nowMs);
          const [revision, lastMs] = [store.revision, service.lastMs];
          const isInOrder = revision > previous[0] || (revision === previous[0] && lastMs >= previous[1]);
          expect(isInOrder).toBe(true);
          previous = [revision, lastMs];
        }
      }),
    );
  });
});

describe("a lost alarm", () => {
  it("of an alive service makes the store ask for the last pulse to assume", async () => {
    const { storage, store } = await begin();
    const service = steadyPulse(store, START_MS);
    storage.loseAlarm();
    const assumed = START_MS - 30_000;
    const again = await open(storage, () => Promise.resolve(assumed));
    expect(again.service).toEqual({ ...service, lastMs: assumed });
    again.write(again.service, nextWake(again.service, undefined), START_MS + 1);
    expect(storage.alarmMs).toBe(assumed + 65_000);
  });

  it("of a service that is not alive is no loss, even if it was for the very deadline", async () => {
    for (const status of ["dead", "cancelled"] as const) {
      const { storage, store } = await begin();
      const service = inStatus(status, START_MS);
      store.write(service, deadlineMs(service), START_MS);
      storage.loseAlarm();
      expect((await open(storage)).service).toEqual(service);
    }
  });
});
