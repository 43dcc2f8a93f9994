import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cancel, expire, isSameTarget, type Pulse, pulse, type Service } from "../../src/domain/service.ts";
import { DEPUTY, HOOK, moment, OTHER, OWNER, pulses, START_MS, services, TARGETS } from "./support/arbitraries.ts";
import { DEFAULTS } from "./support/story.ts";

const SAID: Pulse = { nextInSeconds: 60, target: OWNER };
const BOTH: Pulse = { ...SAID, furtherTargets: [OTHER] };
const hear = (before: Service | undefined, said: Pulse, nowMs = START_MS) => pulse(before, said, DEFAULTS, nowMs);
const ALIVE = hear(undefined, BOTH).service;
const key = ({ type, target }: { type: string; target: string }) => `${type} ${target}`;

describe("the targets of a service", () => {
  it("are that of the pulse, and then the further ones in their order", () => {
    expect(ALIVE.targets).toEqual([OWNER, OTHER]);
    expect(hear(ALIVE, { ...SAID, furtherTargets: [HOOK, DEPUTY] }).service.targets).toEqual([OWNER, HOOK, DEPUTY]);
  });

  it("keep the further ones where a pulse does not mention any, and lose them where it names none", () => {
    expect(hear(ALIVE, SAID).service.targets).toEqual([OWNER, OTHER]);
    expect(hear(ALIVE, { ...SAID, target: HOOK }).service.targets).toEqual([HOOK, OTHER]);
    expect(hear(ALIVE, { ...SAID, furtherTargets: [] }).service.targets).toEqual([OWNER]);
  });

  it("outlive a death, a cancel and a resumption", () => {
    const dead = expire(ALIVE, START_MS + 65_000).service;
    const { service: cancelled } = cancel(dead as Service, START_MS + 66_000);
    expect(cancelled?.targets).toEqual([OWNER, OTHER]);
    expect(hear(cancelled, SAID, START_MS + 67_000).service.targets).toEqual([OWNER, OTHER]);
  });

  it("count once, however often they are named", () => {
    expect(hear(undefined, { ...SAID, furtherTargets: [OTHER, OWNER, OTHER] }).service.targets).toEqual([OWNER, OTHER]);
    fc.assert(
      fc.property(fc.option(services, { nil: undefined }), pulses, moment, (before, said, nowMs) => {
        const { service } = hear(before, said, nowMs);
        const known = before && expire(before, nowMs).service;
        const named = [said.target, ...(said.furtherTargets ?? known?.targets.slice(1) ?? [])];
        expect(service.targets.map(key)).toEqual([...new Set(named.map(key))]);
      }),
    );
  });

  it("are the same only where type and address are", () => {
    for (const a of TARGETS) for (const b of TARGETS) expect(isSameTarget(a, { ...b })).toBe(a === b);
    expect(isSameTarget(OWNER, { ...OWNER, type: "mail" })).toBe(false);
    expect(isSameTarget(OWNER, { ...OWNER, target: "other" })).toBe(false);
  });

  it("that a pulse removes are named, and only those", () => {
    fc.assert(
      fc.property(services, pulses, moment, (before, said, nowMs) => {
        const known = expire(before, nowMs).service;
        const { service, transitions } = hear(before, said, nowMs);
        const now = service.targets.map(key);
        const removed = (known?.targets ?? []).filter((target) => !now.includes(key(target)));
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
