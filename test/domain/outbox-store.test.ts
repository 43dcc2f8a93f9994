import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { D1_LANE, nextDeliveryMs, PARKED_LANE } from "../../src/domain/outbox.ts";
import type { Attempts } from "../../src/domain/retry.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import { Outbox } from "../../src/monitor/outbox.ts";
import { moment, owedThings, START_MS } from "./support/arbitraries.ts";
import { FakeStorage } from "./support/fake-storage.ts";
import { runs, timeoutOf } from "./support/runs.ts";

const DIRECTORY = { kind: "directory" } as const;
const ATTEMPTS: Attempts = { count: 2, firstMs: START_MS, delayMs: 5_000, giveUpMs: START_MS + DAY_MS };

const newStorage = () => new FakeStorage(() => START_MS);
const idsOf = (outbox: Outbox) => [...outbox.entries].map(({ id }) => id);

describe("an outbox", () => {
  it("in which nothing was ever put stores nothing, not even its table", () => {
    const storage = newStorage();
    const outbox = new Outbox(storage);
    expect([...outbox.entries]).toEqual([]);
    expect(nextDeliveryMs(outbox.entries)).toBeUndefined();
    expect(storage.written.sql).toBe(0);
    expect([...storage.sql.exec("select name from sqlite_master where name = 'outbox'")]).toEqual([]);
  });

  it("gives ids that rise strictly, also when the clock stands still or steps back", () => {
    fc.assert(
      fc.property(fc.array(moment, { minLength: 2 }), (times) => {
        const outbox = new Outbox(newStorage());
        for (const nowMs of times) outbox.add(DIRECTORY, nowMs, nowMs);
        const ids = idsOf(outbox);
        expect(ids).toHaveLength(times.length);
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      }),
    );
  });

  it("does not use an id again after it was emptied", () => {
    const storage = newStorage();
    const outbox = new Outbox(storage);
    outbox.add(DIRECTORY, START_MS, START_MS);
    const [first] = idsOf(outbox) as [number];
    outbox.remove(first);
    outbox.add(DIRECTORY, START_MS, START_MS);
    expect(idsOf(outbox)[0]).toBeGreaterThan(first);
    const later = new Outbox(storage);
    later.remove(idsOf(later)[0] as number);
    const evicted = new Outbox(storage);
    evicted.add(DIRECTORY, START_MS + 60_000, START_MS + 60_000);
    expect(idsOf(evicted)[0]).toBeGreaterThan(first + 1);
  });

  it("continues after the highest id when it is loaded, whatever the clock says", () => {
    const storage = newStorage();
    new Outbox(storage).add(DIRECTORY, START_MS, START_MS);
    const loaded = new Outbox(storage);
    loaded.add(DIRECTORY, START_MS, START_MS - DAY_MS);
    expect(idsOf(loaded)).toEqual([START_MS, START_MS + 1]);
    expect(idsOf(new Outbox(storage))).toEqual([START_MS, START_MS + 1]);
  });

  it("remembers attempts, and forgets what was removed", () => {
    const storage = newStorage();
    const outbox = new Outbox(storage);
    outbox.add(DIRECTORY, START_MS, START_MS);
    outbox.add(DIRECTORY, START_MS, START_MS);
    const [first, second] = idsOf(outbox) as [number, number];
    outbox.postpone(first, START_MS + 5_000, ATTEMPTS);
    outbox.remove(second);
    for (const one of [outbox, new Outbox(storage)]) {
      const kept = { id: first, lane: D1_LANE, owed: DIRECTORY, nextMs: START_MS + 5_000, attempts: ATTEMPTS };
      expect([...one.entries]).toEqual([kept]);
      expect(one.get(first)).toEqual(kept);
      expect(one.get(second)).toBeUndefined();
    }
  });

  it("changes nothing about an entry that is gone", () => {
    const storage = newStorage();
    const outbox = new Outbox(storage);
    outbox.add(DIRECTORY, START_MS, START_MS);
    const [id] = idsOf(outbox) as [number];
    outbox.remove(id);
    outbox.postpone(id, START_MS, ATTEMPTS);
    outbox.move(id, PARKED_LANE);
    outbox.remove(id);
    expect([...outbox.entries]).toEqual([]);
    expect([...new Outbox(storage).entries]).toEqual([]);
  });

  it(
    "is the same in memory and when it is loaded, whatever was done to it",
    () => {
      const action = fc.oneof(
        fc.record({ kind: fc.constant("add" as const), owed: owedThings, nowMs: moment }),
        fc.record({ kind: fc.constant("postpone" as const), at: fc.nat(), nextMs: moment, count: fc.nat() }),
        fc.record({ kind: fc.constant("move" as const), at: fc.nat() }),
        fc.record({ kind: fc.constant("remove" as const), at: fc.nat() }),
        fc.record({ kind: fc.constant("evict" as const) }),
      );
      fc.assert(
        fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
          const storage = newStorage();
          let outbox = new Outbox(storage);
          outbox.add(DIRECTORY, START_MS, START_MS);
          const pick = (at: number) => idsOf(outbox)[at % Math.max(1, idsOf(outbox).length)] ?? 0;
          for (const action of actions) {
            if (action.kind === "add") outbox.add(action.owed, action.nowMs, action.nowMs);
            if (action.kind === "postpone") {
              outbox.postpone(pick(action.at), action.nextMs, { ...ATTEMPTS, count: action.count });
            }
            if (action.kind === "move") outbox.move(pick(action.at), PARKED_LANE);
            if (action.kind === "remove") outbox.remove(pick(action.at));
            const loaded = new Outbox(storage);
            expect([...loaded.entries]).toEqual([...outbox.entries]);
            if (action.kind === "evict") outbox = loaded;
          }
        }),
        runs(200),
      );
    },
    timeoutOf(runs(200)),
  );

  it("that is rolled back with its step is loaded as it was before", () => {
    const storage = newStorage();
    const outbox = new Outbox(storage);
    outbox.add(DIRECTORY, START_MS, START_MS);
    const before = [...outbox.entries];
    expect(() =>
      storage.transactionSync(() => {
        outbox.add(DIRECTORY, START_MS, START_MS);
        throw new Error("refused");
      }),
    ).toThrow("refused");
    expect([...new Outbox(storage).entries]).toEqual(before);
  });
});
