import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Watch } from "../../src/domain/rule.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { wakeBuffers } from "../../src/monitor/buffers.ts";
import { RuleBook, ruleBook } from "../../src/monitor/rule-book.ts";
import { listsOf } from "../../src/storage/add-events.ts";
import { expectRefusal } from "../support/app.ts";
import { bufferAlarmOf, runBufferAlarm } from "../support/buffer.ts";
import { call } from "../support/client.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import { accept, breakD1, eventsOf, interceptProviders, monitorOf, settle } from "../support/monitor.ts";
import { event, query } from "../support/rows.ts";

useTestClock();

const LOST = new Error("Network connection lost.");
const NAMES = ["buffer 0", "buffer 1", "buffer 2", "buffer 3"];
const buffer = () => env.EVENT_BUFFER.getByName("buffer 0");

beforeEach(async () => {
  vi.setSystemTime(START_MS);
  // The first buffer is asked first.
  vi.spyOn(Math, "random").mockReturnValue(0);
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  await query("delete from rules");
  ruleBook.changed();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const name of NAMES) {
    await runInDurableObject(env.EVENT_BUFFER.getByName(name), (_, { storage }) => storage.deleteAll());
    await evictDurableObject(env.EVENT_BUFFER.getByName(name));
  }
});

const alarmOf = () => bufferAlarmOf(buffer());

const runAlarm = () => runBufferAlarm(buffer());

/** Makes the objects of some services unreachable; returns what mends it. */
function loseServices(...names: string[]): () => void {
  const real = env.SERVICE_MONITOR.getByName.bind(env.SERVICE_MONITOR);
  const spy = vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation((name) => {
    if (names.includes(name)) throw LOST;
    return real(name);
  });
  return () => spy.mockRestore();
}

/** Makes all buffers unreachable; returns what mends it. */
function loseBuffers(): () => void {
  const spy = vi.spyOn(env.EVENT_BUFFER, "getByName").mockImplementation(() => {
    throw LOST;
  });
  return () => spy.mockRestore();
}

const messagesOf = async (service: string) => (await eventsOf(service)).map(({ message }) => message).sort();

describe("events that alert, whose service's object can't be reached", () => {
  it("are queued, and stored and told once when it is back; others are not held up", async () => {
    const received = interceptProviders(accept);
    const mend = loseServices("lost", "lost too");
    const body = ["lost", "whole", "lost", "lost too"].map((service, i) => ({
      service,
      message: `${i}`,
      alert: i !== 2,
    }));
    const answer = await call("POST", "/events", { body });
    expect(answer.body).toMatchObject({ stored: 4, refused: [], queued: true });
    expect(await messagesOf("lost")).toEqual(["2"]);
    await settle("whole");
    expect(received.map((message) => message.body.message)).toEqual(["1"]);
    await runAlarm();
    mend();
    const mendOne = loseServices("lost");
    await runAlarm();
    expect(await messagesOf("lost too")).toEqual(["3"]);
    mendOne();
    await evictDurableObject(buffer());
    while (await runAlarm());
    for (const name of ["lost", "lost too"]) await settle(name);
    expect(await messagesOf("lost")).toEqual(["0", "2"]);
    expect(received.map((message) => message.body.message).sort()).toEqual(["0", "1", "3"]);
  });

  it("wait for one that stays lost for ten minutes at most, and hold up neither the others nor events for D1", async () => {
    interceptProviders(accept);
    const others = Array.from({ length: 45 }, (_, i) => `well ${i}`);
    const mend = loseServices("lost for long", ...others);
    const body = ["lost for long", ...others].map((service) => ({ service, message: "x", alert: true }));
    expect((await call("POST", "/events", { body })).body).toMatchObject({ stored: 46, queued: true });
    mend();
    const find = loseServices("lost for long");
    const beganMs = (await alarmOf()) ?? Number.NaN;
    const owed = () =>
      runInDurableObject(buffer(), (_, { storage }) => storage.sql.exec("select receiver from owed").toArray());
    // As many runs as it takes for 46 calls, one straight after the other.
    for (let runs = 0; runs < 4; runs++) await runAlarm();
    expect(await owed()).toEqual([{ receiver: "service lost for long" }]);
    expect(Date.now() - beganMs).toBeLessThan(100);
    for (let i = 0; i < 12; i++) await runAlarm();
    const againMs = (await alarmOf()) ?? Number.NaN;
    expect(againMs - Date.now()).toBe(10 * MINUTE_MS);
    // What comes now is tried soon, and does not wake what rests.
    await buffer().add(listsOf([event(START_MS, { service: "meanwhile" })]));
    expect(await alarmOf()).toBe(Date.now() + 5_000);
    const called = vi.mocked(env.SERVICE_MONITOR.getByName).mock.calls.length;
    await runAlarm();
    expect(await messagesOf("meanwhile")).toEqual(["hello"]);
    expect(vi.mocked(env.SERVICE_MONITOR.getByName).mock.calls.length).toBe(called);
    expect(await alarmOf()).toBe(againMs);
    find();
    await runAlarm();
    await settle("lost for long");
    expect(await messagesOf("lost for long")).toEqual(["x"]);
    expect(await alarmOf()).toBeNull();
  });

  it("are told soon while D1 rests", async () => {
    interceptProviders(accept);
    // The rules are known from here on.
    await call("POST", "/event", { body: { service: "before", message: "x" } });
    const mend = breakD1();
    await buffer().add(listsOf([event(START_MS, { service: "for D1" })]));
    for (let i = 0; i < 12; i++) await runAlarm();
    const d1Ms = (await alarmOf()) ?? Number.NaN;
    expect(d1Ms - Date.now()).toBe(10 * MINUTE_MS);
    await buffer().add(listsOf([event(START_MS, { service: "for D1" })]));
    expect(await alarmOf()).toBe(d1Ms);
    const find = loseServices("lost shortly");
    await call("POST", "/event", { body: { service: "lost shortly", message: "x", alert: true } });
    expect(await alarmOf()).toBe(Date.now() + 5_000);
    find();
    // Without what was logged so far.
    const warn = vi.spyOn(console, "warn").mockClear();
    await runAlarm();
    const logged = warn.mock.calls.map(([line]) => JSON.parse(line));
    // What waits for D1 is not tried.
    expect(logged.filter(({ buffer }) => buffer !== undefined)).toEqual([]);
    expect(await alarmOf()).toBe(d1Ms);
    mend();
    await settle("lost shortly");
    expect(await messagesOf("lost shortly")).toEqual(["x"]);
  });

  it("are told once where the object got them and its answer was lost", async () => {
    const received = interceptProviders(accept);
    const real = env.SERVICE_MONITOR.getByName.bind(env.SERVICE_MONITOR);
    const alertOf = vi.fn(async (events: never) => {
      await real("half lost").alertOf(events);
      throw LOST;
    });
    const spy = vi.spyOn(env.SERVICE_MONITOR, "getByName").mockReturnValue({ alertOf } as never);
    const body = { service: "half lost", message: "help", alert: true };
    const answer = await call("POST", "/event", { body });
    expect(answer).toMatchObject({ status: 200, body: { queued: true } });
    spy.mockRestore();
    await settle("half lost");
    await evictDurableObject(monitorOf("half lost"));
    while (await runAlarm());
    await settle("half lost");
    expect(received).toHaveLength(1);
    expect(await messagesOf("half lost")).toEqual(["help"]);
  });

  it("are not held for ever without a word: the sweep finds the buffer stuck after an hour", async () => {
    loseServices("gone");
    await call("POST", "/event", { body: { service: "gone", message: "x", alert: true } });
    advance(HOUR_MS - 1);
    expect(await wakeBuffers(env)).toBe(true);
    advance(1);
    expect(await wakeBuffers(env)).toBe(false);
  });

  describe("nor any buffer", () => {
    it("are refused one by one where a repetition would double the others", async () => {
      const [mendServices, mendBuffers] = [loseServices("refused"), loseBuffers()];
      const body = ["refused", "taken"].map((service) => ({ service, message: "x", alert: true }));
      const answer = await call("POST", "/events", { body });
      mendServices();
      mendBuffers();
      const refused = [{ index: 0, hint: expect.stringContaining("try again") }];
      expect(answer).toMatchObject({ status: 200, body: { stored: 1, refused } });
      expect(answer.body.queued).toBeUndefined();
      expect(await messagesOf("refused")).toEqual([]);
    });

    it("make the answer 503 where all events have ids, and the request can be repeated as it is", async () => {
      const received = interceptProviders(accept);
      const [mendServices, mendBuffers] = [loseServices("repeated"), loseBuffers()];
      const body = ["repeated", "repeated too", "plain"].map((service, i) => ({
        service,
        message: "x",
        alert: i < 2,
        id: ulid(START_MS),
      }));
      const answer = await call("POST", "/events", { body });
      expectRefusal(answer, 503, "try again");
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      mendServices();
      mendBuffers();
      expect((await call("POST", "/events", { body })).body).toMatchObject({ stored: 3, refused: [] });
      for (const name of ["repeated", "repeated too"]) await settle(name);
      for (const name of ["repeated", "repeated too", "plain"]) expect(await messagesOf(name)).toEqual(["x"]);
      expect(received).toHaveLength(2);
    });

    it("make the answer 503 where the event is alone", async () => {
      loseServices("lost");
      loseBuffers();
      const answer = await call("POST", "/event", { body: { service: "lost", message: "x", alert: true } });
      expectRefusal(answer, 503, "try again");
    });
  });
});

describe("events that come where the rules were never read, and can't be", () => {
  const watchOf = (name: string) =>
    runInDurableObject(env.RULE_MONITOR.getByName(name), (_, { storage }) => storage.kv.get<Watch>("watch"));

  it("are compared with them by a buffer later, once, as of when they came", async () => {
    await call("PUT", "/rules/unknown", { body: { q: "service:early", count: 3, seconds: 60 } });
    const begun = new RuleBook();
    const mend = breakD1();
    const early = [event(START_MS, { service: "early" }), event(START_MS - 2 * HOUR_MS, { service: "early" })];
    await begun.tell(env, [...early, event(START_MS, { service: "other" })]);
    advance(MINUTE_MS / 2);
    await begun.tell(env, [event(START_MS, { service: "early" })]);
    expect(await watchOf("unknown")).toBeUndefined();
    await runAlarm();
    mend();
    advance(HOUR_MS);
    ruleBook.changed();
    while (await runAlarm());
    const watch = await watchOf("unknown");
    expect(watch?.seenIds).toHaveLength(2);
    expect(watch?.recentMs).toEqual([START_MS, START_MS + MINUTE_MS / 2]);
    expect(await alarmOf()).toBeNull();
  });

  it("are compared at once where the rules can be read again", async () => {
    await call("PUT", "/rules/known", { body: { q: "service:late", count: 3 } });
    const begun = new RuleBook();
    const owe = vi.spyOn(env.EVENT_BUFFER, "getByName");
    await begun.tell(env, [event(START_MS, { service: "late" })]);
    expect((await watchOf("known"))?.seenIds).toHaveLength(1);
    expect(owe).not.toHaveBeenCalled();
  });

  it("are told to none where no buffer can be reached either, and that is logged", async () => {
    const begun = new RuleBook();
    const error = vi.spyOn(console, "error").mockReturnValue();
    breakD1();
    loseBuffers();
    await begun.tell(env, [event(START_MS)]);
    const logged = error.mock.calls.map(([line]) => JSON.parse(line));
    expect(logged.at(-1)).toEqual({ level: "error", event: "rules.missed", events: 1 });
  });
});
