import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Pulse, Service, Target } from "../../src/domain/service.ts";
import { snapshotOf } from "../../src/domain/snapshot.ts";
import { addressOf, isSameTarget, toldTargets } from "../../src/domain/target.ts";
import { cancel, expire, pulse } from "../../src/domain/verbs.ts";
import {
  DEPUTY,
  DEPUTY_AGAIN,
  HOOK,
  moment,
  OTHER,
  OWNER,
  pulses,
  START_MS,
  services,
  TARGETS,
} from "./support/arbitraries.ts";
import { DEFAULTS, steps, tell } from "./support/story.ts";

const SAID: Pulse = { nextInSeconds: 60, target: OWNER };
const BOTH: Pulse = { ...SAID, furtherTargets: [OTHER] };
const hear = (before: Service | undefined, said: Pulse, nowMs = START_MS) => pulse(before, said, DEFAULTS, nowMs);
const told = (before: Service | undefined, said: Pulse, nowMs = START_MS) =>
  toldTargets(hear(before, said, nowMs).service);
const ALIVE = hear(undefined, BOTH).service;

/** Each address once, the slow way. */
function once(named: readonly Target[]): Target[] {
  const byAddress = new Map<string, Target>();
  for (const target of named) if (!byAddress.has(addressOf(target))) byAddress.set(addressOf(target), target);
  return [...byAddress.values()];
}

describe("the targets of a service", () => {
  it("are that of the pulse, and then the further ones in their order", () => {
    expect(toldTargets(ALIVE)).toEqual([OWNER, OTHER]);
    expect(told(ALIVE, { ...SAID, furtherTargets: [HOOK, DEPUTY] })).toEqual([OWNER, HOOK, DEPUTY]);
  });

  it("keep the further ones where a pulse does not mention any, and lose them where it names none", () => {
    expect(told(ALIVE, SAID)).toEqual([OWNER, OTHER]);
    expect(told(ALIVE, { ...SAID, target: HOOK })).toEqual([HOOK, OTHER]);
    expect(told(ALIVE, { ...SAID, furtherTargets: [] })).toEqual([OWNER]);
  });

  it("keep a further one that is the main one for a while", () => {
    const { service } = hear(ALIVE, { ...SAID, target: OTHER });
    expect(toldTargets(service)).toEqual([OTHER]);
    expect(snapshotOf("backup", service, 1, START_MS).targets).toEqual([OTHER]);
    expect(told(service, SAID)).toEqual([OWNER, OTHER]);
    const { service: cancelled } = cancel(service, START_MS + 1);
    expect(told(cancelled, { ...SAID, target: HOOK }, START_MS + 2)).toEqual([HOOK, OTHER]);
  });

  it("are at any moment the main one of the last pulse, and the further ones that were last named", () => {
    fc.assert(
      fc.property(steps("any"), (story) => {
        let further: Target[] = [];
        for (const { step, nowMs, before, after, transitions } of tell(story)) {
          if (!before || transitions.some(({ kind }) => kind === "forgotten")) further = [];
          if (step.kind !== "pulse" || !after) continue;
          further = step.plan.said.furtherTargets ?? further;
          const expected = once([step.plan.said.target, ...further]);
          expect(toldTargets(after)).toEqual(expected);
          expect(snapshotOf("backup", after, 1, nowMs).targets).toEqual(expected);
        }
      }),
    );
  });

  it("outlive a death, a cancel and a resumption", () => {
    const dead = expire(ALIVE, START_MS + 65_000).service;
    const { service: cancelled } = cancel(dead as Service, START_MS + 66_000);
    expect(cancelled && toldTargets(cancelled)).toEqual([OWNER, OTHER]);
    expect(told(cancelled, SAID, START_MS + 67_000)).toEqual([OWNER, OTHER]);
  });

  it("count once, however often they are named", () => {
    expect(told(undefined, { ...SAID, furtherTargets: [OTHER, OWNER, OTHER] })).toEqual([OWNER, OTHER]);
    fc.assert(
      fc.property(fc.option(services, { nil: undefined }), pulses, moment, (before, said, nowMs) => {
        const { service, transitions } = hear(before, said, nowMs);
        const known = before && expire(before, nowMs).service;
        const named = [said.target, ...(said.furtherTargets ?? known?.targets.slice(1) ?? [])];
        expect(toldTargets(service)).toEqual(once(named));
        for (const transition of transitions) {
          if ("targets" in transition) expect(transition.targets).toEqual(once(transition.targets));
        }
      }),
    );
  });

  it("are the same only where type and address are", () => {
    for (const a of TARGETS) for (const b of TARGETS) expect(isSameTarget(a, { ...b })).toBe(a === b);
    expect(isSameTarget(OWNER, { ...OWNER, type: "mail" })).toBe(false);
    expect(isSameTarget(OWNER, { ...OWNER, target: "other" })).toBe(false);
  });

  it("are the same by mail and by email, spelled as the main one is, or as was said first", () => {
    expect(isSameTarget(DEPUTY, DEPUTY_AGAIN)).toBe(true);
    expect(isSameTarget(OTHER, DEPUTY_AGAIN)).toBe(false);
    expect(told(undefined, { ...SAID, target: DEPUTY_AGAIN, furtherTargets: [DEPUTY] })).toEqual([DEPUTY_AGAIN]);
    expect(told(undefined, { ...SAID, furtherTargets: [DEPUTY, DEPUTY_AGAIN] })).toEqual([OWNER, DEPUTY]);
    const further = hear(undefined, { ...SAID, target: DEPUTY, furtherTargets: [DEPUTY_AGAIN] });
    expect(told(further.service, SAID)).toEqual([OWNER, DEPUTY_AGAIN]);
  });

  it("are not removed where only the type is spelled otherwise", () => {
    const { service } = hear(undefined, { ...SAID, target: DEPUTY });
    expect(hear(service, { ...SAID, target: DEPUTY_AGAIN }).transitions).toEqual([]);
  });

  it("that a pulse removes are named, and only those", () => {
    fc.assert(
      fc.property(services, pulses, moment, (before, said, nowMs) => {
        const known = expire(before, nowMs).service;
        const { service, transitions } = hear(before, said, nowMs);
        const now = toldTargets(service).map(addressOf);
        const removed = once(known?.targets ?? []).filter((target) => !now.includes(addressOf(target)));
        const expected = removed.length > 0 ? [{ kind: "retargeted", atMs: nowMs, removed }] : [];
        expect(transitions.filter(({ kind }) => kind === "retargeted")).toEqual(expected);
        if (removed.length > 0) expect(transitions.at(-1)?.kind).toBe("retargeted");
      }),
    );
  });

  it("in another order, or with another added, are not news", () => {
    expect(hear(ALIVE, { ...SAID, target: OTHER, furtherTargets: [OWNER] }).transitions).toEqual([]);
    expect(hear(ALIVE, { ...SAID, furtherTargets: [OTHER, HOOK] }).transitions).toEqual([]);
  });
});
