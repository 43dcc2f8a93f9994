import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deadlineMs, type Pulse, type Service } from "../../src/domain/service.ts";
import { DAY_MS, HOUR_MS } from "../../src/domain/time.ts";
import { cancel, expire, nextChangeMs, pause, pulse } from "../../src/domain/verbs.ts";
import { OTHER, OWNER, START_MS } from "./support/arbitraries.ts";
import { DEFAULTS, steps, tell } from "./support/story.ts";

const MINUTELY: Pulse = { nextInSeconds: 60, target: OWNER };
const DAILY: Pulse = { nextInSeconds: 86_400, target: OWNER };
const DEADLINE_MS = START_MS + 65_000;
const END_MS = START_MS + HOUR_MS;
const BEFORE = { lastMs: START_MS, expectedMs: START_MS + 60_000 };

const hear = (before: Service | undefined, said: Pulse, nowMs: number) => pulse(before, said, DEFAULTS, nowMs);
const PAUSED = hear(undefined, { ...MINUTELY, pauseUntilMs: END_MS }, START_MS).service;
/** It died at its deadline, and its owner knows. */
const DEAD = expire(hear(undefined, MINUTELY, START_MS).service, DEADLINE_MS).service as Service;

describe("a pause", () => {
  it("lasts until its moment, is kept by pulses that don't mention it, and forgotten when it is over", () => {
    expect(PAUSED.pauseUntilMs).toBe(END_MS);
    expect(hear(PAUSED, MINUTELY, START_MS + 1).service.pauseUntilMs).toBe(END_MS);
    const later = hear(PAUSED, DAILY, START_MS + 1).service;
    expect(hear(later, MINUTELY, END_MS - 1).service.pauseUntilMs).toBe(END_MS);
    expect(hear(later, MINUTELY, END_MS).service).not.toHaveProperty("pauseUntilMs");
  });

  it("is moved, or ended, by a pulse that says so", () => {
    expect(hear(PAUSED, { ...MINUTELY, pauseUntilMs: END_MS + 1 }, START_MS + 1).service.pauseUntilMs).toBe(END_MS + 1);
    for (const pauseUntilMs of [0, START_MS, START_MS + 1]) {
      expect(hear(PAUSED, { ...MINUTELY, pauseUntilMs }, START_MS + 1).service).not.toHaveProperty("pauseUntilMs");
    }
  });

  it("outlives a cancel and a resumption", () => {
    const { service: cancelled } = cancel(PAUSED, START_MS + 1);
    expect(hear(cancelled, MINUTELY, START_MS + 2).service.pauseUntilMs).toBe(END_MS);
  });

  it("says nothing about events: whoever is alive throughout has no news at its end", () => {
    const { service } = hear(PAUSED, DAILY, START_MS + 1);
    expect(nextChangeMs(service)).toBe(deadlineMs(service));
    expect(expire(service, END_MS)).toEqual({ service, transitions: [] });
  });
});

describe("a death within a pause", () => {
  const died = expire(PAUSED, DEADLINE_MS);
  const dead = died.service as Service;

  it("is noticed at the deadline, but told to nobody", () => {
    expect(died.transitions).toEqual([{ kind: "died", atMs: DEADLINE_MS, ...BEFORE, targets: [], changes: 1 }]);
    expect(dead).toMatchObject({ status: "dead", sinceMs: DEADLINE_MS, reminders: 0 });
    expect(dead).not.toHaveProperty("toldMs");
    expect(expire(dead, END_MS - 1)).toEqual({ service: dead, transitions: [] });
  });

  it("is told at the end of the pause if it is true then, and not a millisecond before", () => {
    expect(nextChangeMs(dead)).toBe(END_MS);
    expect(expire(dead, END_MS)).toEqual({
      service: { ...dead, toldMs: END_MS },
      transitions: [{ kind: "death-told", atMs: END_MS, ...BEFORE, targets: [OWNER] }],
    });
  });

  it("that is noticed only after the pause is told at once", () => {
    expect(expire(PAUSED, END_MS).transitions).toEqual([
      { kind: "died", atMs: DEADLINE_MS, ...BEFORE, targets: [OWNER], changes: 1 },
    ]);
    expect(expire(PAUSED, END_MS - 1).transitions).toMatchObject([{ kind: "died", targets: [] }]);
  });

  it("is not told any more after a pulse, and neither is the return", () => {
    const { service, transitions } = hear(dead, DAILY, END_MS - 1);
    expect(transitions).toEqual([{ kind: "revived", atMs: END_MS - 1, ...BEFORE, targets: [], changes: 2 }]);
    expect(service).not.toHaveProperty("untoldRevival");
    expect(expire(service, END_MS + 1).transitions).toEqual([]);
  });

  it("is not told to anyone by a pulse that ends the pause: it is over", () => {
    const { service, transitions } = hear(dead, { ...DAILY, pauseUntilMs: 0 }, END_MS - 1);
    expect(transitions).toEqual([{ kind: "revived", atMs: END_MS - 1, ...BEFORE, targets: [], changes: 2 }]);
    expect(expire(service, END_MS + 1).transitions).toEqual([]);
  });

  it("together with a return after the pause makes news of both", () => {
    expect(hear(dead, MINUTELY, END_MS).transitions).toMatchObject([
      { kind: "death-told", atMs: END_MS, targets: [OWNER] },
      { kind: "revived", atMs: END_MS, targets: [OWNER] },
    ]);
  });

  it("is not told after a cancel", () => {
    const { service, transitions } = cancel(dead, END_MS - 1);
    expect(transitions).toEqual([{ kind: "cancelled", atMs: END_MS - 1 }]);
    expect(expire(service as Service, END_MS).transitions).toEqual([]);
  });

  it("has its reminders count from when it is told", () => {
    const reminding = expire({ ...PAUSED, remindEverySeconds: 60 }, DEADLINE_MS).service as Service;
    expect(expire(reminding, END_MS - 1).transitions).toEqual([]);
    const told = expire(reminding, END_MS).service as Service;
    expect(nextChangeMs(told)).toBe(END_MS + 60_000);
  });
});

describe("a return within a pause", () => {
  const revivedMs = DEADLINE_MS + 10_000;
  const revived = hear(DEAD, { ...DAILY, pauseUntilMs: END_MS }, revivedMs);
  const told = { kind: "revival-told", revivedMs, ...BEFORE, targets: [OWNER] };

  it("from a death that was told is recorded, and told when the pause ends", () => {
    expect(revived.transitions).toEqual([{ kind: "revived", atMs: revivedMs, ...BEFORE, targets: [], changes: 2 }]);
    expect(revived.service.untoldRevival).toEqual({ ...BEFORE, atMs: revivedMs });
    expect(nextChangeMs(revived.service)).toBe(END_MS);
    expect(expire(revived.service, END_MS - 1)).toEqual({ service: revived.service, transitions: [] });
    const { untoldRevival: _, ...service } = revived.service;
    for (const lateMs of [0, 5_000]) {
      expect(expire(revived.service, END_MS + lateMs)).toEqual({
        service,
        transitions: [{ ...told, atMs: END_MS }],
      });
    }
  });

  it("is not forgotten by further pulses, which may move the pause", () => {
    const again = hear(revived.service, { ...DAILY, pauseUntilMs: END_MS + 5_000 }, revivedMs + 1);
    expect(again.transitions).toEqual([]);
    expect(again.service.untoldRevival).toEqual({ ...BEFORE, atMs: revivedMs });
    expect(hear(again.service, DAILY, END_MS + 1).transitions).toEqual([]);
    expect(hear(again.service, DAILY, END_MS + 5_000).transitions).toEqual([{ ...told, atMs: END_MS + 5_000 }]);
  });

  it("is told at once by a pulse that ends the pause, to that pulse's targets", () => {
    const again = hear(revived.service, { ...DAILY, target: OTHER, pauseUntilMs: 0 }, revivedMs + 1);
    expect(again.transitions).toEqual([
      { ...told, atMs: revivedMs + 1, targets: [OTHER] },
      { kind: "retargeted", atMs: revivedMs + 1, removed: [OWNER] },
    ]);
    expect(again.service).not.toHaveProperty("untoldRevival");
  });

  it("is not told where the service is dead again when the pause ends: that is what is told", () => {
    const brief = hear(DEAD, { ...MINUTELY, pauseUntilMs: END_MS }, revivedMs).service;
    const { service, transitions } = expire(brief, revivedMs + 65_000);
    expect(transitions).toMatchObject([{ kind: "died", targets: [] }]);
    expect(expire(service as Service, END_MS).transitions).toMatchObject([{ kind: "death-told" }]);
  });

  it("that ends at the very deadline is not told: the service is dead then", () => {
    const brief = hear(DEAD, { ...MINUTELY, pauseUntilMs: revivedMs + 65_000 }, revivedMs).service;
    expect(expire(brief, revivedMs + 65_000).transitions).toMatchObject([{ kind: "died", targets: [OWNER] }]);
  });

  it("is told before a death that comes after the pause, however late both are noticed", () => {
    expect(expire(revived.service, START_MS + 9 * DAY_MS).transitions).toMatchObject([
      { kind: "revival-told", atMs: END_MS },
      { kind: "died", atMs: revivedMs + 86_405_000, targets: [OWNER] },
    ]);
  });

  it("is not told after a cancel, nor after a resumption", () => {
    const { service } = cancel(revived.service, revivedMs + 1);
    expect(expire(service as Service, END_MS).transitions).toEqual([]);
    const resumed = hear(service, DAILY, revivedMs + 2);
    expect(resumed.transitions).toMatchObject([{ kind: "resumed" }]);
    expect(expire(resumed.service, END_MS).transitions).toEqual([]);
  });
});

describe("in any story", () => {
  it("nobody is told anything within a pause", () => {
    fc.assert(
      fc.property(steps("forward"), (story) => {
        for (const { nowMs, before, after, transitions } of tell(story)) {
          // A pulse may move the pause: what it told by itself counts by the new one, what was due before by the old.
          const isPaused = (service: Service | undefined) => (service?.pauseUntilMs ?? 0) > nowMs;
          if (!isPaused(before) || (after && !isPaused(after))) continue;
          for (const transition of transitions) {
            if ("targets" in transition) expect(transition.targets).toEqual([]);
          }
        }
      }),
    );
  });

  it("a return is kept for later only within a pause, and only while its owner believes it dead", () => {
    fc.assert(
      fc.property(steps("forward"), (story) => {
        let isBelievedDead = false;
        for (const { nowMs, after, transitions } of tell(story)) {
          for (const transition of transitions) {
            if (transition.kind === "cancelled") isBelievedDead = false;
            if (!("targets" in transition) || transition.targets.length === 0) continue;
            isBelievedDead = transition.kind !== "revived" && transition.kind !== "revival-told";
          }
          if (after?.status !== "alive" || !after.untoldRevival) continue;
          expect(after.pauseUntilMs).toBeGreaterThan(nowMs);
          expect(isBelievedDead).toBe(true);
        }
      }),
    );
  });
});

describe("a pause without a pulse", () => {
  const alive = hear(undefined, MINUTELY, START_MS).service;

  it("is no sign of life: the deadline stays, and a death within it is told at its end", () => {
    const { service, transitions } = pause(alive, END_MS, START_MS + 1_000);
    expect(transitions).toEqual([]);
    expect(service).toEqual({ ...alive, pauseUntilMs: END_MS });
    const dead = expire(service as Service, DEADLINE_MS);
    expect(dead.transitions).toMatchObject([{ kind: "died", targets: [] }]);
    expect(expire(dead.service as Service, END_MS).transitions).toMatchObject([
      { kind: "death-told", atMs: END_MS, targets: [OWNER] },
    ]);
  });

  it("that is ended tells at once what it kept back", () => {
    const paused = pause(alive, END_MS, START_MS + 1_000).service as Service;
    const dead = expire(paused, DEADLINE_MS).service as Service;
    expect(pause(dead, 0, DEADLINE_MS + 7).transitions).toMatchObject([{ kind: "death-told", atMs: DEADLINE_MS + 7 }]);
    const back = hear(pause(DEAD, END_MS, DEADLINE_MS + 1).service, DAILY, DEADLINE_MS + 2);
    expect(back.transitions).toMatchObject([{ kind: "revived", targets: [] }]);
    expect(pause(back.service, 0, DEADLINE_MS + 9).transitions).toMatchObject([
      { kind: "revival-told", atMs: DEADLINE_MS + 9, revivedMs: DEADLINE_MS + 2, targets: [OWNER] },
    ]);
  });

  it("changes nothing where there is none to end, and nothing of a cancelled service", () => {
    expect(pause(alive, START_MS, START_MS + 1)).toEqual({ service: alive, transitions: [] });
    const { service: cancelled } = cancel(alive, START_MS + 1);
    expect(pause(cancelled as Service, END_MS, START_MS + 2)).toEqual({ service: cancelled, transitions: [] });
  });

  it("keeps reminders back, too", () => {
    const { service } = pause({ ...DEAD, remindEverySeconds: 60 }, END_MS, DEADLINE_MS + 1);
    expect(nextChangeMs(service as Service)).toBe(END_MS);
  });
});
