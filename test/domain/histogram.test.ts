import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalParts, roundBuckets } from "../../src/domain/histogram.ts";
import "./support/runs.ts";

const LATEST = 281_474_976_709;
const range = fc
  .tuple(fc.integer({ min: 0, max: LATEST }), fc.oneof(fc.nat(100_000), fc.nat(LATEST)))
  .map(([fromSeconds, length]) => ({ fromSeconds, toSeconds: Math.min(LATEST, fromSeconds + length) }));

describe("buckets of a round width", () => {
  it("comprise the range, are as many as may be at most, and none lies outside of it", () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 200 }), (range, most) => {
        const { startMs, widthMs, count } = roundBuckets(range, most);
        const [fromMs, endMs] = [range.fromSeconds * 1_000, (range.toSeconds + 1) * 1_000];
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(most);
        expect(widthMs % 1_000).toBe(0);
        expect(startMs).toBeLessThanOrEqual(fromMs);
        expect(startMs + widthMs).toBeGreaterThan(fromMs);
        expect(startMs + count * widthMs).toBeGreaterThanOrEqual(endMs);
        expect(startMs + (count - 1) * widthMs).toBeLessThan(endMs);
        if (most > 1) expect(startMs % widthMs).toBe(0);
      }),
    );
  });

  it.each([
    [60, 60, 1],
    [3_600, 60, 60],
    [86_400, 60, 1_800],
    [86_400, 24, 3_600],
    [7 * 86_400, 60, 10_800],
    [90 * 86_400, 60, 2 * 86_400],
    [3_650 * 86_400, 60, 91 * 86_400],
  ])("are of a width that people know: %i s in at most %i have %i s each", (length, most, width) => {
    expect(roundBuckets({ fromSeconds: 0, toSeconds: length - 1 }, most).widthMs).toBe(width * 1_000);
  });
});

describe("equal parts", () => {
  it("begin with the range, and end with it", () => {
    const parts = equalParts({ fromSeconds: 10, toSeconds: 19 }, 4);
    expect(parts).toEqual({ startMs: 10_000, widthMs: 2_500, count: 4 });
  });
});
