import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { ulid, ulids } from "../../src/domain/ulid.ts";
import { wakeBuffers } from "../../src/monitor/buffers.ts";
import { MOST_HELD_BYTES } from "../../src/monitor/held-batches.ts";
import { addEvents, listsOf } from "../../src/storage/add-events.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { expectRefusal } from "../support/app.ts";
import { bufferAlarmOf, runBufferAlarm } from "../support/buffer.ts";
import { call } from "../support/client.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import { breakD1 } from "../support/monitor.ts";
import { event, query } from "../support/rows.ts";

useTestClock();

const NAMES = ["buffer 0", "buffer 1", "buffer 2", "buffer 3"];
const bufferOf = (name = "buffer 0") => env.EVENT_BUFFER.getByName(name);
const alarmOf = (name?: string) => bufferAlarmOf(bufferOf(name));

beforeEach(() => {
  vi.setSystemTime(START_MS);
  // The first buffer is asked first.
  vi.spyOn(Math, "random").mockReturnValue(0);
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const name of NAMES) {
    await runInDurableObject(bufferOf(name), (_, { storage }) => storage.deleteAll());
    await evictDurableObject(bufferOf(name));
  }
  await query("delete from events");
});

const runAlarm = (name?: string) => runBufferAlarm(bufferOf(name));

/** Runs a buffer's alarm until it has none. */
async function flush(name?: string): Promise<void> {
  while (await runAlarm(name));
}

/** How many rows a buffer has, and how many of them are parked. */
function rowsOf(name?: string) {
  return runInDurableObject(bufferOf(name), (_, { storage }) => {
    const hasTable = storage.sql.exec("select 1 from sqlite_master where name = 'batches'").toArray().length > 0;
    return hasTable
      ? storage.sql.exec("select count(*) as rows, total(parked) as parked from batches").one()
      : { rows: 0, parked: 0 };
  });
}

const stored = () =>
  query<{ id: string; message: string; fields: string | null }>("select id, message, fields from events order by id");

/** Makes D1 do something else with statements whose texts have a word in them. */
function withStatements(word: string, instead: (run: () => Promise<D1Result>) => Promise<D1Result>): () => void {
  const prepare = env.DB.prepare.bind(env.DB);
  const spy = vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
    const statement = prepare(sql);
    const bind = statement.bind.bind(statement);
    statement.bind = (...values) => {
      const bound = bind(...values);
      if (!values.some((value) => typeof value === "string" && value.includes(word))) return bound;
      const run = bound.run.bind(bound);
      const raw = bound.raw.bind(bound);
      bound.run = (() => instead(run as () => Promise<D1Result>)) as typeof bound.run;
      bound.raw = (() => instead(raw as unknown as () => Promise<D1Result>)) as unknown as typeof bound.raw;
      return bound;
    };
    return statement;
  });
  return () => spy.mockRestore();
}

describe("while D1 refuses", () => {
  it("an event is queued, and stored once when D1 is back, with its id, its fields and its date", async () => {
    const mend = breakD1();
    const body = { service: "queued", message: "kept", fields: { a: 1 }, date: START_MS - 5_000 };
    const answer = await call("POST", "/event", { body });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ result: 200, id: expect.stringMatching(/^[0-9A-Z]{26}$/), queued: true });
    expect(await rowsOf()).toEqual({ rows: 1, parked: 0 });
    await runAlarm();
    expect(await rowsOf()).toEqual({ rows: 1, parked: 0 });
    mend();
    expect(await stored()).toEqual([]);
    await flush();
    expect(await stored()).toEqual([{ id: answer.body.id, message: "kept", fields: '{"a":1}' }]);
    expect(answer.body.id.slice(0, 10)).toBe(ulid(START_MS - 5_000).slice(0, 10));
    expect(await rowsOf()).toEqual({ rows: 0, parked: 0 });
    expect(await alarmOf()).toBeNull();
  });

  it("batches are queued, one row each, and stored in few statements", async () => {
    const mend = breakD1();
    const batch = (from: number) =>
      Array.from({ length: 100 }, (_, i) => ({ service: "batches", message: `${from + i}` }));
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { body } = await call("POST", "/events", { body: batch(i * 100) });
      expect(body).toMatchObject({ result: 200, stored: 100, refused: [], queued: true });
      ids.push(...body.ids);
    }
    expect(await rowsOf()).toEqual({ rows: 5, parked: 0 });
    mend();
    const prepare = vi.spyOn(env.DB, "prepare");
    await flush();
    expect(prepare).toHaveBeenCalledOnce();
    const rows = await stored();
    expect(rows.map(({ id }) => id)).toEqual([...ids].sort());
    expect(new Set(rows.map(({ message }) => message)).size).toBe(500);
  });

  it("what is no event is refused, and is not queued", async () => {
    breakD1();
    const { body } = await call("POST", "/events", { raw: '{"service":"s","message":"x"}\nno\n' });
    expect(body).toMatchObject({ stored: 1, queued: true, refused: [{ index: 1 }] });
  });

  it("a retry of an event is stored once, whether it comes before D1 is back or after", async () => {
    const mend = breakD1();
    const body = { service: "retried", message: "x", id: ulid(START_MS) };
    for (let i = 0; i < 2; i++) expect((await call("POST", "/event", { body })).body).toMatchObject({ queued: true });
    mend();
    expect((await call("POST", "/event", { body })).body).toEqual({ result: 200, id: body.id });
    await flush();
    expect((await call("POST", "/event", { body })).body).toEqual({ result: 200, id: body.id });
    expect(await stored()).toMatchObject([{ id: body.id }]);
  });

  it("D1 is asked again with growing pauses of at most ten minutes, and the alarm never throws", async () => {
    breakD1();
    await bufferOf().add(listsOf([event(START_MS)]));
    const times: number[] = [];
    for (let i = 0; i < 14; i++) {
      expect(await runAlarm()).toBe(true);
      times.push(Date.now());
    }
    const pauses = times.slice(1).map((ms, i) => ms - (times[i] as number));
    for (let i = 1; i < pauses.length; i++) expect(pauses[i]).toBeGreaterThanOrEqual(pauses[i - 1] as number);
    expect(pauses.at(-1)).toBe(10 * MINUTE_MS);
  });

  it("an object that is evicted goes on where it was", async () => {
    const mend = breakD1();
    await bufferOf().add(listsOf([event(START_MS, { message: "first" })]));
    await runAlarm();
    await evictDurableObject(bufferOf());
    await bufferOf().add(listsOf([event(START_MS + 1, { message: "second" })]));
    expect(await rowsOf()).toEqual({ rows: 2, parked: 0 });
    mend();
    await flush();
    expect((await stored()).map(({ message }) => message)).toEqual(["first", "second"]);
  });
});

describe("while D1 hangs", () => {
  it("an event is queued after five seconds, and stored once, also when the statement comes through after all", async () => {
    let comeThrough: () => Promise<unknown> = async () => {};
    const mend = withStatements("hanging", (run) => {
      comeThrough = run;
      return new Promise(() => {});
    });
    const { body } = await call("POST", "/event", { body: { service: "hanging", message: "x" } });
    expect(body).toMatchObject({ queued: true });
    mend();
    await comeThrough();
    expect(await stored()).toMatchObject([{ id: body.id }]);
    await flush();
    expect(await stored()).toMatchObject([{ id: body.id }]);
  });
});

describe("when D1's answer is lost", () => {
  it("an event is queued, and stored once", async () => {
    const mend = withStatements("lost answer", async (run) => {
      await run();
      throw new Error("D1_ERROR: Network connection lost.");
    });
    const body = { service: "lost answer", message: "x" };
    const answer = await call("POST", "/event", { body });
    expect(answer.body).toMatchObject({ queued: true });
    await runAlarm();
    expect(await rowsOf()).toEqual({ rows: 1, parked: 0 });
    mend();
    await flush();
    expect(await stored()).toMatchObject([{ id: answer.body.id }]);
  });
});

describe("when D1 and buffers fail", () => {
  /** Makes some buffers fail. */
  function breakBuffers(names: string[]): void {
    const real = env.EVENT_BUFFER.getByName.bind(env.EVENT_BUFFER);
    vi.spyOn(env.EVENT_BUFFER, "getByName").mockImplementation((name) => {
      if (names.includes(name)) throw new Error("the object is gone");
      return real(name);
    });
  }

  it("another buffer takes what one does not", async () => {
    const mend = breakD1();
    breakBuffers(NAMES.slice(0, 3));
    const { body } = await call("POST", "/event", { body: { service: "moved", message: "x" } });
    expect(body).toMatchObject({ result: 200, queued: true });
    mend();
    await flush("buffer 3");
    expect(await stored()).toMatchObject([{ id: body.id }]);
  });

  it.each(["/event", "/events"])("all of them, %s answers 503, and nothing is half stored", async (path) => {
    const mend = breakD1();
    breakBuffers(NAMES);
    const getMonitor = vi.spyOn(env.SERVICE_MONITOR, "getByName");
    const one = { service: "nowhere", message: "x" };
    const body = path === "/event" ? one : [one, { ...one, alert: true }, one];
    const answer = await call("POST", path, { body });
    expectRefusal(answer, 503, "try again");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(getMonitor).not.toHaveBeenCalled();
    mend();
    vi.mocked(env.EVENT_BUFFER.getByName).mockRestore();
    for (const name of NAMES) {
      expect(await rowsOf(name)).toEqual({ rows: 0, parked: 0 });
      expect(await alarmOf(name)).toBeNull();
    }
    expect(await stored()).toEqual([]);
  });

  it("a buffer that is full refuses, and so do all when all are", async () => {
    breakD1();
    for (const name of NAMES) {
      await bufferOf(name).add(listsOf([event(START_MS)]));
      await runInDurableObject(bufferOf(name), (_, { storage }) => {
        storage.sql.exec("update batches set bytes = ?", MOST_HELD_BYTES - 1);
      });
      // What it holds is summed up when it starts.
      await evictDurableObject(bufferOf(name));
    }
    const post = () => call("POST", "/event", { body: { service: "full", message: "x" } });
    for (let i = 0; i < NAMES.length; i++) expect((await post()).body).toMatchObject({ queued: true });
    expectRefusal(await post(), 503, "try again");
    for (const name of NAMES) expect(await rowsOf(name)).toEqual({ rows: 2, parked: 0 });
  });
});

describe("a row that D1 refuses for itself", () => {
  it("is split until it is known which event it is, and that one is parked; the rest is stored", async () => {
    const logged = vi.spyOn(console, "error");
    const refusals = vi.fn();
    withStatements("poison", async () => {
      refusals();
      throw new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG");
    });
    const messages = ["a", "b", "c", "poison", "e", "f", "g"];
    const ids = ulids(START_MS, messages.length + 2);
    const events = messages.map((message, i) => event(START_MS, { id: ids[i] as string, message }));
    await bufferOf().add(listsOf([event(START_MS, { id: ids.at(-2) as string, message: "before" })]));
    await bufferOf().add(listsOf(events));
    await bufferOf().add(listsOf([event(START_MS, { id: ids.at(-1) as string, message: "after" })]));
    await flush();
    const kept = [...messages.filter((message) => message !== "poison"), "before", "after"];
    expect((await stored()).map(({ message }) => message)).toEqual(kept);
    expect(await rowsOf()).toEqual({ rows: 1, parked: 1 });
    // Once with its neighbours, four more times by itself, then in halves.
    expect(refusals.mock.calls.length).toBe(5 + 3);
    expect(logged).toHaveBeenCalledWith(expect.stringContaining("buffer.parked"));
    // What is parked is not in the way of what comes.
    await bufferOf().add(listsOf([event(START_MS + 1, { message: "later" })]));
    await flush();
    expect((await stored()).at(-1)).toMatchObject({ message: "later" });
    expect(await rowsOf()).toEqual({ rows: 1, parked: 1 });
  });

  it("is told of once a day while it is parked, by how many there are and since when, and makes nothing ill", async () => {
    const logged = vi.spyOn(console, "warn");
    const told = () =>
      logged.mock.calls.map(([line]) => JSON.parse(line)).filter((said) => said.event === "buffer.holds-parked");
    withStatements("poison", async () => {
      throw new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG");
    });
    await bufferOf().add(listsOf([event(START_MS, { message: "poison" })]));
    expect(await wakeBuffers(env)).toBe(true);
    expect(told()).toEqual([]);
    advance(MINUTE_MS);
    await bufferOf().add(listsOf([event(START_MS, { message: "poison" })]));
    await flush();
    expect(await rowsOf()).toEqual({ rows: 2, parked: 2 });
    const first = {
      level: "warn",
      event: "buffer.holds-parked",
      buffer: "buffer 0",
      events: 2,
      oldest: new Date(START_MS).toISOString(),
    };
    expect(await wakeBuffers(env)).toBe(true);
    expect(told()).toEqual([first]);
    // Between two sweeps nothing stays in memory.
    await evictDurableObject(bufferOf());
    advance(DAY_MS - 1);
    expect(await wakeBuffers(env)).toBe(true);
    expect(told()).toEqual([first]);
    advance(1);
    expect(await wakeBuffers(env)).toBe(true);
    expect(told()).toEqual([first, first]);
  });
});

describe("a long backlog", () => {
  it("goes in runs of bounded statements", async () => {
    for (let i = 0; i < 90; i++) {
      const message = "m".repeat(60_000);
      await bufferOf().add(listsOf(Array.from({ length: 5 }, (_, j) => event(START_MS + i * 5 + j, { message }))));
    }
    const prepare = vi.spyOn(env.DB, "prepare");
    const perRun: number[] = [];
    while (await runAlarm()) {
      perRun.push(prepare.mock.calls.length);
      prepare.mockClear();
    }
    expect(Math.max(...perRun)).toBeLessThanOrEqual(40);
    expect(perRun.length).toBeGreaterThan(1);
    expect(await stored()).toHaveLength(450);
  });
});

describe("a buffer that is asked", () => {
  it("stores nothing where it holds nothing", async () => {
    expect(await bufferOf("unheard of").wake()).toEqual({ events: 0, sinceMs: undefined });
    expect(await rowsOf("unheard of")).toEqual({ rows: 0, parked: 0 });
    expect(await alarmOf("unheard of")).toBeNull();
  });

  it("sets an alarm again that was lost, or is long overdue", async () => {
    breakD1();
    await bufferOf().add(listsOf([event(START_MS), event(START_MS)]));
    await runInDurableObject(bufferOf(), (_, { storage }) => storage.deleteAlarm());
    expect(await bufferOf().wake()).toEqual({ events: 2, sinceMs: START_MS });
    expect(await alarmOf()).toBe(START_MS + 1);
    expect(await bufferOf().wake()).toEqual({ events: 2, sinceMs: START_MS });
    expect(await alarmOf()).toBe(START_MS + 1);
  });

  it("is stuck where something waits for an hour", async () => {
    breakD1();
    expect(await wakeBuffers(env)).toBe(true);
    await bufferOf("buffer 2").add(listsOf([event(START_MS)]));
    advance(HOUR_MS - 1);
    expect(await wakeBuffers(env)).toBe(true);
    advance(1);
    expect(await wakeBuffers(env)).toBe(false);
  });
});

describe("events that are more than one value of D1", () => {
  it("are stored all or none", async () => {
    const message = "é".repeat(30_000);
    const rows = Array.from({ length: 40 }, (_, i) => event(START_MS + i, { message }));
    expect(listsOf(rows).map(({ count }) => count)).toEqual([20, 20]);
    const db = openDatabase(env.DB);
    expect(await addEvents(db, rows)).toEqual(new Map());
    expect(await stored()).toHaveLength(40);
    const changed = rows.map((row, i) => (i % 2 ? row : { ...row, level: 5 }));
    expect(await addEvents(db, changed)).toEqual(new Map(rows.map((row) => [row.id, row])));
    expect(await stored()).toHaveLength(40);
  });
});
