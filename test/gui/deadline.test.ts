import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  byUrgency,
  countStates,
  dueText,
  headline,
  type Promised,
  STATES,
  stateOf,
  usedUp,
} from "../../src/gui/deadline.ts";
import "../domain/support/runs.ts";

const service = (fields: Partial<Promised> = {}): Promised => ({
  status: "alive",
  last: 1_000,
  nextIn: 60,
  grace: 10,
  asOf: 1_000,
  ...fields,
});
const services = fc.record({
  service: fc.string(),
  status: fc.constantFrom("alive" as const, "dead" as const, "cancelled" as const),
  last: fc.integer({ min: 0, max: 10_000 }),
  nextIn: fc.integer({ min: 1, max: 5_000 }),
  grace: fc.integer({ min: 0, max: 100 }),
  asOf: fc.integer({ min: 0, max: 10_000 }),
});

describe("what a row says", () => {
  it.each<[string, Partial<Promised>, number, string]>([
    ["alive", {}, 1_018, "due in 42 s"],
    ["alive", {}, 1_060, "due in 0 s"],
    ["alive", {}, 1_061, "was due 1 s ago"],
    ["late", { asOf: 1_060 }, 1_063, "late by 3 s, dead in 7 s"],
    ["late", { asOf: 1_062 }, 1_070, "late by 10 s"],
    ["dead", { status: "dead" }, 1_190, "missing for 2 min 10 s"],
    ["cancelled", { status: "cancelled" }, 5_000, "no pulse expected"],
  ])("of one that is %s: %j at %i", (state, fields, now, text) => {
    expect(stateOf(service(fields), now)).toBe(state);
    expect(dueText(service(fields), now)).toBe(text);
  });

  it("is a bar that fills until the deadline, and is full of the dead alone", () => {
    expect([1_000, 1_035, 1_070, 9_000].map((now) => usedUp(service(), now))).toEqual([0, 0.5, 1, 1]);
    expect(usedUp(service({ status: "dead" }), 1_001)).toBe(1);
    expect(usedUp(service({ status: "cancelled" }), 9_000)).toBe(0);
  });

  it("only gets worse while nothing is heard", () => {
    fc.assert(
      fc.property(services, fc.nat(10_000), fc.nat(10_000), (one, now, later) => {
        const badness = (at: number) => STATES.length - STATES.indexOf(stateOf(one, at));
        expect(badness(now + later)).toBeGreaterThanOrEqual(badness(now));
        expect(usedUp(one, now + later)).toBeGreaterThanOrEqual(usedUp(one, now));
      }),
    );
  });
});

describe("the order by urgency", () => {
  const sorted = (list: (Promised & { service: string })[], now: number) =>
    list.toSorted(byUrgency(now)).map(({ service }) => service);

  it("guesses the next deadline of one that is known alive, but was heard of long ago", () => {
    const list = [
      { ...service({ last: 1_000, nextIn: 100, asOf: 1_000 }), service: "due at 1,300, if it keeps its pace" },
      { ...service({ last: 1_200, nextIn: 150, asOf: 1_200 }), service: "due at 1,350" },
      { ...service({ last: 1_200, nextIn: 60, asOf: 1_200 }), service: "due at 1,260" },
    ];
    expect(sorted(list, 1_250)).toEqual(["due at 1,260", "due at 1,300, if it keeps its pace", "due at 1,350"]);
  });

  it("is an order, in which states never mix", () => {
    fc.assert(
      fc.property(fc.array(services), fc.nat(12_000), (list, now) => {
        const once = list.toSorted(byUrgency(now));
        expect(
          once
            .toReversed()
            .sort(byUrgency(now))
            .map(({ service, last }) => [service, last]).length,
        ).toBe(list.length);
        const ranks = once.map((one) => STATES.indexOf(stateOf(one, now)));
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
        const counts = countStates(list, now);
        for (const [i, state] of STATES.entries())
          expect(counts[state]).toBe(ranks.filter((rank) => rank === i).length);
      }),
    );
  });
});

describe("the headline", () => {
  const NONE = { dead: 0, late: 0, alive: 0, cancelled: 0 };
  it.each([
    [{ dead: 1, late: 2, alive: 3 }, "1 service is dead"],
    [{ dead: 2 }, "2 services are dead"],
    [{ late: 1, alive: 1 }, "1 service is late"],
    [{ late: 2 }, "2 services are late"],
    [{ alive: 1 }, "The one service is alive"],
    [{ alive: 5, cancelled: 1 }, "All 5 services are alive"],
    [{ cancelled: 1 }, "All services are cancelled"],
    [{}, "No service has pulsed yet"],
  ])("of %j", (counts, text) => expect(headline({ ...NONE, ...counts })).toBe(text));
});
