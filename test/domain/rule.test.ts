import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Circumstances,
  claim,
  exampleOf,
  expire,
  follow,
  handed,
  isNews,
  isOver,
  MOST_EXAMPLE_CHARACTERS,
  nextWatchMs,
  observe,
  postponed,
  type Rule,
  type Watch,
} from "../../src/domain/rule.ts";
import { formatDate, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { START_MS } from "./support/arbitraries.ts";

const RULE: Rule = {
  name: "errors",
  q: "level:>=error",
  target: { type: "webhook", target: "https://hooks.example/a" },
  count: 3,
  seconds: 60,
  quietSeconds: 600,
  writtenMs: START_MS,
};
const CIRCUMSTANCES: Circumstances = { timeZone: "UTC", newId: ulid };

const begun = (rule: Rule = RULE) => follow(undefined, rule) as Watch;
const matchesAt = (ms: number, ids: readonly string[]) => ({
  ids: [...ids],
  examples: ids.map((id) => ({ id, service: "web", level: 4, message: `event of ${ms}` })),
});
const seen = (watch: Watch, ms: number, ids: readonly string[]) =>
  observe(watch, matchesAt(ms, ids), CIRCUMSTANCES, ms);
/** So many matches at a moment. */
const some = (watch: Watch, ms: number, count = 1) =>
  seen(
    watch,
    ms,
    Array.from({ length: count }, () => ulid(ms)),
  );

/** One that hands over at once, and wakes up whenever it is due. */
class Player {
  watch: Watch;
  told: { ms: number; matched: number }[] = [];

  constructor(rule: Rule) {
    this.watch = begun(rule);
  }

  see(ms: number, ids: readonly string[]): void {
    this.wakeUntil(ms);
    this.#take(seen(this.watch, ms, ids), ms);
  }

  wakeUntil(ms: number): void {
    for (;;) {
      const { atMs, isOnlyTidying } = nextWatchMs(this.watch);
      if (isOnlyTidying || atMs > ms) return;
      this.#take(expire(this.watch, CIRCUMSTANCES, atMs), atMs);
    }
  }

  #take(watch: Watch, ms: number): void {
    this.watch = watch;
    const { raised } = watch;
    if (!raised) return;
    this.told.push({ ms, matched: Number(raised.alert.title.match(/: (\d+) event/)?.[1]) });
    this.watch = handed(watch, raised.alert.id);
  }
}

/** The rule as one would write it down, with everything remembered. */
function reference(rule: Rule, arrivals: readonly { ms: number; count: number }[], endMs: number) {
  const told: { ms: number; matched: number }[] = [];
  const isReachedAt = (since: readonly number[], ms: number) =>
    since.filter((other) => other <= ms && other > ms - rule.seconds * SECOND_MS).length >= rule.count;
  let since: number[] = [];
  let quietUntilMs: number | undefined;
  const endQuiet = (nowMs: number) => {
    while (quietUntilMs !== undefined && quietUntilMs <= nowMs) {
      const atMs = quietUntilMs;
      const isReached = since.some((ms) => isReachedAt(since, ms));
      quietUntilMs = isReached ? atMs + rule.quietSeconds * SECOND_MS : undefined;
      if (isReached) told.push({ ms: atMs, matched: since.length });
      if (isReached) since = [];
    }
  };
  for (const { ms, count } of arrivals) {
    endQuiet(ms);
    since.push(...Array<number>(count).fill(ms));
    if (quietUntilMs !== undefined || !isReachedAt(since, ms)) continue;
    told.push({ ms, matched: since.filter((other) => other > ms - rule.seconds * SECOND_MS).length });
    since = [];
    quietUntilMs = ms + rule.quietSeconds * SECOND_MS;
  }
  endQuiet(endMs);
  return told;
}

const rules = fc
  .record({
    count: fc.integer({ min: 1, max: 6 }),
    seconds: fc.constantFrom(1, 10, 60, 3_600),
    quietSeconds: fc.constantFrom(60, 600, 900),
  })
  .map((fields): Rule => ({ ...RULE, ...fields }));
const arrivals = fc
  .array(
    fc.record({
      gapMs: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 20 * MINUTE_MS })),
      count: fc.integer({ min: 1, max: 4 }),
    }),
    { maxLength: 40 },
  )
  .map((gaps) => {
    let ms = START_MS;
    return gaps.map(({ gapMs, count }) => {
      ms += gapMs;
      return { ms, count };
    });
  });

describe("a rule", () => {
  it("counts what is told late as of when it came, and never as of later than now", () => {
    const rule = { ...RULE, count: 3, seconds: 60 };
    const late = (watch: Watch, atMs: number) =>
      observe(watch, { ids: [ulid(atMs)], examples: [], atMs }, CIRCUMSTANCES, START_MS + HOUR_MS);
    const spread = [0, 10, 20, 30].reduce((watch, minute) => late(watch, START_MS + minute * MINUTE_MS), begun(rule));
    expect(spread.raised).toBeUndefined();
    const dense = [0, 10, 20].reduce((watch, second) => late(watch, START_MS + second * SECOND_MS), begun(rule));
    expect(dense.raised?.alert.title).toBe("Rule errors: 3 events");
    expect(late(begun(rule), START_MS + 2 * HOUR_MS).lastMs).toBe(START_MS + HOUR_MS);
  });

  it("raises one alert when so many events match within its seconds, and not before", () => {
    const two = some(some(begun(), START_MS), START_MS + 59_999);
    expect(two.raised).toBeUndefined();
    expect(some(two, START_MS + 60_000).raised).toBeUndefined();
    const three = some(two, START_MS + 59_999);
    expect(three.raised?.alert).toMatchObject({ kind: "event", service: "web", title: "Rule errors: 3 events" });
    expect(three.quiet).toMatchObject({ matched: 0, untilMs: START_MS + 59_999 + 600_000 });
  });

  it("shows the newest three, by their dates", () => {
    const ids = [5, 1, 4, 2, 3].map((second) => ulid(START_MS + second * SECOND_MS));
    const { raised } = seen(begun({ ...RULE, count: 5 }), START_MS + 10_000, ids);
    expect(raised?.alert.message).toBe(
      [
        "5 events matched the rule errors within 1 min. The newest:",
        ...[5, 4, 3].map(
          (second) =>
            `${formatDate(START_MS + second * SECOND_MS, "UTC")} UTC web, error: event of ${START_MS + 10_000}`,
        ),
      ].join("\n"),
    );
  });

  it("says of an event that is alone what it was", () => {
    const { raised } = some(begun({ ...RULE, count: 1, seconds: 3_600 }), START_MS);
    expect(raised?.alert.title).toBe("Rule errors: 1 event");
    expect(raised?.alert.message).toBe(
      `1 event matched the rule errors within 1 h. Namely:\n${formatDate(START_MS, "UTC")} UTC web, error: event of ${START_MS}`,
    );
  });

  it("tells at the end of the quiet time how many matched in it, where they are enough, and is quiet again", () => {
    const told = some(begun(), START_MS, 3);
    const { id } = told.raised?.alert ?? { id: "" };
    const storm = [1, 2, 3, 4].reduce((watch, i) => some(watch, START_MS + i * 1_000), handed(told, id));
    expect(storm.raised).toBeUndefined();
    expect(expire(storm, CIRCUMSTANCES, START_MS + 599_999)).toBe(storm);
    const again = expire(storm, CIRCUMSTANCES, START_MS + 600_000);
    expect(again.raised?.alert.title).toBe("Rule errors: 4 events");
    expect(again.raised?.alert.message).toContain("within 10 min, since the last alert");
    expect(again.quiet?.untilMs).toBe(START_MS + 1_200_000);
  });

  it("starts anew after a quiet time in which too few matched", () => {
    const told = some(begun(), START_MS, 3);
    const few = some(handed(told, told.raised?.alert.id ?? ""), START_MS + 1_000, 2);
    const over = expire(few, CIRCUMSTANCES, START_MS + 600_000);
    expect(over.raised).toBeUndefined();
    expect(over.quiet).toBeUndefined();
    expect(some(over, START_MS + 600_001, 2).raised).toBeUndefined();
    expect(some(over, START_MS + 600_001, 3).raised?.alert.title).toBe("Rule errors: 3 events");
  });

  it("counts what matched across the end of a quiet time", () => {
    const told = some(begun(), START_MS, 3);
    const few = some(handed(told, told.raised?.alert.id ?? ""), START_MS + 599_000, 2);
    expect(some(few, START_MS + 601_000).raised?.alert.title).toBe("Rule errors: 3 events");
  });

  it("says what a rule says that remembers everything, whenever its events come", () => {
    fc.assert(
      fc.property(rules, arrivals, (rule, all) => {
        const endMs = START_MS + 20 * HOUR_MS;
        const player = new Player(rule);
        for (const { ms, count } of all) {
          player.see(
            ms,
            Array.from({ length: count }, () => ulid(ms)),
          );
        }
        player.wakeUntil(endMs);
        expect(player.told).toEqual(reference(rule, all, endMs));
      }),
    );
  });

  it("never tells twice within its quiet time, nor of more than there was", () => {
    fc.assert(
      fc.property(rules, arrivals, (rule, all) => {
        const player = new Player(rule);
        for (const { ms, count } of all) {
          player.see(
            ms,
            Array.from({ length: count }, () => ulid(ms)),
          );
        }
        player.wakeUntil(START_MS + 20 * HOUR_MS);
        const gaps = player.told.slice(1).map(({ ms }, i) => ms - (player.told[i]?.ms ?? 0));
        for (const gapMs of gaps) expect(gapMs).toBeGreaterThanOrEqual(rule.quietSeconds * SECOND_MS);
        const sum = player.told.reduce((total, { matched }) => total + matched, 0);
        expect(sum).toBeLessThanOrEqual(all.reduce((total, { count }) => total + count, 0));
      }),
    );
  });

  it("counts each event once, however often it is told of it, and whatever is saved and loaded in between", () => {
    fc.assert(
      fc.property(rules, arrivals, fc.infiniteStream(fc.nat({ max: 3 })), (rule, all, repeats) => {
        const [once, often] = [new Player(rule), new Player(rule)];
        for (const { ms, count } of all) {
          const ids = Array.from({ length: count }, () => ulid(ms));
          once.see(ms, ids);
          often.see(ms, [...ids, ...ids]);
          for (let i = repeats.next().value ?? 0; i > 0; i--) {
            often.watch = JSON.parse(JSON.stringify(often.watch));
            often.see(ms, ids.slice(i % 2));
          }
        }
        expect(often.told).toEqual(once.told);
      }),
    );
    const three = some(begun({ ...RULE, count: 4 }), START_MS, 3);
    expect(seen(three, START_MS + 1, three.seenIds)).toBe(three);
  });
});

describe("an alert that is to be handed over", () => {
  const told = some(begun(), START_MS, 3);
  const id = told.raised?.alert.id ?? "";

  it("is tried again later and later, and not more often than every ten minutes", () => {
    let watch = told;
    const delays: number[] = [];
    for (let i = 0; i < 12; i++) {
      watch = postponed(watch, id, START_MS);
      delays.push((watch.raised?.nextMs ?? 0) - START_MS);
    }
    expect(delays.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000]);
    expect(delays.at(-1)).toBe(600_000);
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
  });

  it("keeps it quiet until it has been handed over, however long that takes, and nothing is lost of what matches", () => {
    let watch = claim(told, START_MS + 15_000);
    for (let hour = 1; hour < 5; hour++) watch = some(watch, START_MS + hour * HOUR_MS, 3);
    expect(watch.raised?.alert.id).toBe(id);
    expect(handed(watch, "another")).toBe(watch);
    const next = expire(handed(watch, id), CIRCUMSTANCES, START_MS + 5 * HOUR_MS);
    expect(next.raised?.alert.title).toBe("Rule errors: 12 events");
  });

  it("goes to whom the rule names by then", () => {
    const target = { type: "mail", target: "ann@example.com" };
    const changed = follow(told, { ...RULE, target, writtenMs: START_MS + 1 });
    expect(changed?.rule.target).toEqual(target);
    expect(changed?.raised).toEqual(told.raised);
  });

  it("is not told when the rule looks for something else by then", () => {
    const changed = follow(told, { ...RULE, q: "level:>=critical", writtenMs: START_MS + 1 });
    expect(changed).toMatchObject({ recentMs: [], seenIds: [], examples: [] });
    expect(changed?.raised).toBeUndefined();
    expect(changed?.quiet).toBeUndefined();
  });
});

describe("what an older rule has matched", () => {
  it("counts where the newer one looks for the same, and not where it looks for something else", () => {
    const newer = begun({ ...RULE, count: 5, writtenMs: START_MS + 1 });
    expect(follow(newer, RULE)).toBe(newer);
    expect(follow(newer, { ...RULE, q: "disk" })).toBeUndefined();
  });
});

describe("what is remembered of a rule", () => {
  it("is forgotten an hour after the last match, or after the rule's own seconds", () => {
    const one = some(begun(), START_MS);
    expect(isOver(one, START_MS + HOUR_MS - 1)).toBe(false);
    expect(isOver(one, START_MS + HOUR_MS)).toBe(true);
    const slow = some(begun({ ...RULE, seconds: 86_400 }), START_MS);
    expect(isOver(slow, START_MS + 24 * HOUR_MS - 1)).toBe(false);
    expect(isOver(slow, START_MS + 24 * HOUR_MS)).toBe(true);
    expect(isOver(some(begun(), START_MS, 3), START_MS + 100 * HOUR_MS)).toBe(false);
  });

  it("stays small, however many match", () => {
    let watch = begun({ ...RULE, count: 1_000, seconds: 86_400 });
    for (let i = 0; i < 30; i++) watch = some(watch, START_MS + i, 990);
    expect(JSON.stringify(watch).length).toBeLessThan(200_000);
  });
});

describe("an event", () => {
  it("is news for an hour after its date", () => {
    expect(isNews(ulid(START_MS), START_MS + HOUR_MS)).toBe(true);
    expect(isNews(ulid(START_MS), START_MS + HOUR_MS + 1)).toBe(false);
    expect(isNews(ulid(START_MS + MINUTE_MS), START_MS)).toBe(true);
  });

  it("is shown in its first characters, none of them halved", () => {
    const { message } = exampleOf({ id: ulid(START_MS), service: "a", level: 0, message: "😀".repeat(300) });
    expect(message).toBe(`${"😀".repeat(MOST_EXAMPLE_CHARACTERS)}…`);
    const short = { id: ulid(START_MS), service: "a", level: 0, message: "short" };
    expect(exampleOf(short)).toEqual(short);
  });
});
