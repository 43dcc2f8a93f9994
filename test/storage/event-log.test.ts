import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { ulids } from "../../src/domain/ulid.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { insertEvents, listEvents, MOST_SEARCHED } from "../../src/storage/event-log.ts";
import { event, plansOf, query, rowsReadBy, storeEvents } from "../support/rows.ts";

const db = openDatabase(env.DB);
const T0 = Date.UTC(2030, 0, 1);
const ALL = { fromSeconds: 0, toSeconds: 2 ** 33 };

describe("storing an event", () => {
  it("writes two rows: the table's, and its entry by service", async () => {
    const { meta } = await insertEvents(db, [event(T0, { service: "cost", level: 3 })]);
    expect(meta.rows_written).toBe(2);
  });

  it("writes a third for an error", async () => {
    const { meta } = await insertEvents(db, [event(T0, { service: "cost", level: 4 })]);
    expect(meta.rows_written).toBe(3);
  });

  it("writes nothing more when it is repeated", async () => {
    const once = event(T0, { service: "twice", message: "first" });
    await insertEvents(db, [once]);
    const { meta } = await insertEvents(db, [once, { ...once, message: "second" }]);
    expect(meta.rows_written).toBe(0);
    expect(await query("select message from events where service = 'twice'")).toEqual([{ message: "first" }]);
  });

  it("keeps every character, and tells true from false", async () => {
    const message = `quotes ' " \\ \` emoji 👩‍👩‍👧 rtl \u202e line \r\n tab \t \u2028 \uffff {"json": true}`;
    const stored = event(T0, { service: "chars", message, alert: true, level: 1_000 });
    await insertEvents(db, [stored]);
    const { rows } = await listEvents(db, { ...ALL, service: "chars" }, { limit: 10 });
    expect(rows).toEqual([stored]);
  });

  it("takes many rows in one statement", async () => {
    const rows = ulids(T0, 1_000).map((id) => event(T0, { id, service: "many" }));
    await insertEvents(db, rows);
    expect(await query("select count(*) as n from events where service = 'many'")).toEqual([{ n: 1_000 }]);
  });
});

describe("a list of events", () => {
  beforeAll(() =>
    storeEvents(
      ...Array.from({ length: 7 }, (_, i) => event(T0 + i * 1_000, { service: "paged", message: String(i), level: i })),
    ),
  );
  const messages = (page: { rows: { message: string }[] }) => page.rows.map(({ message }) => message);

  it("comes newest first, page by page, and says when there is no more", async () => {
    const filter = { ...ALL, service: "paged" };
    const first = await listEvents(db, filter, { limit: 3 });
    expect(messages(first)).toEqual(["6", "5", "4"]);
    const second = await listEvents(db, filter, { limit: 3, beforeId: first.nextId });
    expect(messages(second)).toEqual(["3", "2", "1"]);
    const third = await listEvents(db, filter, { limit: 3, beforeId: second.nextId });
    expect(messages(third)).toEqual(["0"]);
    expect(third.nextId).toBeUndefined();
    // A last page that is full is known to be the last.
    expect((await listEvents(db, filter, { limit: 7 })).nextId).toBeUndefined();
  });

  it("comprises both ends of its range", async () => {
    const range = { fromSeconds: T0 / 1_000 + 2, toSeconds: T0 / 1_000 + 4, service: "paged" };
    expect(messages(await listEvents(db, range, { limit: 10 }))).toEqual(["4", "3", "2"]);
  });

  it.each([0, 3, 4, 5, 6])("filters by level %i and above", async (level) => {
    const page = await listEvents(db, { ...ALL, service: "paged", level }, { limit: 10 });
    expect(messages(page)).toEqual(["6", "5", "4", "3", "2", "1", "0"].slice(0, 7 - level));
  });

  describe("asks the database", () => {
    /** How SQLite finds a list's rows; the rest of its plan works on what was found, which is a page. */
    async function planOf(filter: Parameters<typeof listEvents>[1]): Promise<string | undefined> {
      const [plan] = await plansOf(() => listEvents(db, filter, { limit: 10, beforeId: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" }));
      return plan?.split("; ").find((step) => /\bevents\b/.test(step));
    }

    it("by range for everything", async () => {
      expect(await planOf(ALL)).toBe("SEARCH events USING PRIMARY KEY (id>? AND id<?)");
    });

    it("by the index of services for one service, within the range", async () => {
      expect(await planOf({ ...ALL, service: "paged" })).toBe(
        "SEARCH events USING INDEX events_by_service (service=? AND id>? AND id<?)",
      );
    });

    it.each([4, 5, 7, 1_000])("by the index of errors from level %i on", async (level) => {
      expect(await planOf({ ...ALL, level })).toBe("SEARCH events USING INDEX events_errors (id>? AND id<?)");
    });

    it("by range for lower levels, which that index has not", async () => {
      expect(await planOf({ ...ALL, level: 3 })).toBe("SEARCH events USING PRIMARY KEY (id>? AND id<?)");
    });
  });
});

describe("a page", () => {
  it("ends early where its messages pass 8 MB, and the next goes on from there", async () => {
    const message = "x".repeat(1_000_000);
    const ids = ulids(Date.UTC(2031, 0, 1), 10);
    for (const id of ids) await storeEvents({ id, service: "talkative", level: 1, message, alert: false });
    const filter = { ...ALL, service: "talkative" };
    const first = await listEvents(db, filter, { limit: 100 });
    expect(first.rows.map(({ id }) => id)).toEqual(ids.slice(2).reverse());
    expect(first.nextId).toBe(ids[2]);
    const second = await listEvents(db, filter, { limit: 100, beforeId: first.nextId });
    expect(second.rows.map(({ id }) => id)).toEqual(ids.slice(0, 2).reverse());
    expect(second.nextId).toBeUndefined();
  });

  it("has every message whole, however much longer than the others some are", async () => {
    const ids = ulids(Date.UTC(2032, 0, 1), 2_000);
    const messageOf = (i: number) => (i % 500 === 7 ? "é".repeat(32_768 - (i % 5)) : `short ${i}`);
    const rows = ids.map((id, i) => event(0, { id, service: "mixed", message: messageOf(i) }));
    await storeEvents(...rows);
    const page = await listEvents(db, { ...ALL, service: "mixed" }, { limit: 2_000 });
    expect(page.nextId).toBeUndefined();
    expect(page.rows).toEqual(rows.toReversed());
  });

  it("reads a row for each event that it has, and one more", async () => {
    const page = { limit: 100 };
    const rowsRead = await rowsReadBy(() => listEvents(db, { ...ALL, service: "many" }, page));
    expect(rowsRead).toEqual([101]);
  });
});

describe("a search", () => {
  const START = Date.UTC(2033, 0, 1);
  const filter = { fromSeconds: START / 1_000, toSeconds: START / 1_000 + 86_400 };
  const ids = ulids(START, MOST_SEARCHED + 10);
  /** These say something else, counted from the newest. */
  const needles = new Map([
    [3, "needle 3"],
    [MOST_SEARCHED - 1, "needle at the end"],
    [MOST_SEARCHED, "needle after the end"],
    [MOST_SEARCHED + 9, "needle at the very end"],
  ]);

  beforeAll(async () => {
    const rows = ids
      .toReversed()
      .map((id, i) => event(START, { id, service: "hay", message: needles.get(i) ?? "hay" }));
    for (let i = 0; i < rows.length; i += 5_000) await storeEvents(...rows.slice(i, i + 5_000));
  });

  it("goes on from page to page where it looks through more than 50,000 events, and finds each once", async () => {
    const found: string[][] = [];
    let beforeId: string | undefined;
    do {
      const page = await listEvents(db, { ...filter, message: "NEEDLE" }, { limit: 10, beforeId });
      found.push(page.rows.map(({ message }) => message));
      beforeId = page.nextId;
    } while (beforeId);
    expect(found.flat()).toEqual([...needles.values()]);
    expect(found.length).toBeLessThanOrEqual(3);
  });

  it("reads at most 52,500 rows for a page that has nothing, by message, by level or both, of all or of one service", async () => {
    const searches = [{ message: "nowhere" }, { level: 2 }, { level: 2, message: "nowhere" }];
    for (const search of [
      ...searches,
      ...searches.map((search) => ({ ...search, service: "hay" })),
      { service: "hay", level: 5 },
    ]) {
      const rowsRead = await rowsReadBy(async () => {
        const page = await listEvents(db, { ...filter, ...search }, { limit: 10 });
        expect(page).toEqual({ rows: [], nextId: ids[10], isCut: false });
      });
      expect(rowsRead, JSON.stringify(search)).toEqual([2_500, MOST_SEARCHED]);
    }
  });

  it("stops as soon as its page is full", async () => {
    const rowsRead = await rowsReadBy(() => listEvents(db, { ...filter, message: "hay" }, { limit: 10 }));
    // Those that are found are read once more.
    expect(rowsRead).toEqual([12 + 11]);
  });

  /** Has something done just before D1 is asked for what a text is part of. */
  function justBefore(part: string, work: () => Promise<unknown>): void {
    const prepare = env.DB.prepare.bind(env.DB);
    const spy = vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      const statement = prepare(sql);
      if (!sql.includes(part)) return statement;
      spy.mockRestore();
      const bind = statement.bind.bind(statement);
      statement.bind = (...values) => {
        const bound = bind(...values);
        const raw = bound.raw.bind(bound) as () => Promise<never>;
        bound.raw = async () => {
          await work();
          return raw();
        };
        return bound;
      };
      return statement;
    });
  }

  const SWEEP = "json_group_array";
  const ROWS = "json_each";

  it.each([SWEEP, ROWS])("shows nothing twice when events arrive just before it asks by %s", async (part) => {
    const late = ulids(START + 1_000, 5);
    justBefore(part, () =>
      storeEvents(...late.map((id) => event(START, { id, service: "hay", message: `late for ${part}` }))),
    );
    const wanted = { ...filter, message: "needle" };
    const first = await listEvents(db, wanted, { limit: 10 });
    const second = await listEvents(db, wanted, { limit: 10, beforeId: first.nextId });
    const messages = [...first.rows, ...second.rows].map(({ message }) => message);
    expect(messages).toEqual([...needles.values()]);
    const arrived = await query("select count(*) as n from events where message = ?", `late for ${part}`);
    expect(arrived).toEqual([{ n: 5 }]);
  });

  it.each([SWEEP, ROWS])("skips nothing when the oldest are deleted just before it asks by %s", async (part) => {
    const wanted = { ...filter, message: "needle" };
    const isDeleted = "message = 'hay' and id in (select id from events where service = 'hay' order by id limit 9)";
    justBefore(part, () => query(`delete from events where ${isDeleted}`));
    const first = await listEvents(db, wanted, { limit: 10, afterId: "00000000000000000000000000" });
    const second = await listEvents(db, wanted, { limit: 10, afterId: first.nextId });
    const messages = [...first.rows, ...second.rows].map(({ message }) => message);
    expect(messages).toEqual([...needles.values()].reverse());
  });

  it.each([1, 2, 10, 30, 300])("reads few rows in vain where one of %i events matches", async (one) => {
    const count = 30_000;
    const at = START + 7_200_000;
    const service = `one of ${one}`;
    const own = ulids(at, count);
    const rows = own.map((id, i) => event(at, { id, service, message: i % one ? "none" : "hit" }));
    for (let i = 0; i < count; i += 5_000) await storeEvents(...rows.slice(i, i + 5_000));
    for (const limit of [100, 1_000, 2_500]) {
      let found = 0;
      let afterId: string | undefined = "00000000000000000000000000";
      const rowsRead = await rowsReadBy(async () => {
        do {
          const page = await listEvents(db, { ...filter, service, message: "hit" }, { limit, afterId });
          found += page.rows.length;
          afterId = page.nextId;
        } while (afterId !== undefined);
      });
      expect(found).toBe(Math.ceil(count / one));
      const all = rowsRead.reduce((sum, n) => sum + n, 0);
      // Each is looked through, and most of them once more; what is found is read a few times.
      expect(all, `limit ${limit}`).toBeLessThan(2.5 * count + 4 * found);
    }
  });

  it("goes on where a full page ended, though some of it was deleted meanwhile", async () => {
    const at = START + 3_600_000;
    const own = ulids(at, 6_000);
    const service = "sparse";
    // Too few at first, and then more than a page has.
    const isHit = (i: number) => i < 30 || i > 5_995;
    await storeEvents(...own.map((id, i) => event(at, { id, service, message: isHit(i) ? `hit ${i}` : "none" })));
    const wanted = { ...filter, service, message: "hit" };
    justBefore(ROWS, () => query("delete from events where id in (?, ?)", own[25] as string, own[24] as string));
    const first = await listEvents(db, wanted, { limit: 10 });
    expect(first.rows.map(({ message }) => message)).toEqual(
      [5_999, 5_998, 5_997, 5_996, 29, 28, 27, 26].map((i) => `hit ${i}`),
    );
    const second = await listEvents(db, wanted, { limit: 100, beforeId: first.nextId });
    expect(second.rows.map(({ message }) => message)).toEqual(Array.from({ length: 24 }, (_, i) => `hit ${23 - i}`));
  });
});

describe("pages towards the newer", () => {
  it("come oldest first, and are the same as those the other way, also of a search", async () => {
    const service = "to and fro";
    const ids = ulids(T0, 95);
    await storeEvents(...ids.map((id, i) => event(T0, { id, service, message: i % 3 ? "odd" : "third" })));
    for (const message of [undefined, "THIRD"]) {
      const wanted = { ...ALL, service, ...(message && { message }) };
      const all = (await listEvents(db, wanted, { limit: 1_000 })).rows.map(({ id }) => id);
      const found: string[] = [];
      let afterId: string | undefined = all.at(-1);
      while (afterId) {
        const page = await listEvents(db, wanted, { limit: 10, afterId });
        found.push(...page.rows.map(({ id }) => id));
        afterId = page.nextId;
      }
      expect(found).toEqual(all.toReversed().slice(1));
    }
  });

  it("read no more than their rows, however much there is on the other side", async () => {
    const service = "deep";
    const ids = ulids(T0, 2_000);
    await storeEvents(...ids.map((id) => event(T0, { id, service })));
    for (const request of [{ beforeId: ids[20] }, { afterId: ids[1_979] }]) {
      const rowsRead = await rowsReadBy(() => listEvents(db, { ...ALL, service }, { limit: 10, ...request }));
      expect(rowsRead, JSON.stringify(request)).toEqual([11]);
    }
  });
});
