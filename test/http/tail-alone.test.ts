import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Event } from "../../src/domain/event.ts";
import { SECOND_MS } from "../../src/domain/time.ts";
import { highestUlid, ulid, ulidTimeMs } from "../../src/domain/ulid.ts";
import { TAIL_LIMITS, Tail, type TailLimits } from "../../src/http/tail.ts";
import type { ReadTail } from "../../src/storage/event-tail.ts";
import { START_MS } from "../support/clock.ts";
import { event } from "../support/rows.ts";
import { EventReader } from "../support/sse.ts";

// Here time is the tests' own, timers included: the database is an array.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: START_MS });
  vi.spyOn(console, "warn").mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Events that are stored at a moment, some time after that of their ids. */
class Store {
  rows: { event: Event; storedMs: number }[] = [];
  looks: { after: string; upTo: string; ms: number }[] = [];
  isBroken = false;
  pageRows = 3;

  add(idMs: number, storedMs = idMs): Event {
    const row = event(idMs);
    this.rows.push({ event: row, storedMs });
    return row;
  }

  readonly read: ReadTail = async (after, upTo) => {
    this.looks.push({ after, upTo, ms: Date.now() });
    if (this.isBroken) throw new Error("D1_ERROR: secret detail");
    const found = this.rows
      .filter(({ storedMs }) => storedMs <= Date.now())
      .map(({ event }) => event)
      .filter(({ id }) => id > after && id <= upTo)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const rows = found.slice(0, this.pageRows);
    const nextId = found.length > rows.length ? rows.at(-1)?.id : undefined;
    return { rows, reachedId: nextId ?? upTo, hasMore: nextId !== undefined, queries: rows.length > 0 ? 2 : 1 };
  };
}

const open = (store: Store, afterId?: string, limits: TailLimits = TAIL_LIMITS.free) =>
  new Tail(store.read, (row) => ({ message: row.id }), limits, afterId).stream();

/** Lets time pass until some work is done, or at most for so long. */
async function passUntil(work: Promise<unknown>, mostMs: number, stepMs = 100): Promise<boolean> {
  let isDone = false;
  void work.then(() => {
    isDone = true;
  });
  const endMs = Date.now() + mostMs;
  await vi.advanceTimersByTimeAsync(0);
  while (!isDone && Date.now() < endMs) await vi.advanceTimersByTimeAsync(Math.min(stepMs, endMs - Date.now()));
  return isDone;
}

describe("a tail", () => {
  it("begins with how soon to come again, and with a place to come again at", async () => {
    const reader = new EventReader();
    reader.open(open(new Store()));
    await reader.read();
    expect(reader).toMatchObject({ retryMs: 1_000, events: [], lastEventId: highestUlid(START_MS - SECOND_MS) });
  });

  it("gives each event within three seconds, in the order of ids, once it is a second old", async () => {
    const store = new Store();
    const reader = new EventReader();
    reader.open(open(store));
    await reader.read();
    const late = store.add(START_MS + 10, START_MS + 900);
    const early = store.add(START_MS + 20, START_MS + 20);
    expect(await passUntil(reader.readEvents(2), 3_000)).toBe(true);
    expect(Date.now()).toBeGreaterThanOrEqual(START_MS + 1_020);
    expect(reader.events).toEqual([late, early].map(({ id }) => ({ id, type: "message", data: { message: id } })));
  });

  it("gives what was stored just before it began, and nothing older", async () => {
    const store = new Store();
    store.add(START_MS - 1_500);
    const justNow = store.add(START_MS - 500);
    const reader = new EventReader();
    reader.open(open(store));
    await passUntil(reader.readEvents(1), 3_000);
    expect(reader.events.map(({ id }) => id)).toEqual([justNow.id]);
  });

  it("says something after each look, and at least every fifteen seconds where it is", async () => {
    const reader = new EventReader();
    reader.open(open(new Store()));
    const places: string[] = [];
    for (let i = 0; i < 3; i++) {
      const before = reader.lastEventId;
      const startedMs = Date.now();
      while (reader.lastEventId === before) expect(await passUntil(reader.read(), 1_600)).toBe(true);
      expect(Date.now() - startedMs).toBeLessThanOrEqual(15_000);
      places.push(reader.lastEventId);
    }
    expect(new Set(places).size).toBe(3);
    expect(places).toEqual([...places].sort());
    expect(Date.now() - ulidTimeMs(places[2] ?? "")).toBeLessThan(3_000);
  });

  it.each(["free", "paid"] as const)("ends by itself within the limits of the %s plan", async (plan) => {
    const store = new Store();
    const reader = new EventReader();
    reader.open(open(store, undefined, TAIL_LIMITS[plan]));
    expect(await passUntil(reader.readAll(), 1_000 * SECOND_MS, 1_000)).toBe(true);
    expect(store.looks.length).toBeLessThanOrEqual(plan === "free" ? 48 : 900);
    // It does not end so soon that coming again costs more than looking.
    expect(Date.now() - START_MS).toBeGreaterThan(60 * SECOND_MS);
    // All that was looked at need not be looked at again.
    expect(reader.lastEventId).toBe(store.looks.at(-1)?.upTo);
  });

  it("takes no more queries where each look finds something that needs a second one", async () => {
    const store = new Store();
    for (let i = 0; i < 1_000; i++) store.add(START_MS + i * 200);
    const reader = new EventReader();
    reader.open(open(store));
    expect(await passUntil(reader.readAll(), 1_000 * SECOND_MS)).toBe(true);
    expect(store.looks.length * 2).toBeLessThanOrEqual(48);
  });

  it("looks for nothing before it is read, and no more once its reader is gone, without delay", async () => {
    const store = new Store();
    const unread = open(store);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(store.looks).toEqual([]);
    await unread.cancel();
    const reader = new EventReader();
    reader.open(open(store));
    await reader.read();
    await passUntil(reader.read(), 2_000);
    await passUntil(reader.read(), 2_000);
    const reading = reader.read();
    await vi.advanceTimersByTimeAsync(500);
    const { length } = store.looks;
    expect(length).toBeGreaterThan(0);
    await reader.close();
    await reading;
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.looks).toHaveLength(length);
  });

  it("waits for one whose clock is ahead, instead of giving something twice", async () => {
    const store = new Store();
    const reader = new EventReader();
    reader.open(open(store, ulid(START_MS + 5_000)));
    await reader.read();
    store.add(START_MS + 100);
    const later = store.add(START_MS + 6_000, START_MS);
    await passUntil(reader.readEvents(1), 10_000);
    expect(reader.events.map(({ id }) => id)).toEqual([later.id]);
  });
});

describe("where D1 fails", () => {
  it("a tail goes on where it was, and looks less and less often meanwhile", async () => {
    const store = new Store();
    const reader = new EventReader();
    reader.open(open(store));
    await reader.read();
    store.isBroken = true;
    const first = store.add(START_MS + 100);
    const reading = reader.readEvents(2);
    await vi.advanceTimersByTimeAsync(5_000);
    const second = store.add(START_MS + 5_000);
    store.isBroken = false;
    await passUntil(reading, 10_000);
    expect(reader.events.map(({ id }) => id)).toEqual([first.id, second.id]);
    const failed = store.looks.slice(0, 3).map(({ ms }) => ms);
    expect([failed[1], failed[2]].map((ms, i) => (ms ?? 0) - (failed[i] ?? 0))).toEqual([1_500, 3_000]);
  });

  it("a tail ends when that lasts, so that its client comes again, at the same place", async () => {
    const store = new Store();
    const reader = new EventReader();
    reader.open(open(store));
    await reader.read();
    const place = reader.lastEventId;
    store.isBroken = true;
    const missed = store.add(START_MS + 100);
    expect(await passUntil(reader.readAll(), 60 * SECOND_MS)).toBe(true);
    expect(store.looks).toHaveLength(5);
    expect(reader.lastEventId).toBe(place);
    store.isBroken = false;
    reader.open(open(store, reader.lastEventId));
    await passUntil(reader.readEvents(1), 3_000);
    expect(reader.events.map(({ id }) => id)).toEqual([missed.id]);
  });
});

describe("whoever comes again and again", () => {
  it("hears each event that is stored in time exactly once, in order, however often it is cut off", async () => {
    const inserts = fc.array(
      fc.record({
        gapMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 4_000 })),
        // Later than this it may be heard or not.
        delayMs: fc.integer({ min: 0, max: 990 }),
      }),
      { maxLength: 40 },
    );
    const visits = fc.array(
      fc.record({
        staysMs: fc.integer({ min: 0, max: 9_000 }),
        awayMs: fc.integer({ min: 0, max: 5_000 }),
        isBroken: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(inserts, visits, async (inserts, visits) => {
        vi.setSystemTime(START_MS);
        const store = new Store();
        const reader = new EventReader();
        const connect = () => reader.open(open(store, reader.lastEventId || undefined));
        connect();
        await reader.read();
        let idMs = START_MS;
        for (const { gapMs, delayMs } of inserts) {
          idMs += gapMs;
          store.add(idMs, idMs + delayMs);
        }
        for (const { staysMs, awayMs, isBroken } of visits) {
          store.isBroken = isBroken;
          await passUntil(reader.readAll(), staysMs);
          await reader.close();
          await vi.advanceTimersByTimeAsync(awayMs);
          connect();
        }
        store.isBroken = false;
        const endMs = Math.max(Date.now(), idMs) + 5_000;
        while (Date.now() < endMs) {
          await passUntil(reader.readAll(), endMs - Date.now());
          await reader.close();
          connect();
        }
        await reader.close();
        const expected = store.rows.map(({ event }) => event.id).sort();
        expect(reader.events.map(({ id }) => id)).toEqual(expected);
      }),
      { seed: 20_261_124, numRuns: 30 },
    );
  });
});
