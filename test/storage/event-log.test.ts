import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { ulids } from "../../src/domain/ulid.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { insertEvents, listEvents } from "../../src/storage/event-log.ts";
import { event, plansOf, query, storeEvents } from "../support/rows.ts";

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
});
