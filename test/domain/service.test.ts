import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Alive,
  cancel,
  deadlineMs,
  expectedMs,
  expire,
  type Pulse,
  pulse,
  type Service,
  type Transition,
} from "../../src/domain/service.ts";
import { SECOND_MS } from "../../src/domain/time.ts";
import { defaults, moment, pauseMs, pulses, START_MS, services, TARGETS } from "./support/arbitraries.ts";
import { DEFAULTS, type Step, steps, tell } from "./support/story.ts";

const [OWNER, , OTHER] = TARGETS as [(typeof TARGETS)[0], (typeof TARGETS)[0], (typeof TARGETS)[0]];
const MINUTELY: Pulse = { nextInSeconds: 60, targets: [OWNER] };

/** A service that pulsed once, at the start: expected after a minute, dead 5 s later. */
const BORN: Alive = pulse(undefined, MINUTELY, DEFAULTS, START_MS).service;
const EXPECTED_MS = START_MS + 60_000;
const DEADLINE_MS = START_MS + 65_000;

/** The worse, the higher; what is cancelled is waited for no more. */
const RANK: Record<Service["status"], number> = { alive: 0, dead: 1, cancelled: 2 };

const transitionsOf = (story: readonly Step[]): Transition[] => tell(story).flatMap(({ transitions }) => transitions);

describe("a first pulse", () => {
  it("makes a service that is alive until its promise and the grace have passed", () => {
    expect(pulse(undefined, MINUTELY, DEFAULTS, START_MS)).toEqual({
      service: {
        status: "alive",
        sinceMs: START_MS,
        lastMs: START_MS,
        nextInSeconds: 60,
        graceSeconds: 5,
        graceIsOwn: false,
        targets: [OWNER],
      },
      transitions: [{ kind: "born", atMs: START_MS }],
    });
    expect(expectedMs(BORN)).toBe(EXPECTED_MS);
    expect(deadlineMs(BORN)).toBe(DEADLINE_MS);
  });
});

describe("a pulse", () => {
  it("always makes a service alive, whatever it was, from now on", () => {
    fc.assert(
      fc.property(fc.option(services, { nil: undefined }), pulses, defaults, moment, (before, said, config, nowMs) => {
        const { service, transitions } = pulse(before, said, config, nowMs);
        expect(service).toMatchObject({ status: "alive", lastMs: nowMs, nextInSeconds: said.nextInSeconds });
        expect(service.targets).toEqual(said.targets);
        expect(transitions.filter(({ kind }) => kind !== "died").length).toBeLessThanOrEqual(1);
        expect(expire(service, deadlineMs(service) - 1).service).toBe(service);
      }),
    );
  });

  it("in time changes nothing but the promise, and is told to nobody", () => {
    const later = pulse(BORN, MINUTELY, DEFAULTS, DEADLINE_MS - 1);
    expect(later).toEqual({ service: { ...BORN, lastMs: DEADLINE_MS - 1 }, transitions: [] });
  });

  it("within the grace is still in time", () => {
    expect(pulse(BORN, MINUTELY, DEFAULTS, EXPECTED_MS + 4_999).transitions).toEqual([]);
  });

  it("at the deadline, before anyone noticed, tells of the death and of the revival", () => {
    const { service, transitions } = pulse(BORN, { nextInSeconds: 10, targets: [OTHER] }, DEFAULTS, DEADLINE_MS);
    expect(service).toMatchObject({ status: "alive", sinceMs: DEADLINE_MS, targets: [OTHER] });
    expect(transitions).toEqual([
      { kind: "died", atMs: DEADLINE_MS, lastMs: START_MS, expectedMs: EXPECTED_MS, targets: [OWNER] },
      { kind: "revived", atMs: DEADLINE_MS, lastMs: START_MS, expectedMs: EXPECTED_MS, targets: [OTHER] },
    ]);
  });

  it("of a dead service tells its own targets of the revival, and of the silence before it", () => {
    const dead = expire(BORN, DEADLINE_MS + 7_000).service;
    const nowMs = DEADLINE_MS + 100_000;
    const { service, transitions } = pulse(dead, { nextInSeconds: 10, targets: [OTHER] }, DEFAULTS, nowMs);
    expect(service).toMatchObject({ status: "alive", sinceMs: nowMs, lastMs: nowMs });
    expect(transitions).toEqual([
      { kind: "revived", atMs: nowMs, lastMs: START_MS, expectedMs: EXPECTED_MS, targets: [OTHER] },
    ]);
  });

  it("of a cancelled service resumes it without news, however long it was silent", () => {
    const cancelled = cancel(BORN, START_MS + 1_000).service;
    const nowMs = DEADLINE_MS + 1_000_000;
    const { service, transitions } = pulse(cancelled, MINUTELY, DEFAULTS, nowMs);
    expect(service).toMatchObject({ status: "alive", sinceMs: nowMs });
    expect(transitions).toEqual([{ kind: "resumed", atMs: nowMs }]);
  });
});

describe("the grace", () => {
  const own: Pulse = { ...MINUTELY, graceSeconds: 30 };

  it("is the configured one as long as no pulse asks for another, and follows the configuration", () => {
    const { service } = pulse(BORN, MINUTELY, { graceSeconds: 9 }, START_MS + 1);
    expect(service).toMatchObject({ graceSeconds: 9, graceIsOwn: false });
  });

  it("of a pulse's own is kept by later pulses that don't mention it, whatever is configured", () => {
    fc.assert(
      fc.property(services, pulses, defaults, moment, (before, said, config, nowMs) => {
        const { service } = pulse(before, said, config, nowMs);
        const kept = before.graceIsOwn ? before.graceSeconds : undefined;
        expect(service.graceSeconds).toBe(said.graceSeconds ?? kept ?? config.graceSeconds);
        expect(service.graceIsOwn).toBe(said.graceSeconds !== undefined || before.graceIsOwn);
      }),
    );
  });

  it("may be none at all: then the promise is the deadline", () => {
    const strict = pulse(BORN, { ...MINUTELY, graceSeconds: 0 }, DEFAULTS, START_MS).service;
    expect(deadlineMs(strict)).toBe(EXPECTED_MS);
    const again = pulse(strict, MINUTELY, DEFAULTS, START_MS + 1).service;
    expect(again).toMatchObject({ graceSeconds: 0, graceIsOwn: true });
  });

  it("of its own outlives a death and a cancel", () => {
    const alive = pulse(undefined, own, DEFAULTS, START_MS).service;
    const dead = expire(alive, deadlineMs(alive)).service;
    expect(dead.status).toBe("dead");
    expect(pulse(dead, MINUTELY, DEFAULTS, dead.sinceMs).service).toMatchObject({ graceSeconds: 30, graceIsOwn: true });
    const cancelled = cancel(alive, START_MS).service;
    expect(pulse(cancelled, MINUTELY, DEFAULTS, START_MS).service).toMatchObject({
      graceSeconds: 30,
      graceIsOwn: true,
    });
  });
});

describe("time alone", () => {
  it("leaves a service alive until just before its deadline, and not a millisecond longer", () => {
    expect(expire(BORN, DEADLINE_MS - 1)).toEqual({ service: BORN, transitions: [] });
    expect(expire(BORN, DEADLINE_MS)).toEqual({
      service: { ...BORN, status: "dead", sinceMs: DEADLINE_MS },
      transitions: [{ kind: "died", atMs: DEADLINE_MS, lastMs: START_MS, expectedMs: EXPECTED_MS, targets: [OWNER] }],
    });
  });

  it("dates a death at its deadline, however late it is noticed", () => {
    fc.assert(
      fc.property(pauseMs, (lateMs) => {
        const { service, transitions } = expire(BORN, DEADLINE_MS + lateMs);
        expect(service.sinceMs).toBe(DEADLINE_MS);
        expect(transitions).toMatchObject([{ kind: "died", atMs: DEADLINE_MS }]);
      }),
    );
  });

  it("only ever worsens a status, also when the clock steps back", () => {
    fc.assert(
      fc.property(services, fc.array(moment), (service, times) => {
        let before = service;
        for (const nowMs of times) {
          const { service: after, transitions } = expire(before, nowMs);
          expect(RANK[after.status]).toBeGreaterThanOrEqual(RANK[before.status]);
          expect(transitions.length).toBe(after.status === before.status ? 0 : 1);
          expect(expectedMs(after)).toBe(expectedMs(before));
          before = after;
        }
        expect(before.status === "cancelled").toBe(service.status === "cancelled");
      }),
    );
  });

  it("does nothing the second time", () => {
    fc.assert(
      fc.property(services, moment, (service, nowMs) => {
        const once = expire(service, nowMs).service;
        expect(expire(once, nowMs)).toEqual({ service: once, transitions: [] });
      }),
    );
  });
});

describe("a cancel", () => {
  it("ends the wait, and is no news", () => {
    expect(cancel(BORN, START_MS + 1_000)).toEqual({
      service: { ...BORN, status: "cancelled", sinceMs: START_MS + 1_000 },
      transitions: [{ kind: "cancelled", atMs: START_MS + 1_000 }],
    });
  });

  it("of an overdue service that nobody noticed comes after its death", () => {
    expect(cancel(BORN, DEADLINE_MS + 1).transitions).toMatchObject([
      { kind: "died", atMs: DEADLINE_MS },
      { kind: "cancelled", atMs: DEADLINE_MS + 1 },
    ]);
  });

  it("done twice changes nothing", () => {
    fc.assert(
      fc.property(services, moment, moment, (service, firstMs, secondMs) => {
        const once = cancel(service, firstMs).service;
        expect(once.status).toBe("cancelled");
        expect(cancel(once, secondMs)).toEqual({ service: once, transitions: [] });
      }),
    );
  });

  it("silences a service for good: without a pulse nothing happens any more", () => {
    fc.assert(
      fc.property(services, moment, steps("any"), (service, nowMs, story) => {
        let { service: quiet } = cancel(service, nowMs);
        let laterMs = nowMs;
        for (const step of story.filter(({ kind }) => kind !== "pulse")) {
          laterMs += step.pauseMs;
          const change = step.kind === "cancel" ? cancel(quiet, laterMs) : expire(quiet, laterMs);
          expect(change.transitions).toEqual([]);
          quiet = change.service;
        }
      }),
    );
  });
});

describe("any story of pulses, cancels and looks", () => {
  it("is a chain of transitions, each of which starts where the last one ended", () => {
    const from: Record<Transition["kind"], readonly (Service["status"] | undefined)[]> = {
      born: [undefined],
      died: ["alive"],
      revived: ["dead"],
      resumed: ["cancelled"],
      cancelled: ["alive", "dead"],
    };
    const to = { born: "alive", died: "dead", revived: "alive", resumed: "alive", cancelled: "cancelled" } as const;
    fc.assert(
      fc.property(steps("any"), (story) => {
        for (const { before, after, transitions } of tell(story)) {
          let status = before?.status;
          for (const { kind } of transitions) {
            expect(from[kind]).toContain(status);
            status = to[kind];
          }
          expect(after?.status).toBe(status);
        }
      }),
    );
  });

  it("moves `expected` back only by a pulse that promises an earlier one", () => {
    fc.assert(
      fc.property(steps("any"), (story) => {
        for (const { step, nowMs, before, after } of tell(story)) {
          if (!before || !after || expectedMs(after) === expectedMs(before)) continue;
          expect(step.kind).toBe("pulse");
          if (step.kind === "pulse") expect(expectedMs(after)).toBe(nowMs + step.said.nextInSeconds * SECOND_MS);
        }
      }),
    );
  });

  it("tells the same whether or not somebody looks in between", () => {
    fc.assert(
      fc.property(steps("forward"), fc.infiniteStream(fc.boolean()), (story, coin) => {
        const busier = story.flatMap((step): Step[] => {
          if (!coin.next().value) return [step];
          const earlierMs = Math.floor(step.pauseMs / 2);
          return [
            { kind: "look", pauseMs: earlierMs },
            { ...step, pauseMs: step.pauseMs - earlierMs },
          ];
        });
        expect(transitionsOf(busier)).toEqual(transitionsOf(story));
      }),
    );
  });

  it("in which every pulse comes in time knows no death", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(pulses, fc.double({ min: 0, max: 1, noNaN: true }))), (list) => {
        let service: Service = BORN;
        for (const [said, share] of list) {
          const nowMs = service.lastMs + Math.floor((deadlineMs(service) - 1 - service.lastMs) * share);
          const change = pulse(service, said, DEFAULTS, nowMs);
          expect(change.transitions).toEqual([]);
          expect(change.service.sinceMs).toBe(START_MS);
          service = change.service;
        }
      }),
    );
  });
});
