import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  conditionIn,
  partsOf,
  type Span,
  type StatusChange,
  secondsOf,
  spansOf,
  uptimeOf,
} from "../../src/domain/history.ts";
import "./support/runs.ts";

const DAY = 86_400;
const window = { from: 1_000_000, to: 1_000_000 + 30 * DAY };
const ALIVE_FOREVER = { status: "alive" as const, since: 0 };

const died = (at: number, expected = at): StatusChange => ({ at, status: "dead", expected });
const revived = (at: number, expected: number): StatusChange => ({ at, status: "alive", expected });
const born = (at: number): StatusChange => ({ at, status: "alive", expected: null });
const ended = (at: number, status: "cancelled" | "forgotten" = "cancelled"): StatusChange => ({
  at,
  status,
  expected: null,
});
const told = (changes: StatusChange[], now: Parameters<typeof spansOf>[0]["now"], more = {}) =>
  spansOf({ changes, completeFrom: 0, now, ...more }, window).map(({ condition, from, to }) => [
    condition,
    from - window.from,
    to - window.from,
  ]);
const at = (seconds: number) => window.from + seconds;

describe("a history", () => {
  it("without changes is what the service is now, as far as it has been that", () => {
    expect(told([], ALIVE_FOREVER)).toEqual([["up", 0, 30 * DAY]]);
    expect(told([], { status: "dead", since: 0 })).toEqual([["down", 0, 30 * DAY]]);
    expect(told([], { status: "cancelled", since: 0 })).toEqual([["unknown", 0, 30 * DAY]]);
    expect(told([], { status: "alive", since: at(DAY) })).toEqual([
      ["unknown", 0, DAY],
      ["up", DAY, 30 * DAY],
    ]);
  });

  it("has a downtime begin at the broken promise, not at the end of the grace", () => {
    expect(told([died(at(100), at(40)), revived(at(160), at(40))], ALIVE_FOREVER)).toEqual([
      ["up", 0, 40],
      ["down", 40, 160],
      ["up", 160, 30 * DAY],
    ]);
  });

  it("learns from its first change what was before", () => {
    const now = ALIVE_FOREVER;
    expect(told([revived(at(60), at(-10))], now)[0]).toEqual(["down", 0, 60]);
    expect(told([born(at(60))], now)[0]).toEqual(["unknown", 0, 60]);
    expect(told([died(at(60))], { status: "dead", since: at(60) })[0]).toEqual(["up", 0, 60]);
    const cancelled = { status: "cancelled" as const, since: at(60) };
    expect(told([ended(at(60))], cancelled)).toEqual([["unknown", 0, 30 * DAY]]);
    expect(told([ended(at(60))], cancelled, { before: "alive" })[0]).toEqual(["up", 0, 60]);
    expect(told([ended(at(60))], cancelled, { before: "dead" })[0]).toEqual(["down", 0, 60]);
  });

  it("uses what is known from before its window", () => {
    const changes = [born(at(-90)), died(at(-50)), revived(at(20), at(-50))];
    expect(told(changes, ALIVE_FOREVER)).toEqual([
      ["down", 0, 20],
      ["up", 20, 30 * DAY],
    ]);
  });

  it("is unknown where changes may be missing", () => {
    expect(told([revived(at(200), at(150))], ALIVE_FOREVER, { completeFrom: at(180) })).toEqual([
      ["unknown", 0, 180],
      ["down", 180, 200],
      ["up", 200, 30 * DAY],
    ]);
  });

  it("believes the directory where nothing is recorded of the last change", () => {
    expect(told([born(at(0))], { status: "dead", since: at(DAY) })).toEqual([
      ["up", 0, DAY],
      ["down", DAY, 30 * DAY],
    ]);
  });

  const changes = fc
    .array(
      fc.record({
        after: fc.integer({ min: 0, max: 10 * DAY }),
        status: fc.constantFrom("alive" as const, "dead" as const, "cancelled" as const, "forgotten" as const),
        early: fc.option(fc.integer({ min: 0, max: 2 * DAY }), { nil: null }),
      }),
      { maxLength: 12 },
    )
    .map((steps) => {
      let time = window.from - 5 * DAY;
      return steps.map(({ after, status, early }): StatusChange => {
        time += after;
        return { at: time, status, expected: early === null ? null : time - early };
      });
    });
  const histories = fc.record({
    changes,
    completeFrom: fc.integer({ min: 0, max: window.to }),
    before: fc.constantFrom(undefined, "alive" as const, "dead" as const, "cancelled" as const),
    now: fc.record({
      status: fc.constantFrom("alive" as const, "dead" as const, "cancelled" as const),
      since: fc.integer({ min: 0, max: window.to }),
    }),
  });

  it("covers its window without gaps or overlaps, and neighbours differ", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const spans = spansOf(history, window);
        expect(spans[0]?.from).toBe(window.from);
        expect(spans.at(-1)?.to).toBe(window.to);
        for (const [i, span] of spans.entries()) {
          expect(span.to).toBeGreaterThan(span.from);
          if (i === 0) continue;
          expect(span.from).toBe(spans[i - 1]?.to);
          expect(span.condition).not.toBe(spans[i - 1]?.condition);
        }
        const { up, down, unknown } = secondsOf(spans, window);
        expect(up + down + unknown).toBe(window.to - window.from);
      }),
    );
  });

  it("is, second by second, what the last change before it says", () => {
    fc.assert(
      fc.property(changes, fc.integer({ min: window.from, max: window.to - 1 }), (all, second) => {
        // The naive way, for changes whose promises don't reach back behind the change before.
        const plain = all.map((change) => ({ ...change, expected: change.status === "dead" ? null : change.expected }));
        const last = plain.findLast((change) => change.at <= second);
        if (!last || plain.filter(({ at }) => at === last.at).length > 1) return;
        const end = plain.at(-1) as StatusChange;
        const status = end.status === "forgotten" ? "cancelled" : end.status;
        const spans = spansOf({ changes: plain, completeFrom: 0, now: { status, since: end.at } }, window);
        const found = spans.find(({ from, to }) => from <= second && second < to);
        expect(found?.condition).toBe(
          { alive: "up", dead: "down", cancelled: "unknown", forgotten: "unknown" }[last.status],
        );
      }),
    );
  });
});

describe("uptime", () => {
  const spans: Span[] = [
    { condition: "unknown", from: 0, to: 100 },
    { condition: "up", from: 100, to: 190 },
    { condition: "down", from: 190, to: 200 },
  ];

  it("is the share of the watched time", () => {
    expect(uptimeOf(spans, { from: 0, to: 200 })).toBe(0.9);
    expect(uptimeOf(spans, { from: 180, to: 200 })).toBe(0.5);
    expect(uptimeOf(spans, { from: 0, to: 100 })).toBeUndefined();
  });

  it("of a part is down however short it was down", () => {
    expect(conditionIn(spans, { from: 0, to: 191 })).toBe("down");
    expect(conditionIn(spans, { from: 0, to: 190 })).toBe("up");
    expect(conditionIn(spans, { from: 0, to: 100 })).toBe("unknown");
  });

  it("parts cover the whole", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 60, max: 10 ** 8 }), (count, length) => {
        const parts = partsOf({ from: 7, to: 7 + length }, count);
        expect(parts).toHaveLength(count);
        expect(parts[0]?.from).toBe(7);
        expect(parts.at(-1)?.to).toBe(7 + length);
        for (const [i, part] of parts.entries()) if (i > 0) expect(part.from).toBe(parts[i - 1]?.to);
      }),
    );
  });
});
