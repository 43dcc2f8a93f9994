import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dateMs, idRange } from "../../src/domain/event.ts";
import { toSeconds } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import "./support/runs.ts";

const LATEST_MS = 2 ** 48 - 1;
/** Seconds that lie close to one another, so that ranges begin and end where events are. */
const seconds = fc.integer({ min: 1_900_000_000, max: 1_900_000_005 });
const dates = fc.oneof(
  fc.integer({ min: 1_899_999_999_000, max: 1_900_000_007_000 }),
  fc.tuple(seconds, fc.constantFrom(0, 1, 999)).map(([second, ms]) => second * 1_000 + ms),
  fc.integer({ min: 0, max: LATEST_MS }),
);

describe("an event", () => {
  it("has the date of its id", () => {
    fc.assert(
      fc.property(dates, (ms) => {
        expect(dateMs({ id: ulid(ms) })).toBe(ms);
      }),
    );
  });
});

describe("a range of dates", () => {
  it("comprises, as a range of ids, the very events whose second lies in it, both ends included", () => {
    fc.assert(
      fc.property(fc.array(dates), seconds, seconds, (list, fromSeconds, to) => {
        const events = list.map((ms) => ({ id: ulid(ms) }));
        const { lowest, highest } = idRange({ fromSeconds, toSeconds: to });
        const byId = events.filter(({ id }) => lowest <= id && id <= highest);
        const byDate = events.filter((event) => {
          const second = toSeconds(dateMs(event));
          return fromSeconds <= second && second <= to;
        });
        expect(byId).toEqual(byDate);
      }),
      { numRuns: 300 },
    );
  });

  it("may comprise all time", () => {
    const { lowest, highest } = idRange({ fromSeconds: 0, toSeconds: toSeconds(LATEST_MS) });
    expect(lowest).toBe("0".repeat(26));
    expect(highest).toBe(`7${"Z".repeat(25)}`);
  });
});
