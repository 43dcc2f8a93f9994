import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dead, Pulse, Service } from "../../src/domain/service.ts";
import { DAY_MS, SECOND_MS } from "../../src/domain/time.ts";
import { cancel, expire, nextChangeMs, pulse } from "../../src/domain/verbs.ts";
import { OTHER, OWNER, pauseMs, pulses, START_MS, services } from "./support/arbitraries.ts";
import { DEFAULTS } from "./support/story.ts";

const SAID: Pulse = { nextInSeconds: 60, target: OWNER, furtherTargets: [OTHER], remindEverySeconds: 600 };
const DEADLINE_MS = START_MS + 65_000;
const EVERY_MS = 600_000;
const ALIVE = pulse(undefined, SAID, DEFAULTS, START_MS).service;
const DEAD = expire(ALIVE, DEADLINE_MS).service as Dead;
const REMINDED = { kind: "reminded", lastMs: START_MS, expectedMs: START_MS + 60_000, targets: [OWNER, OTHER] };

describe("how often a death is told", () => {
  it("is once where no pulse ever asked for more", () => {
    const { service } = pulse(undefined, { nextInSeconds: 60, target: OWNER }, DEFAULTS, START_MS);
    const dead = expire(service, DEADLINE_MS).service as Dead;
    expect(nextChangeMs(dead)).toBeUndefined();
    expect(expire(dead, START_MS + 9_999 * DAY_MS)).toEqual({ service: dead, transitions: [] });
  });

  it("is kept by pulses that don't mention it, until one asks for another, or for none", () => {
    fc.assert(
      fc.property(services, pulses, (before, said) => {
        const nowMs = before.sinceMs;
        const kept = expire(before, nowMs).service?.remindEverySeconds;
        const { service } = pulse(before, said, DEFAULTS, nowMs);
        expect(service.remindEverySeconds).toBe(said.remindEverySeconds ?? kept ?? 0);
      }),
    );
    expect(pulse(ALIVE, { ...SAID, remindEverySeconds: 0 }, DEFAULTS, START_MS).service.remindEverySeconds).toBe(0);
  });
});

describe("a reminder", () => {
  it("comes when the time since the last telling has passed, and not a millisecond before", () => {
    expect(nextChangeMs(DEAD)).toBe(DEADLINE_MS + EVERY_MS);
    expect(expire(DEAD, DEADLINE_MS + EVERY_MS - 1)).toEqual({ service: DEAD, transitions: [] });
    const atMs = DEADLINE_MS + EVERY_MS;
    expect(expire(DEAD, atMs)).toEqual({
      service: { ...DEAD, toldMs: atMs, reminders: 1 },
      transitions: [{ ...REMINDED, atMs, reminders: 0 }],
    });
  });

  it("counts those before it, and the time from when it was told, be it late", () => {
    let service = DEAD;
    let nowMs = DEADLINE_MS;
    for (let reminders = 0; reminders < 5; reminders++) {
      nowMs += EVERY_MS + 1_234;
      const change = expire(service, nowMs);
      expect(change.transitions).toEqual([{ ...REMINDED, atMs: nowMs, reminders }]);
      service = change.service as Dead;
      expect(nextChangeMs(service)).toBe(nowMs + EVERY_MS);
    }
  });

  it("that was missed is not made up for: whenever one looks, at most one is told", () => {
    fc.assert(
      fc.property(fc.array(pauseMs), (pauses) => {
        let service: Service = DEAD;
        let nowMs = DEADLINE_MS;
        let lastMs = DEADLINE_MS;
        for (const pause of pauses) {
          nowMs += pause;
          const change = expire(service, nowMs);
          const isDue = nowMs >= lastMs + EVERY_MS;
          expect(change.transitions.map(({ kind, atMs }) => [kind, atMs])).toEqual(isDue ? [["reminded", nowMs]] : []);
          if (isDue) lastMs = nowMs;
          service = change.service as Service;
          expect(service).toMatchObject({ status: "dead", sinceMs: DEADLINE_MS });
        }
      }),
    );
  });

  it("does not come with the death, however late that is noticed", () => {
    fc.assert(
      fc.property(pauseMs, (lateMs) => {
        const { service, transitions } = expire(ALIVE, DEADLINE_MS + lateMs);
        expect(transitions).toMatchObject([{ kind: "died" }]);
        expect(nextChangeMs(service as Service)).toBe(DEADLINE_MS + lateMs + EVERY_MS);
      }),
    );
  });

  it("that is due when the service pulses comes before the return, and none after it", () => {
    const nowMs = DEADLINE_MS + EVERY_MS;
    const { service, transitions } = pulse(DEAD, SAID, DEFAULTS, nowMs);
    expect(transitions).toMatchObject([{ kind: "reminded" }, { kind: "revived", targets: [OWNER, OTHER] }]);
    expect(expire(service, nowMs + 64_999).transitions).toEqual([]);
    expect(expire(service, nowMs + 65_000).service).toMatchObject({ status: "dead", reminders: 0 });
  });

  it("does not come after a cancel", () => {
    const { service } = cancel(DEAD, DEADLINE_MS + 1);
    expect(expire(service as Service, DEADLINE_MS + 29 * DAY_MS).transitions).toEqual([]);
  });

  it("does not come sooner when the clock steps back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 86_400 }), fc.nat(DAY_MS), (remindEverySeconds, backMs) => {
        const dead: Dead = { ...DEAD, remindEverySeconds };
        expect(expire(dead, DEADLINE_MS - backMs).transitions).toEqual([]);
        expect(nextChangeMs(dead)).toBe(DEADLINE_MS + remindEverySeconds * SECOND_MS);
      }),
    );
  });

  it("waits for the end of a pause that the clock has brought back", () => {
    const pauseUntilMs = DEADLINE_MS + 2 * EVERY_MS;
    const dead: Dead = { ...DEAD, pauseUntilMs };
    expect(nextChangeMs(dead)).toBe(pauseUntilMs);
    expect(expire(dead, pauseUntilMs - 1).transitions).toEqual([]);
  });
});
