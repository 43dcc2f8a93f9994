import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Alive,
  type Change,
  deadlineMs,
  expectedMs,
  type Pulse,
  type Service,
  type Transition,
} from "../../src/domain/service.ts";
import { addressOf, toldTargets } from "../../src/domain/target.ts";
import { DAY_MS, SECOND_MS } from "../../src/domain/time.ts";
import { cancel, expire, forget, nextChangeMs, pulse } from "../../src/domain/verbs.ts";
import {
  aliveServices,
  deadServices,
  defaults,
  moment,
  OTHER,
  OWNER,
  pauseMs,
  pulses,
  START_MS,
  saidAt,
  services,
} from "./support/arbitraries.ts";
import { DEFAULTS, type Step, steps, tell } from "./support/story.ts";

const MINUTELY: Pulse = { nextInSeconds: 60, target: OWNER };

/** A service that pulsed once, at the start: expected after a minute, dead 5 s later. */
const BORN: Alive = pulse(undefined, MINUTELY, DEFAULTS, START_MS).service;
const EXPECTED_MS = START_MS + 60_000;
const DEADLINE_MS = START_MS + 65_000;

const MONTH_MS = 30 * DAY_MS;

/** The worse, the higher; what is cancelled is waited for no more, and then forgotten. */
const RANK: Record<Service["status"] | "forgotten", number> = { alive: 0, dead: 1, cancelled: 2, forgotten: 3 };
const rankOf = (service: Service | undefined) => RANK[service?.status ?? "forgotten"];

/** The changes of status that a story tells of. */
function changesOf(story: readonly Step[]) {
  const told = tell(story).flatMap(({ transitions }) => transitions);
  return told.flatMap(({ kind, atMs }) => (TO[kind] === undefined ? [] : [{ kind, atMs }]));
}

/** What the owner hears in a story but for reminders: deaths and returns, and to whom each is told. */
function newsOf(story: readonly Step[]) {
  return tell(story).flatMap(({ transitions }) =>
    transitions.flatMap((transition) => {
      if (!("targets" in transition) || transition.targets.length === 0 || transition.kind === "reminded") return [];
      const { kind, targets, expectedMs } = transition;
      return [{ what: kind === "died" || kind === "death-told" ? "dead" : "alive", targets, expectedMs }];
    }),
  );
}

/** Which status a transition leads to; undefined where it is none of the status. */
const TO: Record<Transition["kind"], Service["status"] | "forgotten" | undefined> = {
  born: "alive",
  died: "dead",
  revived: "alive",
  resumed: "alive",
  cancelled: "cancelled",
  forgotten: "forgotten",
  "death-told": undefined,
  reminded: undefined,
  "revival-told": undefined,
  retargeted: undefined,
};

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
        remindEverySeconds: 0,
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
        const { service } = pulse(before, said, config, nowMs);
        expect(service).toMatchObject({ status: "alive", lastMs: nowMs, nextInSeconds: said.nextInSeconds });
        expect(expectedMs(service)).toBe(nowMs + said.nextInSeconds * SECOND_MS);
        expect(service.targets[0]).toEqual(said.target);
        expect(expire(service, deadlineMs(service) - 1).service).toMatchObject({ status: "alive", lastMs: nowMs });
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
    const { service, transitions } = pulse(BORN, { nextInSeconds: 10, target: OTHER }, DEFAULTS, DEADLINE_MS);
    expect(service).toMatchObject({ status: "alive", sinceMs: DEADLINE_MS, targets: [OTHER] });
    expect(transitions).toEqual([
      { kind: "died", atMs: DEADLINE_MS, lastMs: START_MS, expectedMs: EXPECTED_MS, targets: [OWNER], changes: 1 },
      { kind: "revived", atMs: DEADLINE_MS, lastMs: START_MS, expectedMs: EXPECTED_MS, targets: [OTHER], changes: 2 },
      { kind: "retargeted", atMs: DEADLINE_MS, removed: [OWNER] },
    ]);
  });

  it("of a dead service tells its own targets of the revival, and of the silence before it", () => {
    const dead = expire(BORN, DEADLINE_MS + 7_000).service;
    const nowMs = DEADLINE_MS + 100_000;
    const { service, transitions } = pulse(dead, { nextInSeconds: 10, target: OTHER }, DEFAULTS, nowMs);
    expect(service).toMatchObject({ status: "alive", sinceMs: nowMs, lastMs: nowMs });
    expect(transitions).toEqual([
      { kind: "revived", atMs: nowMs, lastMs: START_MS, expectedMs: EXPECTED_MS, targets: [OTHER], changes: 2 },
      { kind: "retargeted", atMs: nowMs, removed: [OWNER] },
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
        const isKept = before.graceIsOwn && expire(before, nowMs).service !== undefined;
        const kept = isKept ? before.graceSeconds : undefined;
        expect(service.graceSeconds).toBe(said.graceSeconds ?? kept ?? config.graceSeconds);
        expect(service.graceIsOwn).toBe(said.graceSeconds !== undefined || isKept);
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
    expect(dead?.status).toBe("dead");
    expect(pulse(dead, MINUTELY, DEFAULTS, deadlineMs(alive)).service).toMatchObject({
      graceSeconds: 30,
      graceIsOwn: true,
    });
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
      service: {
        ...BORN,
        status: "dead",
        changesMs: [DEADLINE_MS],
        sinceMs: DEADLINE_MS,
        toldMs: DEADLINE_MS,
        reminders: 0,
      },
      transitions: [
        { kind: "died", atMs: DEADLINE_MS, lastMs: START_MS, expectedMs: EXPECTED_MS, targets: [OWNER], changes: 1 },
      ],
    });
  });

  it("dates a death at its deadline, however late it is noticed", () => {
    fc.assert(
      fc.property(pauseMs, (lateMs) => {
        const { service, transitions } = expire(BORN, DEADLINE_MS + lateMs);
        expect(service?.sinceMs).toBe(DEADLINE_MS);
        expect(transitions).toMatchObject([{ kind: "died", atMs: DEADLINE_MS }]);
      }),
    );
  });

  it("only ever worsens a status, also when the clock steps back", () => {
    fc.assert(
      fc.property(services, fc.array(moment), (service, times) => {
        let before: Service | undefined = service;
        for (const nowMs of times) {
          if (!before) break;
          const { service: after, transitions } = expire(before, nowMs);
          expect(rankOf(after)).toBeGreaterThanOrEqual(rankOf(before));
          const changes = transitions.filter(({ kind }) => TO[kind] !== undefined);
          expect(changes).toHaveLength(after?.status === before.status ? 0 : 1);
          if (after) expect(expectedMs(after)).toBe(expectedMs(before));
          before = after;
        }
        if (before) expect(before.status === "cancelled").toBe(service.status === "cancelled");
      }),
    );
  });

  it("leads to nothing that will be due at once", () => {
    fc.assert(
      fc.property(services, moment, (service, nowMs) => {
        const { service: after } = expire(service, nowMs);
        const nextMs = after && nextChangeMs(after);
        if (nextMs !== undefined) expect(nextMs).toBeGreaterThan(nowMs);
      }),
    );
  });

  it("does nothing the second time", () => {
    fc.assert(
      fc.property(services, moment, (service, nowMs) => {
        const once = expire(service, nowMs).service;
        if (once) expect(expire(once, nowMs)).toEqual({ service: once, transitions: [] });
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
      fc.property(services, moment, fc.integer({ min: 0, max: MONTH_MS - 1 }), (service, firstMs, laterMs) => {
        const once = cancel(service, firstMs).service;
        if (!once) return;
        expect(once.status).toBe("cancelled");
        const again = cancel(once, once.sinceMs + laterMs);
        expect(again).toEqual({ service: once, transitions: [] });
        expect(again.service).toBe(once);
      }),
    );
  });

  it("silences a service for good: without a pulse nothing happens any more but that it is forgotten", () => {
    fc.assert(
      fc.property(services, moment, steps("any"), (service, nowMs, story) => {
        let { service: quiet } = cancel(service, nowMs);
        let laterMs = nowMs;
        const happened: string[] = [];
        for (const step of story.filter(({ kind }) => kind === "cancel" || kind === "look")) {
          laterMs += step.pauseMs;
          if (!quiet) break;
          const change: Change = step.kind === "cancel" ? cancel(quiet, laterMs) : expire(quiet, laterMs);
          happened.push(...change.transitions.map(({ kind }) => kind));
          quiet = change.service;
        }
        expect(["", "forgotten"]).toContain(happened.join());
        if (service.status !== "cancelled") expect(happened.length > 0).toBe(quiet === undefined);
      }),
    );
  });

  it("leaves nothing of what was to be told", () => {
    fc.assert(
      fc.property(fc.oneof(aliveServices, deadServices), moment, (service, nowMs) => {
        const { service: cancelled } = cancel(service, nowMs);
        for (const key of ["untoldRevival", "toldMs", "reminders"]) expect(cancelled).not.toHaveProperty(key);
        const { graceSeconds, remindEverySeconds, pauseUntilMs, targets } = service;
        expect(cancelled).toMatchObject({ graceSeconds, remindEverySeconds, targets });
        expect(cancelled?.pauseUntilMs).toBe(pauseUntilMs);
      }),
    );
  });
});

describe("a cancelled service", () => {
  const { service: cancelled } = cancel(BORN, START_MS + 1_000);

  it("is forgotten after thirty days, and not a millisecond before, however late it is noticed", () => {
    const endMs = START_MS + 1_000 + MONTH_MS;
    expect(nextChangeMs(cancelled as Service)).toBe(endMs);
    expect(expire(cancelled as Service, endMs - 1)).toEqual({ service: cancelled, transitions: [] });
    for (const lateMs of [0, DAY_MS]) {
      const gone = { service: undefined, transitions: [{ kind: "forgotten", atMs: endMs }] };
      expect(expire(cancelled as Service, endMs + lateMs)).toEqual(gone);
      expect(cancel(cancelled as Service, endMs + lateMs)).toEqual(gone);
      expect(forget(cancelled as Service, endMs + lateMs)).toEqual(gone);
    }
  });

  it("that pulses after that is born anew, and has kept nothing", () => {
    const said: Pulse = { ...MINUTELY, graceSeconds: 30, remindEverySeconds: 60, furtherTargets: [OTHER] };
    const { service: before } = cancel(pulse(undefined, said, DEFAULTS, START_MS).service, START_MS);
    const nowMs = START_MS + MONTH_MS;
    expect(pulse(before, MINUTELY, DEFAULTS, nowMs)).toEqual({
      service: { ...BORN, sinceMs: nowMs, lastMs: nowMs },
      transitions: [
        { kind: "forgotten", atMs: nowMs },
        { kind: "born", atMs: nowMs },
      ],
    });
  });
});

describe("to forget a service", () => {
  const FORGOTTEN = { kind: "forgotten", atMs: DEADLINE_MS };

  it("cancels it first, unless that was done, and leaves nothing", () => {
    const cancelled = cancel(BORN, START_MS).service as Service;
    expect(forget(cancelled, DEADLINE_MS)).toEqual({ service: undefined, transitions: [FORGOTTEN] });
    expect(forget(BORN, DEADLINE_MS - 1).transitions).toMatchObject([{ kind: "cancelled" }, { kind: "forgotten" }]);
    expect(forget(BORN, DEADLINE_MS).transitions).toMatchObject([{ kind: "died" }, { kind: "cancelled" }, FORGOTTEN]);
  });

  it("ends every history exactly once", () => {
    fc.assert(
      fc.property(services, moment, (service, nowMs) => {
        const change = forget(service, nowMs);
        expect(change.service).toBeUndefined();
        expect(change.transitions.filter(({ kind }) => kind === "forgotten")).toHaveLength(1);
        expect(change.transitions.at(-1)?.kind).toBe("forgotten");
      }),
    );
  });
});

describe("any story of pulses, cancels and looks", () => {
  it("is a chain of transitions, each of which starts where the last one ended", () => {
    const from: Record<Transition["kind"], readonly (Service["status"] | undefined)[]> = {
      born: [undefined],
      died: ["alive"],
      "death-told": ["dead"],
      reminded: ["dead"],
      revived: ["dead"],
      "revival-told": ["alive"],
      resumed: ["cancelled"],
      cancelled: ["alive", "dead"],
      retargeted: ["alive"],
      forgotten: ["cancelled"],
    };
    fc.assert(
      fc.property(steps("any"), (story) => {
        for (const { before, after, transitions } of tell(story)) {
          let status = before?.status;
          for (const { kind } of transitions) {
            expect(from[kind]).toContain(status);
            const to = TO[kind] ?? status;
            status = to === "forgotten" ? undefined : to;
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
          if (step.kind === "pulse") expect(expectedMs(after)).toBe(nowMs + step.plan.said.nextInSeconds * SECOND_MS);
        }
      }),
    );
  });

  it("tells the same but for reminders, whether or not somebody looks in between", () => {
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
        expect(changesOf(busier)).toEqual(changesOf(story));
        expect(newsOf(busier)).toEqual(newsOf(story));
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
          expect(change.transitions.filter(({ kind }) => kind !== "retargeted")).toEqual([]);
          expect(change.service.sinceMs).toBe(START_MS);
          service = change.service;
        }
      }),
    );
  });

  it("has its promise, its deadline and its targets in order", () => {
    fc.assert(
      fc.property(steps("any"), (story) => {
        for (const { step, nowMs, after } of tell(story)) {
          if (!after) continue;
          expect(deadlineMs(after)).toBe(expectedMs(after) + after.graceSeconds * SECOND_MS);
          const addresses = toldTargets(after).map(addressOf);
          expect(addresses).toEqual([...new Set(addresses)]);
          if (step.kind !== "pulse") continue;
          const said = saidAt(step.plan, nowMs);
          expect(toldTargets(after)[0]).toEqual(said.target);
        }
      }),
    );
  });
});
