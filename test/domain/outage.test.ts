import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  doubtOf,
  excuse,
  heed,
  hold,
  isNewSilence,
  judgeSilence,
  LAST_TURN_MS,
  mayBeHeld,
  outageMessage,
  type SilenceAnswer,
  waitOf,
} from "../../src/domain/outage.ts";
import { type Alive, deadlineMs, promiseEndMs, type Service } from "../../src/domain/service.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { expire, nextChangeMs, pulse } from "../../src/domain/verbs.ts";
import { aliveServices, deadServices, OWNER, START_MS } from "./support/arbitraries.ts";
import { DEFAULTS } from "./support/story.ts";

const alive = (nextInSeconds: number): Alive =>
  pulse(undefined, { nextInSeconds, target: OWNER }, DEFAULTS, START_MS).service;
const PROMISE_MS = 65 * SECOND_MS;

describe("a silence", () => {
  const deadline = START_MS + PROMISE_MS;

  it.each([
    ["before its deadline", deadline - 1, undefined, undefined],
    ["at its deadline", deadline, undefined, undefined],
    ["a minute later", deadline + MINUTE_MS, undefined, undefined],
    ["later than alarms come", deadline + MINUTE_MS + 1, undefined, "late"],
    ["after a pulse was refused", deadline, START_MS + 1, "refused"],
    ["when an earlier pulse was refused, and a later one taken", deadline, START_MS, undefined],
    ["when a pulse was refused, and it is not due yet", deadline - 1, START_MS + 1, undefined],
  ])("that is noticed %s", (_, nowMs, refusedMs, sign) => {
    expect(doubtOf(alive(60), refusedMs, nowMs)).toBe(sign);
  });

  it("is new until it was excused once", () => {
    const service = alive(60);
    expect(isNewSilence(service, deadline - 1)).toBe(false);
    expect(isNewSilence(service, deadline)).toBe(true);
    const excused = excuse(service, "silence", 0, deadline);
    expect(isNewSilence(excused, deadlineMs(excused))).toBe(false);
    expect(isNewSilence(undefined, deadline)).toBe(false);
  });

  it.each([true, false])("that is held is new still, for as long as it waits (unheard: %s)", (isUnheard) => {
    const held = hold(alive(60), 20 * SECOND_MS, isUnheard, deadline);
    expect(deadlineMs(held)).toBe(deadline + 20 * SECOND_MS);
    expect(isNewSilence(held, deadline + 20 * SECOND_MS)).toBe(true);
    const excused = excuse(held, "silence", 0, deadline);
    const { service } = expire(held, deadline + 20 * SECOND_MS);
    expect(service).toMatchObject({ status: "dead", sinceMs: deadline });
    for (const after of [excused, service]) {
      expect(after).not.toHaveProperty("isHeld");
      expect(after).not.toHaveProperty("isUnheard");
    }
  });

  it("that was unheard, and is then told to wait, is not told so again", () => {
    const unheard = hold(alive(60), 20 * SECOND_MS, true, deadline);
    expect(mayBeHeld(unheard)).toBe(true);
    expect(mayBeHeld(hold(unheard, 20 * SECOND_MS, false, deadline))).toBe(false);
  });

  it("is excused once in an hour because others are silent, however often the service pulses meanwhile", () => {
    const said = { nextInSeconds: 60, target: OWNER };
    const excused = excuse(alive(60), "silence", 0, deadline);
    const back = pulse(excused, { ...said, nextInSeconds: 86_400 }, DEFAULTS, deadline + 30 * SECOND_MS).service;
    expect(back).not.toHaveProperty("excusedUntilMs");
    const again = (nowMs: number) => isNewSilence(pulse(back, said, DEFAULTS, nowMs - PROMISE_MS).service, nowMs);
    expect(again(deadline + 2 * MINUTE_MS)).toBe(false);
    expect(again(deadline + 60 * MINUTE_MS - 1)).toBe(false);
    expect(again(deadline + 60 * MINUTE_MS)).toBe(true);
    expect(excuse(alive(60), "late", 0, deadline)).not.toHaveProperty("silenceExcusedMs");
  });

  it("of one that is dead or cancelled is never ours", () => {
    fc.assert(
      fc.property(deadServices, fc.integer({ min: 0, max: 2 ** 45 }), (service, nowMs) => {
        expect(doubtOf(service, nowMs, nowMs)).toBeUndefined();
        expect(isNewSilence(service, nowMs)).toBe(false);
      }),
    );
  });
});

describe("an excuse", () => {
  it.each([
    [1, 60],
    [60, 65],
    [600, 605],
    [3_600, 900],
    [86_400, 900],
  ])("of a service that pulses every %i s lasts for %i s", (nextIn, seconds) => {
    const nowMs = START_MS + 7 * 86_400 * SECOND_MS;
    expect(deadlineMs(excuse(alive(nextIn), "late", 0, nowMs))).toBe(nowMs + seconds * SECOND_MS);
    expect(deadlineMs(excuse(alive(nextIn), "silence", 1_234, nowMs))).toBe(nowMs + seconds * SECOND_MS + 1_234);
  });

  it("puts a death off, by a minute to 15, and dates it as if it had not", () => {
    fc.assert(
      fc.property(aliveServices, fc.integer({ min: 0, max: 10 * 86_400_000 }), (service, lateMs) => {
        const nowMs = deadlineMs(service) + lateMs;
        const excused = excuse(service, "late", 0, nowMs);
        const untilMs = deadlineMs(excused);
        expect(untilMs - nowMs).toBeGreaterThanOrEqual(MINUTE_MS);
        expect(untilMs - nowMs).toBeLessThanOrEqual(15 * MINUTE_MS);
        expect(nextChangeMs(excused)).toBeLessThanOrEqual(untilMs);
        expect(expire(excused, untilMs - 1).service?.status).toBe("alive");
        const { service: dead, transitions } = expire(excused, untilMs);
        expect(dead).toMatchObject({ status: "dead", sinceMs: promiseEndMs(service), lastMs: service.lastMs });
        expect(transitions.filter(({ kind }) => kind === "died")).toHaveLength(1);
      }),
    );
  });

  it("ends with a pulse, of which nobody hears", () => {
    fc.assert(
      fc.property(aliveServices, fc.integer({ min: 0, max: 14 * 60_000 }), (service, afterMs) => {
        const nowMs = deadlineMs(service);
        const { untoldRevival: _, ...told } = service;
        const excused = excuse(told, "late", 0, nowMs);
        const atMs = Math.min(nowMs + afterMs, deadlineMs(excused) - 1);
        const { service: after, transitions } = pulse(excused, { nextInSeconds: 60, target: OWNER }, DEFAULTS, atMs);
        expect(after.excusedUntilMs).toBeUndefined();
        expect(transitions.filter(({ kind }) => kind === "died" || kind === "revived")).toEqual([]);
      }),
    );
  });
});

describe("the silence of many", () => {
  it.each([
    [4, 4, false],
    [5, 5, true],
    [5, 10, true],
    [5, 11, false],
    [50, 101, false],
    [51, 101, true],
    [10_000, 10_000, true],
  ])("%i of %i that are due: %s", (silent, due, isMass) => {
    expect(judgeSilence({ all: silent, lately: 0 }, due)).toBe(isMass ? "ours" : "own");
  });

  it.each([
    [4, 20, "own"],
    [5, 20, "perhaps"],
    [5, 50, "perhaps"],
    [5, 51, "own"],
    [49, 500, "own"],
    [49, 490, "perhaps"],
    [50, 100_000, "perhaps"],
    [10, 20, "ours"],
  ] as const)("%i of %i within seconds: %s", (silent, due, verdict) => {
    expect(judgeSilence({ all: silent, lately: silent }, due)).toBe(verdict);
  });
});

describe("how long a service waits", () => {
  it.each([
    ["perhaps", 49, 20_000],
    ["ours", 49, 0],
    ["perhaps", 50, 20_700],
    ["ours", 50, 20_700],
  ] as const)("whose silence is %s, as one of %i within seconds: %i ms", (verdict, lately, waitMs) => {
    expect(waitOf(verdict, { all: 1_000, lately }, 700)).toBe(waitMs);
  });

  it.each<[string, Alive, SilenceAnswer | undefined, SilenceAnswer]>([
    ["not at all that is told it is its own", alive(60), say("own"), say("own")],
    ["as long as it is told to", alive(60), say("perhaps", 30_000), say("perhaps", 30_000)],
    ["once only", held(false), say("perhaps", 30_000), say("own")],
    ["at random that gets no answer", alive(60), undefined, say("perhaps", 40_000)],
    ["and when it then gets one, once more", held(true), say("perhaps", 30_000), say("perhaps", 30_000)],
    ["not again that gets no answer again", held(true), undefined, say("own")],
    ["not again that gets no answer after one", held(false), undefined, say("own")],
    ["for its excuse, whatever was before", held(false), say("ours", 5), say("ours", 5)],
  ])("%s", (_, service, answer, expected) => {
    expect(heed(service, answer, 0.5)).toEqual(expected);
  });

  it("is bounded, whatever it is answered, and however late its alarms are", () => {
    const answers: fc.Arbitrary<SilenceAnswer | undefined> = fc.option(
      fc.record({
        verdict: fc.constantFrom("own", "perhaps", "ours"),
        waitMs: fc.integer({ min: 0, max: LAST_TURN_MS + 20_000 }),
      }),
      { nil: undefined },
    );
    const asked = fc.record({ answer: answers, lateMs: fc.integer({ min: 0, max: 60_000 }) });
    fc.assert(
      fc.property(aliveServices, fc.infiniteStream(asked), (service, questions) => {
        const beganMs = deadlineMs(service);
        let current: Service = service;
        let [nowMs, count] = [beganMs, 0];
        while (isNewSilence(current, nowMs)) {
          const { answer, lateMs } = questions.next().value as { answer: SilenceAnswer | undefined; lateMs: number };
          const { verdict, waitMs } = heed(current, answer, 0.999);
          if (verdict === "own") break;
          current =
            verdict === "ours"
              ? excuse(current, "silence", waitMs, nowMs)
              : hold(current, waitMs, answer === undefined, nowMs);
          nowMs = deadlineMs(current) + lateMs;
          count++;
        }
        expect(count).toBeLessThanOrEqual(3);
        // Held for want of an answer, held in its turn, excused beyond its turn; and each alarm a minute late.
        const longestMs = MINUTE_MS + 2 * (20_000 + LAST_TURN_MS) + 15 * MINUTE_MS + 3 * MINUTE_MS;
        expect(nowMs - beganMs).toBeLessThanOrEqual(longestMs);
        expect(expire(current, nowMs).service).toMatchObject({ status: "dead", sinceMs: promiseEndMs(service) });
      }),
    );
  });
});

function say(verdict: SilenceAnswer["verdict"], waitMs = 0): SilenceAnswer {
  return { verdict, waitMs };
}

function held(isUnheard: boolean): Alive {
  return hold(alive(60), 20 * SECOND_MS, isUnheard, START_MS + PROMISE_MS);
}

describe("what is told of an outage", () => {
  it("says since when, by which sign, and what follows", () => {
    expect(outageMessage("late", "2040-01-01 12:00:00 UTC")).toMatch(
      /^No pulses reach watchTower since 2040-01-01 12:00:00 UTC: .*alarms came more than a minute late.* 1 to 15 minutes\.$/,
    );
    expect(outageMessage("refused", "x")).toContain("storage refused pulses");
    expect(outageMessage("silence", "x")).toContain("fell silent together");
  });
});
