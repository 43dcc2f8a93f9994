import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { doubtOf, excuse, hold, isNewSilence, judgeSilence, outageMessage } from "../../src/domain/outage.ts";
import { type Alive, deadlineMs, promiseEndMs } from "../../src/domain/service.ts";
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
    const excused = excuse(service, "silence", deadline);
    expect(isNewSilence(excused, deadlineMs(excused))).toBe(false);
    expect(isNewSilence(undefined, deadline)).toBe(false);
  });

  it("that is held is new still, and lasts for 20 seconds", () => {
    const held = hold(alive(60), deadline);
    expect(deadlineMs(held)).toBe(deadline + 20 * SECOND_MS);
    expect(isNewSilence(held, deadline + 20 * SECOND_MS)).toBe(true);
    expect(excuse(held, "silence", deadline)).not.toHaveProperty("isHeld");
    const { service } = expire(held, deadline + 20 * SECOND_MS);
    expect(service).toMatchObject({ status: "dead", sinceMs: deadline });
    expect(service).not.toHaveProperty("isHeld");
  });

  it("is excused once in an hour because others are silent, however often the service pulses meanwhile", () => {
    const said = { nextInSeconds: 60, target: OWNER };
    const excused = excuse(alive(60), "silence", deadline);
    const back = pulse(excused, { ...said, nextInSeconds: 86_400 }, DEFAULTS, deadline + 30 * SECOND_MS).service;
    expect(back).not.toHaveProperty("excusedUntilMs");
    const again = (nowMs: number) => isNewSilence(pulse(back, said, DEFAULTS, nowMs - PROMISE_MS).service, nowMs);
    expect(again(deadline + 2 * MINUTE_MS)).toBe(false);
    expect(again(deadline + 60 * MINUTE_MS - 1)).toBe(false);
    expect(again(deadline + 60 * MINUTE_MS)).toBe(true);
    expect(excuse(alive(60), "late", deadline)).not.toHaveProperty("silenceExcusedMs");
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
    expect(deadlineMs(excuse(alive(nextIn), "late", nowMs))).toBe(nowMs + seconds * SECOND_MS);
  });

  it("puts a death off, by a minute to 15, and dates it as if it had not", () => {
    fc.assert(
      fc.property(aliveServices, fc.integer({ min: 0, max: 10 * 86_400_000 }), (service, lateMs) => {
        const nowMs = deadlineMs(service) + lateMs;
        const excused = excuse(service, "late", nowMs);
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
        const excused = excuse(told, "late", nowMs);
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
    [99, 1_000, "own"],
    [100, 1_000, "perhaps"],
    [10, 20, "ours"],
  ] as const)("%i of %i within seconds: %s", (silent, due, verdict) => {
    expect(judgeSilence({ all: silent, lately: silent }, due)).toBe(verdict);
  });
});

describe("what is told of an outage", () => {
  it("says since when, by which sign, and what follows", () => {
    expect(outageMessage("late", "2040-01-01 12:00:00 UTC")).toMatch(
      /^No pulses reach watchTower since 2040-01-01 12:00:00 UTC: .*alarms came more than a minute late.* 1 to 15 minutes\.$/,
    );
    expect(outageMessage("refused", "x")).toContain("storage refused pulses");
    expect(outageMessage("silence", "x")).toContain("fell silent together");
  });
});
