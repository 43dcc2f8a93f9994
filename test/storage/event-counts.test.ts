import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { dateMs } from "../../src/domain/event.ts";
import { equalParts, roundBuckets } from "../../src/domain/histogram.ts";
import { parseSearch } from "../../src/domain/search.ts";
import { ulids } from "../../src/domain/ulid.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { countEvents, statsOfEvents } from "../../src/storage/event-counts.ts";
import { event, plansOf, rowsReadBy, storeEvents } from "../support/rows.ts";

const db = openDatabase(env.DB);
const T0 = Date.UTC(2030, 0, 1);
const FROM = T0 / 1_000;

describe("counting", () => {
  it("finds as many as the naive way, in every part and of every level", async () => {
    const service = "counted";
    const range = { fromSeconds: FROM, toSeconds: FROM + 999, service };
    const all = Array.from({ length: 500 }, (_, i) =>
      event(T0 + ((i * 7_919) % 1_000_000), {
        service,
        level: i % 10 === 9 ? 900 + (i % 3) : i % 6,
        message: i % 2 ? "even" : "odd",
      }),
    );
    await storeEvents(...all);
    for (const wanted of [{}, { level: 4 }, { level: 2 }, { message: "EVEN" }, { level: 3, message: "odd" }]) {
      const expected = new Map<string, number>();
      for (const { id, level, message } of all) {
        if (level < (wanted.level ?? 0) || (wanted.message && message !== wanted.message.toLowerCase())) continue;
        const key = `${Math.floor((dateMs({ id }) - T0) / (1_000_000 / 7))} ${level}`;
        expected.set(key, (expected.get(key) ?? 0) + 1);
      }
      const filter = { ...range, ...wanted };
      const { counts, countedFrom } = await countEvents(db, filter, equalParts(filter, 7), 501);
      expect(new Map(counts.map(({ bucket, level, count }) => [`${bucket} ${level}`, count]))).toEqual(expected);
      expect(countedFrom).toBeUndefined();
    }
  });

  describe("of more than it looks at", () => {
    const START = Date.UTC(2031, 0, 1);
    // Two events in each second.
    const ids = Array.from({ length: 300 }, (_, i) => ulids(START + i * 500, 1)[0] as string);
    const filter = { fromSeconds: START / 1_000, toSeconds: START / 1_000 + 149 };
    beforeAll(() => storeEvents(...ids.map((id, i) => event(0, { id, service: `s ${i % 3}`, level: i % 2 }))));

    it("counts the newest, and says since when", async () => {
      const stats = await statsOfEvents(db, filter, roundBuckets(filter, 10), 100);
      expect(stats.countedFrom).toBe(START / 1_000 + 100);
      expect(stats.counts.reduce((sum, { count }) => sum + count, 0)).toBe(100);
      expect(stats.services.reduce((sum, { count }) => sum + count, 0)).toBe(100);
      expect(Math.min(...stats.counts.map(({ bucket }) => bucket))).toBe(6);
    });

    it("looks at those that the indexes tell, whether they match or not", async () => {
      const search = parseSearch("nowhere");
      const stats = await statsOfEvents(db, { ...filter, search }, roundBuckets(filter, 10), 100);
      expect(stats).toEqual({ counts: [], services: [], serviceCount: 0, countedFrom: START / 1_000 + 100 });
      const ofOne = await statsOfEvents(
        db,
        { ...filter, search: parseSearch("service:'s") },
        roundBuckets(filter, 9),
        100,
      );
      expect(ofOne.countedFrom).toBeUndefined();
    });

    it("reads each event once by time, and twice by service", async () => {
      const most = 100;
      const buckets = roundBuckets(filter, 10);
      const counted = await rowsReadBy(() => countEvents(db, filter, buckets, most));
      // A look for the oldest; then one by time, to which the buckets come.
      expect(counted).toEqual([most, expect.any(Number)]);
      expect(counted[1]).toBeLessThanOrEqual(most + 10);
      const rows = await rowsReadBy(() => statsOfEvents(db, filter, buckets, most));
      expect(rows.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(4 * most + 30);
    });
  });

  it("names the hundred services that have the most", async () => {
    const start = Date.UTC(2032, 0, 1);
    const names = Array.from({ length: 120 }, (_, i) => `busy ${String(i).padStart(3, "0")}`);
    const all = names.flatMap((service, i) => Array.from({ length: 1 + (i % 60) }, () => event(start, { service })));
    await storeEvents(...all);
    const filter = { fromSeconds: start / 1_000, toSeconds: start / 1_000 };
    const { services, serviceCount } = await statsOfEvents(db, filter, roundBuckets(filter, 60), 10_000);
    expect(serviceCount).toBe(120);
    expect(services).toHaveLength(100);
    expect(services[0]).toEqual({ service: "busy 059", count: 60 });
    expect(services[1]).toEqual({ service: "busy 119", count: 60 });
    expect(services.at(-1)).toEqual({ service: "busy 070", count: 11 });
  });

  it.each([
    ["named", 1],
    ["unnamed", 900],
  ])("has the same events by time and by service while more come, also of %s levels", async (name, level) => {
    const start = Date.UTC(2033, 0, level);
    const more = () => event(start, { service: `coming ${name}`, level });
    await storeEvents(more());
    // One more comes before each query.
    const moving = {
      prepare: (query: string) => ({
        bind(...values: unknown[]) {
          const original = env.DB.prepare(query).bind(...values);
          const raw = () => storeEvents(more()).then(() => original.raw());
          return { original, raw };
        },
      }),
      async batch(statements: { original: D1PreparedStatement }[]) {
        await storeEvents(more());
        return env.DB.batch(statements.map(({ original }) => original));
      },
    } as unknown as D1Database;
    const filter = { fromSeconds: start / 1_000, toSeconds: start / 1_000 };
    const { counts, services } = await statsOfEvents(openDatabase(moving), filter, roundBuckets(filter, 10), 100);
    const total = counts.reduce((sum, { count }) => sum + count, 0);
    expect(total).toBeGreaterThan(1);
    expect(services).toEqual([{ service: `coming ${name}`, count: total }]);
  });

  describe("asks the database", () => {
    const filter = { fromSeconds: FROM, toSeconds: FROM + 999 };
    /** How SQLite finds the events of each query. */
    async function plansFor(more: object): Promise<string[]> {
      const plans = await plansOf(() => statsOfEvents(db, { ...filter, ...more }, roundBuckets(filter, 10), 10));
      return plans.map((plan) => plan.split("; ").find((step) => /\bevents\b/.test(step)) ?? plan);
    }

    it.each([
      ["by range for everything", {}, "SEARCH events USING PRIMARY KEY (id>? AND id<?)"],
      ["by range for a search", { search: parseSearch("a b:5") }, "SEARCH events USING PRIMARY KEY (id>? AND id<?)"],
      [
        "by the index of services",
        { search: parseSearch("service:a b") },
        "SEARCH events USING INDEX events_by_service (service=? AND id>? AND id<?)",
      ],
      ["by the index of errors", { level: 5 }, "SEARCH events USING INDEX events_errors (id>? AND id<?)"],
    ])("%s", async (_, more, expected) => {
      const plans = await plansFor(more);
      // Of levels without a name there may be a query more.
      expect(plans.length).toBeGreaterThanOrEqual(3);
      for (const plan of plans) expect(plan.replace("COVERING ", "")).toBe(expected);
    });
  });
});
