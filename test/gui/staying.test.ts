import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { staying } from "../../src/gui/browser/staying.ts";
import "../domain/support/runs.ts";

const orders = fc.integer({ min: 1, max: 8 }).chain((size) =>
  fc.shuffledSubarray(
    Array.from({ length: size }, (_, i) => i),
    { minLength: size },
  ),
);

/** How many can stay at most: all subsets tried. */
function mostStaying(places: readonly number[], fixed: number): number {
  let most = 0;
  for (let subset = 0; subset < 2 ** places.length; subset++) {
    const chosen = places.filter((_, i) => subset & (2 ** i));
    const rises = chosen.every((place, i) => i === 0 || (chosen[i - 1] as number) < place);
    if (rises && (fixed === -1 || subset & (2 ** fixed))) most = Math.max(most, chosen.length);
  }
  return most;
}

describe("what stays in place when rows get another order", () => {
  it("is as much as possible, in its order, with what has the focus", () => {
    fc.assert(
      fc.property(orders, fc.nat(9), (places, chosen) => {
        const fixed = chosen < places.length ? chosen : -1;
        const stays = [...staying(places, fixed)].sort((a, b) => a - b);
        const kept = stays.map((i) => places[i]);
        expect(kept).toEqual(kept.toSorted((a = 0, b = 0) => a - b));
        if (fixed !== -1) expect(stays).toContain(fixed);
        expect(stays).toHaveLength(mostStaying(places, fixed));
      }),
    );
  });

  it("is nothing of what is new", () => {
    expect([...staying([undefined, 1, undefined, 0, 2], -1)].sort()).toEqual([3, 4]);
    expect([...staying([undefined, 1, undefined, 0, 2], 1)].sort()).toEqual([1, 4]);
  });
});
