import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Admission,
  admit,
  isUnhurried,
  type Pace,
  told,
  UNHURRIED,
  withoutDigests,
} from "../../src/domain/pace.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { START_MS } from "./support/arbitraries.ts";

const ALERT = { service: "web" };

/** Asks once for each moment, in order; what is to come later comes then, among the others. */
function play(moments: readonly number[], before: Pace = UNHURRIED, limitMs = START_MS + 2 * DAY_MS) {
  let pace = before;
  const waiting = moments.map((ms, who) => ({ ms, who }));
  const done: { who: number; kind: Admission["kind"]; ms: number }[] = [];
  while (waiting.length > 0) {
    waiting.sort((a, b) => a.ms - b.ms || a.who - b.who);
    const next = waiting.shift() as { ms: number; who: number };
    expect(next.ms, "it ends").toBeLessThan(limitMs);
    const { pace: after, admission } = admit(pace, ALERT, next.ms);
    pace = after;
    if (admission.kind === "later") {
      expect(admission.atMs).toBeGreaterThan(next.ms);
      waiting.push({ ms: admission.atMs, who: next.who });
    } else done.push({ who: next.who, kind: admission.kind, ms: next.ms });
  }
  return { pace, done };
}

const singlesOf = ({ done }: ReturnType<typeof play>) => done.filter(({ kind }) => kind === "single");
const mostInAMinute = (times: readonly number[]) =>
  Math.max(0, ...times.map((ms) => times.filter((other) => other >= ms && other - ms < MINUTE_MS).length));

describe("the alerts to a target", () => {
  it("are sent one by one while they are few", () => {
    const { done } = play(Array.from({ length: 100 }, (_, i) => START_MS + i * 6 * SECOND_MS));
    expect(done.every(({ kind, ms }, i) => kind === "single" && ms === START_MS + i * 6 * SECOND_MS)).toBe(true);
  });

  it("of a storm are ten by themselves, and then digests", () => {
    const storm = play(Array.from({ length: 500 }, (_, i) => START_MS + i * 120));
    expect(singlesOf(storm).length).toBeLessThanOrEqual(20);
    expect(mostInAMinute(singlesOf(storm).map(({ ms }) => ms))).toBeLessThanOrEqual(10);
    expect(storm.done).toHaveLength(500);
    expect(Math.max(...storm.done.map(({ ms, who }) => ms - (START_MS + who * 120)))).toBeLessThanOrEqual(MINUTE_MS);
  });

  it("that come for a digest come one after the other", () => {
    const { done } = play(Array.from({ length: 1_010 }, () => START_MS));
    const digested = done.filter(({ kind }) => kind === "digest").map(({ ms }) => ms);
    expect(new Set(digested).size).toBe(1_000);
    expect(Math.max(...digested) - Math.min(...digested)).toBe(999);
  });

  it("are never more than ten messages of one alert in a minute, whenever they come; and each is sent in the end", () => {
    const moments = fc.array(fc.integer({ min: 0, max: 5 * MINUTE_MS }), { maxLength: 200 });
    fc.assert(
      fc.property(moments, fc.boolean(), (offsets, isSingly) => {
        const before = isSingly ? withoutDigests(UNHURRIED, START_MS) : UNHURRIED;
        const result = play(
          offsets.map((ms) => START_MS + ms),
          before,
        );
        expect(result.done.map(({ who }) => who).sort((a, b) => a - b)).toEqual(offsets.map((_, i) => i));
        expect(mostInAMinute(singlesOf(result).map(({ ms }) => ms))).toBeLessThanOrEqual(10);
        if (!isSingly) {
          const waits = result.done.map(({ who, ms }) => ms - START_MS - (offsets[who] ?? 0));
          expect(Math.max(0, ...waits)).toBeLessThanOrEqual(MINUTE_MS);
        }
      }),
    );
  });

  it("come one by one, in turns, for an hour where the target refuses digests", () => {
    const result = play(
      Array.from({ length: 100 }, () => START_MS),
      withoutDigests(UNHURRIED, START_MS),
    );
    expect(result.done.every(({ kind }) => kind === "single")).toBe(true);
    expect(Math.max(...result.done.map(({ ms }) => ms))).toBe(START_MS + MINUTE_MS + 89 * 6 * SECOND_MS);
    const after = play(
      Array.from({ length: 20 }, () => START_MS + HOUR_MS),
      result.pace,
    );
    expect(after.done.filter(({ kind }) => kind === "digest")).toHaveLength(10);
  });

  it("don't wait for long because a clock was wrong", () => {
    const { pace } = play(Array.from({ length: 20 }, () => START_MS + DAY_MS));
    const later = admit(
      { ...pace, digest: { fromMs: START_MS + DAY_MS, untilMs: START_MS + 2 * DAY_MS, awaited: 1 } },
      ALERT,
      START_MS,
    );
    expect(later.admission).toEqual({ kind: "single" });
  });
});

describe("a service that flaps", () => {
  const flapping = { service: "web", changes: 7 };

  it("is told at once, and then once in ten minutes", () => {
    const first = admit(UNHURRIED, flapping, START_MS);
    expect(first.admission).toEqual({ kind: "single" });
    const pace = told(first.pace, flapping, START_MS + SECOND_MS);
    const soon = admit(pace, { ...flapping, changes: 8 }, START_MS + MINUTE_MS);
    expect(soon.admission).toEqual({ kind: "later", atMs: START_MS + SECOND_MS + 10 * MINUTE_MS });
    expect(admit(pace, flapping, START_MS + SECOND_MS + 10 * MINUTE_MS).admission).toEqual({ kind: "single" });
  });

  it("is tried again as always where it could not be told", () => {
    const { pace } = admit(UNHURRIED, flapping, START_MS);
    expect(admit(pace, flapping, START_MS + 5 * SECOND_MS).admission).toEqual({ kind: "single" });
  });

  it("keeps no other waiting, nor its own notices once it has calmed down", () => {
    const pace = told(UNHURRIED, flapping, START_MS);
    expect(admit(pace, { service: "db", changes: 7 }, START_MS + 1).admission).toEqual({ kind: "single" });
    expect(admit(pace, { service: "web" }, START_MS + 1).admission).toEqual({ kind: "single" });
    expect(admit(pace, { service: "web", changes: 6 }, START_MS + 1).admission).toEqual({ kind: "single" });
  });

  it("may have any name", () => {
    for (const service of ["__proto__", "constructor", "toString"]) {
      expect(admit(UNHURRIED, { service, changes: 9 }, START_MS).admission).toEqual({ kind: "single" });
      const pace = told(UNHURRIED, { service, changes: 9 }, START_MS);
      expect(admit(pace, { service, changes: 9 }, START_MS + 1).admission.kind).toBe("later");
    }
  });
});

describe("what is remembered of a target", () => {
  it("is nothing any more once it is all over", () => {
    const { pace } = play(Array.from({ length: 500 }, () => START_MS));
    expect(isUnhurried(pace, START_MS + 2 * MINUTE_MS)).toBe(true);
    expect(isUnhurried(pace, START_MS + 30 * SECOND_MS)).toBe(false);
    expect(isUnhurried(told(UNHURRIED, { service: "web", changes: 7 }, START_MS), START_MS + MINUTE_MS)).toBe(false);
    expect(isUnhurried(withoutDigests(UNHURRIED, START_MS), START_MS + HOUR_MS - 1)).toBe(false);
    expect(isUnhurried(withoutDigests(UNHURRIED, START_MS), START_MS + HOUR_MS)).toBe(true);
  });
});
