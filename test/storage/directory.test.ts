import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { AlertRecord, DeliveryState } from "../../src/domain/alert.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { answersOf, findAlert, upsertAlerts } from "../../src/storage/alert-log.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { countDead, findService, listServices, upsertServices } from "../../src/storage/directory.ts";
import { plansOf, query, snapshot, storeServices } from "../support/rows.ts";

const db = openDatabase(env.DB);

describe("the directory", () => {
  it("gives back what was stored", async () => {
    const row = snapshot(`all ' " \\ 👩‍👩‍👧 \u202e`, {
      status: "dead",
      graceIsOwn: true,
      grace: 0,
      revision: 1_800_000_000_123,
    });
    await storeServices(row);
    expect(await findService(db, row.service)).toEqual(row);
  });

  it("knows nothing of who never pulsed, and compares names exactly", async () => {
    await storeServices(snapshot("Case"));
    expect(await findService(db, "case")).toBeUndefined();
    expect(await findService(db, "Case ")).toBeUndefined();
  });

  it("lists by name, and takes many rows in one statement", async () => {
    const names = ["b", "a/2", "a", "ä", "B"];
    const { meta } = await upsertServices(
      db,
      names.map((name) => snapshot(`list:${name}`)),
    );
    expect(meta.changes).toBe(5);
    const listed = (await listServices(db)).map(({ service }) => service).filter((name) => name.startsWith("list:"));
    expect(listed).toEqual(["list:B", "list:a", "list:a/2", "list:b", "list:ä"]);
  });

  it("counts the dead by an index, and reads no others", async () => {
    await query("delete from services");
    await storeServices(snapshot("a"), snapshot("b", { status: "dead" }), snapshot("c", { status: "dead" }));
    expect(await countDead(db)).toBe(2);
    const [plan] = await plansOf(() => countDead(db));
    expect(plan).toBe("SCAN services USING COVERING INDEX services_dead");
    const { meta } = await upsertServices(db, [snapshot("a", { revision: 2 })]);
    expect(meta.rows_written).toBe(1);
  });

  it("keeps one target; a row without any has none", async () => {
    await storeServices(snapshot("untold", { targets: [] }));
    expect((await findService(db, "untold"))?.targets).toEqual([]);
  });

  const stored = { revision: 10, last: 1_000, status: "alive" } as const;
  const cases: [string, { revision: number; last: number }, boolean][] = [
    ["a later revision wins", { revision: 11, last: 1_000 }, true],
    ["a later revision wins, even with an earlier pulse", { revision: 11, last: 900 }, true],
    ["a later pulse of the same revision wins", { revision: 10, last: 1_001 }, true],
    ["the same again changes nothing", { revision: 10, last: 1_000 }, false],
    ["an earlier pulse of the same revision changes nothing", { revision: 10, last: 999 }, false],
    ["an earlier revision changes nothing", { revision: 9, last: 1_000 }, false],
    ["an earlier revision changes nothing, even with a later pulse", { revision: 9, last: 2_000 }, false],
  ];
  it.each(cases)("%s", async (name, offered, wins) => {
    await storeServices(snapshot(name, stored));
    const { meta } = await upsertServices(db, [snapshot(name, { ...offered, status: "dead", asOf: 5 })]);
    expect(meta.changes).toBe(wins ? 1 : 0);
    expect(await findService(db, name)).toMatchObject(wins ? { ...offered, status: "dead", asOf: 5 } : stored);
  });
});

describe("the delivery log", () => {
  function record(id: string, state: DeliveryState, attempts: number, rest: Partial<AlertRecord> = {}): AlertRecord {
    const alert = { id, kind: "dead", service: "s", dateMs: 1_500, title: "t", message: "m" } as const;
    return { alert, target: { type: "mail", target: "ann@example.com" }, state, attempts, ...rest };
  }
  const rowOf = async (id: string) => (await query("select * from alerts where id = ?", id))[0];

  it("has one row for each alert, in whole seconds", async () => {
    await upsertAlerts(db, [record("whole", "pending", 1, { lastAnswer: "HTTP 500", nextAttemptMs: 7_999 })]);
    expect(await rowOf("whole")).toEqual({
      id: "whole",
      service: "s",
      date: 1,
      kind: "dead",
      alert_type: "mail",
      alert_target: "ann@example.com",
      title: "t",
      message: "m",
      state: "pending",
      attempts: 1,
      last_answer: "HTTP 500",
      next_attempt: 7,
      answers: "[]",
      downtime: null,
    });
  });

  it("keeps the answer to every attempt, in one batch or several, once, however often it is recorded", async () => {
    const tried = (number: number, state: DeliveryState) =>
      record("tried", state, number, {
        lastAnswer: `answer ${number}`,
        attempt: { number, atMs: number * 1_000 + 7, outcome: "retry", answer: `answer ${number}` },
      });
    const told = (...numbers: number[]) =>
      numbers.map((attempt) => ({ attempt, date: attempt, outcome: "retry", answer: `answer ${attempt}` }));
    const answers = async () => (await answersOf(db, ["tried"])).get("tried");
    await upsertAlerts(db, [record("tried", "pending", 0), tried(1, "pending"), tried(2, "pending")]);
    expect(await answers()).toEqual(told(1, 2));
    await upsertAlerts(db, [tried(2, "pending")]);
    await upsertAlerts(db, [tried(1, "pending")]);
    expect(await answers()).toEqual(told(1, 2));
    await upsertAlerts(db, [tried(2, "pending"), tried(3, "pending"), tried(4, "failed")]);
    await upsertAlerts(db, [tried(4, "failed")]);
    expect(await answers()).toEqual(told(1, 2, 3, 4));
    expect(await rowOf("tried")).toMatchObject({ state: "failed", attempts: 4, last_answer: "answer 4" });
    await upsertAlerts(db, [record("tried", "pending", 4), tried(5, "delivered")]);
    expect(await answers()).toEqual(told(1, 2, 3, 4, 5));
  });

  it("keeps all that it takes to send an alert again", async () => {
    const alert = {
      ...{ id: ulid(1_234_567), kind: "dead" as const, service: "s", dateMs: 1_234_567, title: "t", message: "m" },
      dead: { lastMs: 1, fromMs: 2, toMs: 3 },
    };
    const target = { type: "mail", target: "ann@example.com" };
    await upsertAlerts(db, [{ alert, target, state: "failed", attempts: 9 }]);
    expect(await findAlert(db, alert.id)).toEqual({ alert, target, state: "failed", attempts: 9 });
    expect(await findAlert(db, ulid(0))).toBeUndefined();
  });

  it("forgets the next attempt once there is none", async () => {
    await upsertAlerts(db, [record("done", "pending", 1, { lastAnswer: "HTTP 500", nextAttemptMs: 7_999 })]);
    await upsertAlerts(db, [record("done", "delivered", 2, { lastAnswer: "HTTP 200" })]);
    expect(await rowOf("done")).toMatchObject({ state: "delivered", last_answer: "HTTP 200", next_attempt: null });
  });

  const cases: [from: [DeliveryState, number], to: [DeliveryState, number], moves: boolean][] = [
    [["pending", 0], ["pending", 1], true],
    [["pending", 1], ["delivered", 2], true],
    [["pending", 1], ["failed", 1], true],
    [["pending", 0], ["dropped", 0], true],
    [["dropped", 1], ["delivered", 1], true],
    [["delivered", 2], ["pending", 1], false],
    [["delivered", 2], ["delivered", 1], false],
    [["delivered", 1], ["dropped", 1], false],
    // It is sent again.
    [["failed", 3], ["pending", 3], true],
    [["failed", 3], ["dropped", 3], false],
    [["failed", 3], ["pending", 2], false],
    [["pending", 2], ["pending", 1], false],
  ];
  it.each(cases)("from %j a record of %j moves it on: %s", async (from, to, moves) => {
    const id = JSON.stringify([from, to]);
    await upsertAlerts(db, [record(id, ...from)]);
    await upsertAlerts(db, [record(id, ...to)]);
    const [state, attempts] = moves ? to : from;
    expect(await rowOf(id)).toMatchObject({ state, attempts });
  });
});
