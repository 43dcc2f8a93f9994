import { describe, expect, it } from "vitest";
import { deadlineMs } from "../../src/domain/service.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { expire, pulse } from "../../src/domain/verbs.ts";
import { nextWake } from "../../src/domain/wake.ts";
import { OTHER, START_MS } from "./support/arbitraries.ts";
import { begin, MINUTELY, open, steadyPulse } from "./support/store.ts";
import { DEFAULTS } from "./support/story.ts";

describe("steady pulses", () => {
  it("each write exactly one row, the alarm", async () => {
    const { clock, storage, store } = await begin();
    steadyPulse(store, START_MS);
    expect(storage.written).toEqual({ puts: 1, alarms: 1, sql: 0 });
    for (let i = 1; i <= 20; i++) {
      clock.nowMs = START_MS + i * MINUTE_MS;
      const service = steadyPulse(store, clock.nowMs);
      expect(storage.written).toEqual({ puts: 1, alarms: 1 + i, sql: 0 });
      expect(storage.alarmMs).toBe(deadlineMs(service));
      expect((await open(storage)).service).toEqual(service);
    }
  });

  it("still do after the object was evicted", async () => {
    const { clock, storage, store } = await begin();
    steadyPulse(store, START_MS);
    const again = await open(storage);
    clock.nowMs = START_MS + MINUTE_MS;
    steadyPulse(again, clock.nowMs);
    expect(storage.written).toEqual({ puts: 1, alarms: 2, sql: 0 });
    expect(again.revision).toBe(store.revision);
  });

  it("still do once a delivery that had the alarm is done", async () => {
    const { storage, store } = await begin();
    const service = steadyPulse(store, START_MS);
    store.write(service, START_MS + 15_000, START_MS);
    expect(storage.written).toEqual({ puts: 2, alarms: 2, sql: 0 });
    store.write(service, deadlineMs(service), START_MS + 1_000);
    expect(storage.written).toEqual({ puts: 3, alarms: 3, sql: 0 });
    steadyPulse(store, START_MS + MINUTE_MS);
    expect(storage.written).toEqual({ puts: 3, alarms: 4, sql: 0 });
  });

  it("that come twice in a millisecond write nothing the second time", async () => {
    const { storage, store } = await begin();
    steadyPulse(store, START_MS);
    steadyPulse(store, START_MS);
    expect(storage.written).toEqual({ puts: 1, alarms: 1, sql: 0 });
  });

  it("still do with all that a pulse may say, and within a pause", async () => {
    const { storage, store } = await begin();
    const said = {
      ...MINUTELY,
      graceSeconds: 9,
      remindEverySeconds: 60,
      pauseUntilMs: START_MS + HOUR_MS,
      furtherTargets: [OTHER, OTHER],
    };
    for (let i = 0; i <= 20; i++) {
      const nowMs = START_MS + i * MINUTE_MS;
      const { service } = pulse(store.service, i % 2 === 0 ? said : MINUTELY, DEFAULTS, nowMs);
      store.write(service, nextWake(service, undefined), nowMs);
      expect(storage.written).toEqual({ puts: 1, alarms: 1 + i, sql: 0 });
    }
  });

  it("write one row, too, while a pause keeps a return from being told: the alarm is for its end", async () => {
    const { storage, store } = await begin();
    const dead = expire(steadyPulse(store, START_MS), START_MS + HOUR_MS).service;
    const pauseUntilMs = START_MS + 2 * HOUR_MS;
    let nowMs = START_MS + HOUR_MS;
    const { service } = pulse(dead, { ...MINUTELY, nextInSeconds: 86_400, pauseUntilMs }, DEFAULTS, nowMs);
    store.write(service, nextWake(service, undefined), nowMs);
    expect(storage.alarmMs).toBe(pauseUntilMs);
    const { puts, alarms } = storage.written;
    nowMs += MINUTE_MS;
    const again = pulse(service, { ...MINUTELY, nextInSeconds: 86_400 }, DEFAULTS, nowMs).service;
    const { revision } = store;
    store.write(again, nextWake(again, undefined), nowMs);
    expect(storage.written).toEqual({ puts: puts + 1, alarms, sql: 0 });
    expect(store.revision).toBe(revision);
    expect((await open(storage)).service).toEqual(again);
  });

  it("write the row as well when the promise, the grace, the targets, the reminders or the pause changes", async () => {
    const { storage, store } = await begin();
    steadyPulse(store, START_MS);
    const changes = [
      { ...MINUTELY, nextInSeconds: 61 },
      { ...MINUTELY, nextInSeconds: 61, graceSeconds: 5 },
      { ...MINUTELY, nextInSeconds: 61, graceSeconds: 6 },
      { ...MINUTELY, nextInSeconds: 61, target: OTHER },
      { ...MINUTELY, nextInSeconds: 61, furtherTargets: [OTHER] },
      { ...MINUTELY, nextInSeconds: 61, furtherTargets: [] },
      { ...MINUTELY, nextInSeconds: 61, remindEverySeconds: 60 },
      { ...MINUTELY, nextInSeconds: 61, pauseUntilMs: START_MS + 10_000 },
      { ...MINUTELY, nextInSeconds: 61, pauseUntilMs: 0 },
    ];
    for (const [index, said] of changes.entries()) {
      const { revision } = store;
      const { service } = pulse(store.service, said, DEFAULTS, START_MS + 1 + index);
      store.write(service, deadlineMs(service), START_MS + 1 + index);
      expect(storage.written.puts).toBe(2 + index);
      expect(store.revision).toBeGreaterThan(revision);
    }
  });
});
