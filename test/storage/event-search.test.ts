import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { equalParts } from "../../src/domain/histogram.ts";
import { MOST_SEARCH_TERMS, parseSearch } from "../../src/domain/search.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { statsOfEvents } from "../../src/storage/event-counts.ts";
import { listEvents } from "../../src/storage/event-log.ts";
import { event, plansOf, rowsReadBy, storeEvents } from "../support/rows.ts";

const db = openDatabase(env.DB);
const T0 = Date.UTC(2030, 0, 1);
const ALL = { fromSeconds: T0 / 1_000, toSeconds: T0 / 1_000 + 86_400 };

async function messages(filter: object): Promise<string[]> {
  const { rows } = await listEvents(db, { ...ALL, ...filter }, { limit: 100 });
  return rows.map(({ message }) => message);
}

describe("a search", () => {
  beforeAll(() =>
    storeEvents(
      event(T0, { message: "none", service: "a", level: 3 }),
      event(T0 + 1, { message: "number", fields: { n: 5, status: 503 }, service: "a", level: 4 }),
      event(T0 + 2, { message: "text", fields: { n: "5" }, service: "b", level: 5 }),
      event(T0 + 3, { message: "boolean", fields: { n: true, status: 200 }, service: "b", level: 6 }),
    ),
  );

  it.each([
    ["n:5", ["text", "number"]],
    ["n:5.0", ["number"]],
    ["n:true", ["boolean"]],
    ["n:1", []],
    ["-n:5", ["boolean", "none"]],
    ["n:>4", ["number"]],
    ["-n:>4", ["boolean", "text", "none"]],
    ["n:<=5", ["number"]],
    ["n:>=1e300", []],
    ["status:503 OR n:true", ["boolean", "number"]],
    ["service:a OR level:>=6", ["boolean", "number", "none"]],
    ["service:a service:b", []],
    ["level:>=4 level:>=6", ["boolean"]],
    ["level:>4 level:<6", ["text"]],
    ["level:4", ["number"]],
    ["-level:>=error", ["none"]],
  ])("for %s finds %j", async (q, expected) => {
    expect(await messages({ search: parseSearch(q) })).toEqual(expected);
  });

  it("holds along with all else that is asked for", async () => {
    const search = parseSearch("level:>=4");
    expect(await messages({ search, service: "a" })).toEqual(["number"]);
    expect(await messages({ search, level: 5, message: "TEXT" })).toEqual(["text"]);
    expect(
      await messages({
        search,
        fields: [
          { name: "n", value: "5" },
          { name: "status", value: "503" },
        ],
      }),
    ).toEqual(["number"]);
    expect(await messages({ search: parseSearch("service:b"), service: "a" })).toEqual([]);
  });

  it.each([
    ["of and-ed terms", " ", '"q\\"":5'],
    ["of alternatives", " OR ", '"q\\"":5'],
    ["of paths", " ", "-n:5"],
    ["of comparisons", " OR ", "n:>5"],
    ["of words", " OR ", "-word"],
  ])("may be as long as it gets, %s", async (_, separator, term) => {
    const search = parseSearch(Array.from({ length: MOST_SEARCH_TERMS - 2 }, () => term).join(separator));
    const fields = [
      { name: "it's", value: "5" },
      { name: 'q"', value: "true" },
    ];
    const filter = { ...ALL, search, fields, service: "a", level: 5, message: "a" };
    const bind = vi.spyOn(env.DB, "prepare");
    await listEvents(db, filter, { limit: 10, beforeId: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" });
    await statsOfEvents(db, filter, equalParts(filter, 10), 100);
    const parameters = bind.mock.calls.map(([sql]) => sql.split("?").length - 1);
    bind.mockRestore();
    expect(Math.max(...parameters)).toBeLessThanOrEqual(100);
  });
});

describe("the indexes are used", () => {
  async function planOf(q: string, more: object = {}): Promise<string | undefined> {
    const filter = { ...ALL, ...more, search: parseSearch(q) };
    const [plan] = await plansOf(() => listEvents(db, filter, { limit: 10 }));
    return plan?.split("; ").find((step) => /\bevents\b/.test(step));
  }
  const BY_RANGE = "SEARCH events USING PRIMARY KEY (id>? AND id<?)";
  const BY_SERVICE = "SEARCH events USING INDEX events_by_service (service=? AND id>? AND id<?)";
  const ERRORS = "SEARCH events USING INDEX events_errors (id>? AND id<?)";

  it.each([
    ["service:a", BY_SERVICE],
    ["disk service:a full", BY_SERVICE],
    ["service:a level:>=error", BY_SERVICE],
    ["-service:a", BY_RANGE],
    ["service:a OR service:b", BY_RANGE],
    ["level:>=error", ERRORS],
    ["level:>=critical host:a", ERRORS],
    ["level:>3", ERRORS],
    ["level:error", ERRORS],
    ["level:>=error OR level:alert disk", ERRORS],
    ["level:>=error OR disk", BY_RANGE],
    ["level:>=warning", BY_RANGE],
    ["-level:>=error", BY_RANGE],
    ["level:<=error", BY_RANGE],
    ["host:a", BY_RANGE],
  ])("for %s", async (q, expected) => {
    expect(await planOf(q)).toBe(expected);
  });

  it("and what they tell is not searched for: such a page reads its rows, and one more", async () => {
    const T1 = T0 + 10_000_000;
    await storeEvents(
      ...Array.from({ length: 300 }, (_, i) =>
        event(T1 + i, { service: i % 2 ? "odd" : "even", level: i % 3 ? 1 : 4 }),
      ),
    );
    const filter = { fromSeconds: T1 / 1_000, toSeconds: T1 / 1_000 + 1 };
    for (const q of ["service:odd", "level:>=error"]) {
      const rowsRead = await rowsReadBy(() => listEvents(db, { ...filter, search: parseSearch(q) }, { limit: 20 }));
      expect(rowsRead, q).toEqual([21]);
    }
  });
});
