import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Attempts, beginAttempt, databaseDelayMs, decide, type Outcome } from "../../src/domain/retry.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { START_MS } from "./support/arbitraries.ts";

const RETRY: Outcome = { kind: "retry", answer: "HTTP 500" };
const CREDENTIALS: Outcome = { kind: "credentials", answer: "HTTP 401" };

/** An outcome that is not the end of it, and how long the attempt took. */
const failures = fc.record({
  tookMs: fc.integer({ min: 0, max: 10_000 }),
  outcome: fc.oneof(
    fc.constant(RETRY),
    fc.constant(CREDENTIALS),
    fc
      .integer({ min: 0, max: 2 * DAY_MS })
      .map((retryAfterMs): Outcome => ({ kind: "retry", answer: "HTTP 503", retryAfterMs })),
  ),
});

/** One failed attempt: when it ended, and what was decided then. */
interface Failed {
  endedMs: number;
  outcome: Outcome;
  delayMs: number;
  attempts: Attempts;
}

/** Tries again and again, each time as soon as allowed, until it is given up or `outcomes` end. */
function keepTrying(outcomes: Iterable<{ tookMs: number; outcome: Outcome }>): {
  failed: Failed[];
  givenUpMs?: number;
} {
  const failed: Failed[] = [];
  let attempts: Attempts | undefined;
  let nowMs = START_MS;
  for (const { tookMs, outcome } of outcomes) {
    attempts = beginAttempt(attempts, nowMs);
    nowMs += tookMs;
    const verdict = decide(attempts, outcome, nowMs);
    if (verdict.kind !== "again") return { failed, givenUpMs: nowMs };
    failed.push({ endedMs: nowMs, outcome, delayMs: verdict.atMs - nowMs, attempts: verdict.attempts });
    ({ attempts } = verdict);
    nowMs = verdict.atMs;
  }
  return { failed };
}

function* forever(outcome: Outcome) {
  while (true) yield { tookMs: 0, outcome };
}

describe("the delays between attempts", () => {
  it("double from five seconds to an hour", () => {
    const { failed } = keepTrying(forever(RETRY));
    expect(failed.slice(0, 13).map(({ delayMs }) => delayMs / SECOND_MS)).toEqual([
      5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600, 3_600,
    ]);
  });

  it("never decrease, and never pass an hour, whatever goes wrong", () => {
    fc.assert(
      fc.property(fc.array(failures, { maxLength: 40 }), (outcomes) => {
        let lastMs = 5 * SECOND_MS;
        for (const { delayMs } of keepTrying(outcomes).failed) {
          expect(delayMs).toBeGreaterThanOrEqual(lastMs);
          expect(delayMs).toBeLessThanOrEqual(HOUR_MS);
          lastMs = delayMs;
        }
      }),
    );
  });

  it("are at least what the other side asked for, up to an hour", () => {
    fc.assert(
      fc.property(fc.array(failures, { maxLength: 40 }), (outcomes) => {
        for (const { outcome, delayMs } of keepTrying(outcomes).failed) {
          const askedMs = outcome.kind === "retry" ? (outcome.retryAfterMs ?? 0) : 0;
          expect(delayMs).toBeGreaterThanOrEqual(Math.min(askedMs, HOUR_MS));
        }
      }),
    );
  });

  it("are no longer than asked for when that is longer than ours", () => {
    const verdict = decide(beginAttempt(undefined, START_MS), { ...RETRY, retryAfterMs: 77_000 }, START_MS + 1);
    expect(verdict).toMatchObject({ kind: "again", atMs: START_MS + 77_001 });
  });

  it("are an hour from the first time on when our credentials are at fault", () => {
    const { failed } = keepTrying(forever(CREDENTIALS));
    expect(new Set(failed.map(({ delayMs }) => delayMs))).toEqual(new Set([HOUR_MS]));
  });
});

describe("a delivery that keeps failing", () => {
  it("is given up a day after its first attempt", () => {
    const { failed, givenUpMs } = keepTrying(forever(RETRY));
    expect(failed.at(-1)?.endedMs).toBeLessThan(START_MS + DAY_MS);
    expect(givenUpMs).toBeGreaterThanOrEqual(START_MS + DAY_MS);
    expect(givenUpMs).toBeLessThanOrEqual(START_MS + DAY_MS + HOUR_MS);
  });

  it("is given up a week after its first attempt when our credentials were at fault, even if only once", () => {
    for (const outcomes of [
      forever(CREDENTIALS),
      (function* () {
        yield { tookMs: 0, outcome: CREDENTIALS };
        yield* forever(RETRY);
      })(),
    ]) {
      const { failed, givenUpMs } = keepTrying(outcomes);
      expect(failed).toHaveLength(7 * 24);
      expect(givenUpMs).toBe(START_MS + 7 * DAY_MS);
    }
  });

  it("is tried again at the last millisecond of the day, and not after it", () => {
    const attempts = beginAttempt(undefined, START_MS);
    expect(decide(attempts, RETRY, START_MS + DAY_MS - 1).kind).toBe("again");
    expect(decide(attempts, RETRY, START_MS + DAY_MS).kind).toBe("given-up");
    expect(decide(attempts, CREDENTIALS, START_MS + DAY_MS).kind).toBe("again");
    expect(decide(attempts, CREDENTIALS, START_MS + 7 * DAY_MS).kind).toBe("given-up");
  });

  it("always comes to an end", () => {
    fc.assert(
      fc.property(fc.infiniteStream(failures), (outcomes) => {
        const { failed, givenUpMs } = keepTrying(outcomes);
        expect(givenUpMs).toBeGreaterThanOrEqual(START_MS + DAY_MS);
        expect(givenUpMs).toBeLessThanOrEqual(START_MS + 7 * DAY_MS + HOUR_MS + 10 * SECOND_MS);
        expect(failed.length).toBeLessThan(200);
      }),
    );
  });

  it("remembers when it began and how often it was tried", () => {
    fc.assert(
      fc.property(fc.array(failures, { maxLength: 10 }), (outcomes) => {
        const { failed } = keepTrying(outcomes);
        expect(failed.map(({ attempts }) => attempts.count)).toEqual(failed.map((_, index) => index + 1));
        expect(failed.every(({ attempts }) => attempts.firstMs === START_MS)).toBe(true);
      }),
    );
  });

  it("waits neither less nor without an end when the count has grown very large", () => {
    const attempts: Attempts = { count: 1e6, firstMs: START_MS, delayMs: HOUR_MS, giveUpMs: START_MS + DAY_MS };
    expect(decide(attempts, RETRY, START_MS)).toMatchObject({ kind: "again", atMs: START_MS + HOUR_MS });
    expect(databaseDelayMs(1e6)).toBe(10 * MINUTE_MS);
  });
});

describe("one attempt", () => {
  const attempts = beginAttempt(undefined, START_MS);

  it("is the end of it when it was delivered", () => {
    expect(decide(attempts, { kind: "delivered", answer: "HTTP 200" }, START_MS + 7 * DAY_MS)).toEqual({
      kind: "done",
    });
  });

  it("is the end of it when this very message was refused", () => {
    expect(decide(attempts, { kind: "permanent", answer: "HTTP 400" }, START_MS)).toEqual({ kind: "given-up" });
  });
});

describe("the delays of the database", () => {
  it("never decrease, and never pass ten minutes", () => {
    const delays = Array.from({ length: 12 }, (_, failures) => databaseDelayMs(failures + 1) / SECOND_MS);
    expect(delays).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600]);
  });
});
