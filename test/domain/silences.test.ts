import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LAST_TURN_MS, TURN_EVERY_MS } from "../../src/domain/outage.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { Silences } from "../../src/monitor/silences.ts";
import { START_MS } from "./support/arbitraries.ts";

const names = (count: number) => Array.from({ length: count }, (_, i) => `service ${i}`);

describe("silences", () => {
  it("are counted once for each service: those of five minutes, and of these those of ten seconds", () => {
    const moments = fc.array(fc.record({ name: fc.nat({ max: 15 }), afterMs: fc.integer({ min: 0, max: 40_000 }) }));
    fc.assert(
      fc.property(moments, (silent) => {
        const silences = new Silences();
        const seen: { name: number; atMs: number }[] = [];
        let nowMs = START_MS;
        for (const { name, afterMs } of silent) {
          nowMs += afterMs;
          const isRecent = (other: { atMs: number }) => nowMs - other.atMs <= 5 * MINUTE_MS;
          if (!seen.some((other) => other.name === name && isRecent(other))) seen.push({ name, atMs: nowMs });
          expect(silences.note(`${name}`, nowMs)).toEqual({
            all: seen.filter(isRecent).length,
            lately: seen.filter(({ atMs }) => nowMs - atMs <= 10 * SECOND_MS).length,
          });
        }
      }),
    );
  });

  it("go on from what was saved", () => {
    const before = new Silences();
    for (const [i, name] of names(10).entries()) before.note(name, START_MS + i * SECOND_MS);
    const after = new Silences(before.saved);
    expect(after.note("service 3", START_MS + 15 * SECOND_MS)).toEqual({ all: 10, lately: 5 });
  });

  it("of more services than one value has room for are saved as far as it goes, the latest of them", () => {
    const silences = new Silences();
    for (const name of names(50_010)) silences.note(name, START_MS);
    silences.note("last", START_MS + 1);
    expect(silences.saved).toHaveLength(50_000);
    expect(silences.saved.at(-1)?.[1]).toBe(START_MS + 1);
  });
});

describe("turns", () => {
  it("follow one another, beginning at once, and are used once", () => {
    const silences = new Silences();
    const turns = names(5).map((name) => silences.turnMs(name, START_MS));
    expect(turns).toEqual([0, 1, 2, 3, 4].map((i) => i * TURN_EVERY_MS));
    expect(silences.turnMs("late", START_MS + TURN_EVERY_MS)).toBe(4 * TURN_EVERY_MS);
    expect(silences.turnMs("later", START_MS + MINUTE_MS)).toBe(0);
  });

  it("are the same for one that asks again, until they are over", () => {
    const silences = new Silences();
    for (const name of names(5)) silences.turnMs(name, START_MS);
    expect(silences.turnMs("service 4", START_MS + 3 * TURN_EVERY_MS)).toBe(TURN_EVERY_MS);
    expect(silences.turnMs("service 0", START_MS + 3 * TURN_EVERY_MS)).toBe(2 * TURN_EVERY_MS);
  });

  it("are never further ahead than the last, nor more than fit, also where the clock steps back", () => {
    const steps = fc.array(fc.integer({ min: -10 * MINUTE_MS, max: SECOND_MS }), { maxLength: 20 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 2_000 }), (backMs, count) => {
        const silences = new Silences();
        let nowMs = START_MS;
        for (const stepMs of [0, ...backMs]) {
          nowMs += stepMs;
          for (const name of names(count)) {
            const turnMs = silences.turnMs(`${name} ${stepMs}`, nowMs);
            expect(turnMs).toBeGreaterThanOrEqual(0);
            expect(turnMs).toBeLessThanOrEqual(LAST_TURN_MS);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it("begin anew where all are taken", () => {
    const silences = new Silences();
    const most = LAST_TURN_MS / TURN_EVERY_MS + 1;
    const turns = names(most + 2).map((name) => silences.turnMs(name, START_MS));
    expect(turns.slice(-3)).toEqual([LAST_TURN_MS, 0, TURN_EVERY_MS]);
  });
});
