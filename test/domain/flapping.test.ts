import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Alert } from "../../src/domain/alert.ts";
import { consequencesOf } from "../../src/domain/consequences.ts";
import type { Service, Transition } from "../../src/domain/service.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { expire, pulse } from "../../src/domain/verbs.ts";
import { OTHER, OWNER, START_MS } from "./support/arbitraries.ts";

const CIRCUMSTANCES = { service: "backup", timeZone: "UTC", alertsEnabled: true, newId: ulid };
const SAID = { nextInSeconds: 10, graceSeconds: 0, target: OWNER, furtherTargets: [OTHER] };

/** A service that dies and comes back `times` times, once in `everyMs`. */
function flap(times: number, everyMs: number): { service: Service | undefined; transitions: Transition[] } {
  let service: Service | undefined;
  const transitions: Transition[] = [];
  for (let i = 0; i <= times; i++) {
    const change = pulse(service, SAID, { graceSeconds: 0 }, START_MS + i * everyMs);
    service = change.service;
    transitions.push(...change.transitions);
  }
  return { service, transitions };
}

const alertsOf = (transitions: Transition[]): Alert[] =>
  consequencesOf(transitions, CIRCUMSTANCES).flatMap((one) => (one.kind === "alert" ? [one.alert] : []));

describe("a service that flaps", () => {
  it("is told as always up to six changes within an hour, and from the seventh on with their number", () => {
    const { transitions } = flap(5, MINUTE_MS);
    const toOwner = alertsOf(transitions).filter((_, i) => i % 2 === 0);
    expect(toOwner.map(({ kind, changes }) => [kind, changes])).toEqual([
      ["dead", undefined],
      ["alive", undefined],
      ["dead", undefined],
      ["alive", undefined],
      ["dead", undefined],
      ["alive", undefined],
      ["dead", 7],
      ["alive", 8],
      ["dead", 9],
      ["alive", 10],
    ]);
    expect(toOwner[6]?.message).toMatch(
      /^The service backup is not pulsing since .*\. It has changed 7 times within an hour, and is told every 10 minutes at most$/,
    );
    expect(toOwner[5]?.message).not.toContain("changed");
  });

  it("has each target hear the newest only: what it did not get yet is dropped", () => {
    const died = flap(4, MINUTE_MS)
      .transitions.filter(({ kind }) => kind === "died")
      .at(-1) as Transition;
    const told = { ...died, changes: 6 } as Transition;
    expect(consequencesOf([told], CIRCUMSTANCES).filter(({ kind }) => kind === "drop-target")).toEqual([]);
    expect(consequencesOf([died], CIRCUMSTANCES).slice(0, 2)).toEqual([
      { kind: "drop-target", target: OWNER },
      { kind: "drop-target", target: OTHER },
    ]);
  });

  it("drops nothing while a pause keeps it from being told", () => {
    const { service } = flap(4, MINUTE_MS);
    const paused = { ...service, pauseUntilMs: START_MS + HOUR_MS } as Service;
    const { transitions } = expire(paused, START_MS + 5 * MINUTE_MS);
    expect(transitions).toMatchObject([{ kind: "died", targets: [], changes: 9 }]);
    expect(consequencesOf(transitions, CIRCUMSTANCES).map(({ kind }) => kind)).toEqual(["transition", "event"]);
  });

  it("counts the changes of the last hour, whenever they were, and keeps at most 60", () => {
    const pauses = fc.array(fc.integer({ min: 11 * SECOND_MS, max: 40 * MINUTE_MS }), { maxLength: 100 });
    fc.assert(
      fc.property(pauses, (waits) => {
        let service: Service | undefined;
        let nowMs = START_MS;
        const changes: number[] = [];
        for (const waitMs of [0, ...waits]) {
          nowMs += waitMs;
          const change = pulse(service, SAID, { graceSeconds: 0 }, nowMs);
          for (const transition of change.transitions) {
            if (!("changes" in transition)) continue;
            changes.push(transition.atMs);
            const recent = changes.filter((ms) => transition.atMs - ms < HOUR_MS).length;
            expect(transition.changes).toBe(Math.min(60, recent));
          }
          service = change.service;
        }
        expect(service?.changesMs?.length ?? 0).toBeLessThanOrEqual(60);
      }),
    );
  });

  it("keeps its steady pulses steady: a pulse in time changes nothing of what is remembered", () => {
    const { service } = flap(4, MINUTE_MS);
    const later = pulse(service, SAID, { graceSeconds: 0 }, START_MS + 4 * MINUTE_MS + 9 * SECOND_MS);
    expect(later.service.changesMs).toEqual(service?.changesMs);
  });
});
