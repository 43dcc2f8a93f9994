import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Alive, deadlineMs, expectedMs } from "../../src/domain/service.ts";
import {
  assumedLastMs,
  expectedOf,
  isRefreshDue,
  isTrustworthy,
  REFRESH_SECONDS,
  refreshPhaseSeconds,
  type Snapshot,
  snapshotOf,
} from "../../src/domain/snapshot.ts";
import { DAY_MS, SECOND_MS } from "../../src/domain/time.ts";
import { expire, pulse } from "../../src/domain/verbs.ts";
import { graceSeconds, moment, OWNER, START_MS, serviceNames, services, TARGETS } from "./support/arbitraries.ts";

const BORN: Alive = pulse(
  undefined,
  { nextInSeconds: 60, target: OWNER, furtherTargets: TARGETS.slice(1) },
  { graceSeconds: 5 },
  START_MS,
).service;
const ROW: Snapshot = snapshotOf("backup", BORN, 1, START_MS);
const phases = fc.integer({ min: 0, max: REFRESH_SECONDS - 1 });

describe("a snapshot", () => {
  it("shows a service in whole seconds", () => {
    const seconds = Math.floor(START_MS / 1_000);
    expect(snapshotOf("backup", { ...BORN, sinceMs: START_MS - 1_000 }, 7, START_MS + 2_000)).toEqual({
      service: "backup",
      status: "alive",
      since: seconds - 1,
      last: seconds,
      nextIn: 60,
      grace: 5,
      graceIsOwn: false,
      remindEvery: 0,
      targets: TARGETS,
      revision: 7,
      asOf: seconds + 2,
    });
  });

  it("shows how often a death is told, and until when nobody is told", () => {
    const paused = { ...BORN, remindEverySeconds: 60, pauseUntilMs: START_MS + 60_000 };
    const pauseUntil = Math.floor(START_MS / 1_000) + 60;
    expect(snapshotOf("backup", paused, 1, START_MS)).toMatchObject({ remindEvery: 60, pauseUntil });
    expect(snapshotOf("backup", BORN, 1, START_MS)).not.toHaveProperty("pauseUntil");
  });

  it("expects the next pulse in the same second as the service itself", () => {
    fc.assert(
      fc.property(services, moment, (service, nowMs) => {
        expect(expectedOf(snapshotOf("backup", service, 1, nowMs))).toBe(Math.floor(expectedMs(service) / SECOND_MS));
      }),
    );
  });
});

describe("a directory row", () => {
  it("of a service that is dead or cancelled is always believed", () => {
    fc.assert(
      fc.property(services, moment, (service, nowMs) => {
        fc.pre(service.status !== "alive");
        expect(isTrustworthy(snapshotOf("backup", service, 1, START_MS), nowMs)).toBe(true);
      }),
    );
  });

  it("of an alive service is believed for its promise, its grace, a refresh period and half a minute", () => {
    const last = ROW.last * SECOND_MS;
    expect(isTrustworthy(ROW, last + 695 * SECOND_MS + 999)).toBe(true);
    expect(isTrustworthy(ROW, last + 696 * SECOND_MS)).toBe(false);
  });

  it("is believed as long as a steady service lives, although not every pulse refreshes it", () => {
    const story = fc.record({
      nextInSeconds: fc.oneof(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 100_000 })),
      graceSeconds,
      shares: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 }),
    });
    fc.assert(
      fc.property(story, phases, ({ nextInSeconds, graceSeconds, shares }, phase) => {
        const said = { nextInSeconds, graceSeconds, target: OWNER };
        let service = pulse(undefined, said, { graceSeconds }, START_MS).service;
        let row = snapshotOf("backup", service, 1, START_MS);
        for (const share of shares) {
          const lastMomentMs = deadlineMs(service) - 1;
          expect(isTrustworthy(row, lastMomentMs)).toBe(true);
          const nowMs = service.lastMs + Math.floor((lastMomentMs - service.lastMs) * share);
          const before = service;
          ({ service } = pulse(before, said, { graceSeconds }, nowMs));
          if (isRefreshDue(before.lastMs, nowMs, phase)) row = snapshotOf("backup", service, 1, nowMs);
        }
      }),
    );
  });
});

describe("a refresh", () => {
  it("is due exactly when a pulse is the first of a period of ten minutes", () => {
    const period = REFRESH_SECONDS * SECOND_MS;
    const begin = Math.ceil(START_MS / period) * period;
    expect(isRefreshDue(begin - 1, begin, 0)).toBe(true);
    expect(isRefreshDue(begin, begin + period - 1, 0)).toBe(false);
    expect(isRefreshDue(begin, begin + period, 0)).toBe(true);
    // A service that is shifted by a second has its periods begin a second earlier.
    expect(isRefreshDue(begin - 1_001, begin - 1_000, 1)).toBe(true);
    expect(isRefreshDue(begin - 1, begin, 1)).toBe(false);
  });

  it("comes once per period at the most, and at least once in every period that has a pulse", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: DAY_MS }), { minLength: 1 }), phases, (offsets, phase) => {
        const times = offsets.map((offset) => START_MS + offset).sort((a, b) => a - b);
        const periodOf = (ms: number) => Math.floor((ms + phase * SECOND_MS) / (REFRESH_SECONDS * SECOND_MS));
        const refreshed = times.filter(
          (ms, index) => index === 0 || isRefreshDue(times[index - 1] as number, ms, phase),
        );
        expect(refreshed.map(periodOf)).toEqual([...new Set(times.map(periodOf))]);
      }),
    );
  });

  it("has a phase that depends on the name alone, and lies within the period", () => {
    fc.assert(
      fc.property(serviceNames, (name) => {
        const phase = refreshPhaseSeconds(name);
        expect(Number.isInteger(phase)).toBe(true);
        expect(phase).toBeGreaterThanOrEqual(0);
        expect(phase).toBeLessThan(REFRESH_SECONDS);
        expect(refreshPhaseSeconds(name)).toBe(phase);
      }),
    );
  });

  it("of a thousand services is spread over the period", () => {
    const perMinute = new Array<number>(10).fill(0);
    for (let i = 0; i < 1_000; i++) {
      const minute = Math.floor(refreshPhaseSeconds(`service-${i}`) / 60);
      perMinute[minute] = (perMinute[minute] ?? 0) + 1;
    }
    expect(Math.min(...perMinute)).toBeGreaterThan(50);
    expect(Math.max(...perMinute)).toBeLessThan(150);
  });
});

describe("the last pulse of an alive service whose deadline was lost", () => {
  it("is assumed as late as a row in the directory may be behind, but not in the future", () => {
    const rowMs = ROW.last * SECOND_MS;
    expect(assumedLastMs(ROW, rowMs + DAY_MS)).toBe(rowMs + 600_000);
    expect(assumedLastMs(ROW, rowMs + 599_999)).toBe(rowMs + 599_999);
  });

  it("is assumed now where the directory knows nothing", () => {
    expect(assumedLastMs(undefined, START_MS)).toBe(START_MS);
  });

  it("never makes a steady service die before its real deadline", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 600_000 }), fc.integer({ min: 0, max: DAY_MS }), (behindMs, laterMs) => {
        const row = snapshotOf("backup", { ...BORN, lastMs: BORN.lastMs - behindMs }, 1, START_MS);
        const nowMs = BORN.lastMs + laterMs;
        const restored = { ...BORN, lastMs: assumedLastMs(row, nowMs) };
        // The row holds whole seconds, so it may be up to a second short.
        const isDead = expire(restored, nowMs).service?.status === "dead";
        if (isDead) expect(nowMs).toBeGreaterThan(deadlineMs(BORN) - SECOND_MS);
      }),
    );
  });
});
