import { createScheduledController, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { configOf } from "../../src/config.ts";
import { hashOf } from "../../src/domain/hash.ts";
import type { SilenceAnswer } from "../../src/domain/outage.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import worker from "../../src/index.ts";
import { SENTINEL_NAME } from "../../src/monitor/sentinel.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  breakD1,
  DEADLINE_MS,
  DEFAULT_HOOK,
  deliveryLog,
  eventsOf,
  HOOK,
  historyOf,
  interceptProviders,
  MINUTELY,
  monitorOf,
  type Received,
  rowOf,
  runAlarm,
} from "../support/monitor.ts";
import { alertRecord, query, snapshot, storeAlerts, storeServices } from "../support/rows.ts";
import { useSentinel } from "../support/sentinel.ts";

useTestClock();
useSentinel();

/** The service in whose name watchTower speaks of itself. */
const OWN = "watchTower";
const sentinel = () => env.SENTINEL.getByName(SENTINEL_NAME);

let received: Received[];
beforeEach(async () => {
  vi.setSystemTime(START_MS);
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  for (const table of ["services", "events", "alerts", "transitions"]) await query(`delete from ${table}`);
  for (const object of [sentinel(), monitorOf(OWN)]) {
    await runInDurableObject(object as DurableObjectStub, (_, { storage }) => storage.deleteAll());
    await evictDurableObject(object as DurableObjectStub);
  }
  received = interceptProviders(accept);
});
afterEach(() => vi.restoreAllMocks());

let names = 0;
/** The names of services that there were not before. */
const newNames = (count: number) => Array.from({ length: count }, () => `service ${++names}`);
const pulse = (services: readonly string[], said = MINUTELY) =>
  Promise.all(services.map((service) => monitorOf(service).pulse(said)));
const toldOf = (service: string) => received.filter(({ body }) => body.service === service);
/** What watchTower says of itself, as it is delivered; waited for where there is to be any. */
async function ownNews(count = 0): Promise<string[]> {
  const news = () => toldOf(OWN).map(({ url, body }) => `${url} ${body.message}`);
  await vi.waitFor(async () => {
    await runAlarm(OWN, Date.now() + MINUTE_MS);
    expect(news().length).toBeGreaterThanOrEqual(count);
  }, 5_000);
  return news();
}
const statusOf = async (service: string) => (await monitorOf(service).snapshot())?.status;

describe("after an outage of ours", () => {
  it("of an hour nobody is told dead who pulses again; the others are, after their time; and one notice says it at once", async () => {
    const services = newNames(3) as [string, string, string];
    await pulse(services);
    const outOfOrder = START_MS + HOUR_MS;
    for (const service of services) {
      vi.setSystemTime(outOfOrder);
      await runAlarm(service);
      expect(await alarmOf(service)).toBe(outOfOrder + DEADLINE_MS);
      expect(await statusOf(service)).toBe("alive");
    }
    expect(received).toEqual([]);
    expect(await ownNews(1)).toEqual([
      expect.stringMatching(
        new RegExp(`^${DEFAULT_HOOK} No pulses reach watchTower since 2040-01-01 12:01:00 UTC: .*alarms came`),
      ),
    ]);
    received.length = 0;

    const [living, first, second] = services;
    await pulse([living]);
    expect(toldOf(living)).toEqual([]);
    expect(await historyOf(living)).toEqual(["alive"]);
    for (const service of [first, second]) {
      vi.setSystemTime(outOfOrder);
      await runAlarm(service);
      expect(toldOf(service).map(({ body }) => body.kind)).toEqual(["dead"]);
      expect(await rowOf(service)).toMatchObject({ status: "dead", since: (START_MS + DEADLINE_MS) / SECOND_MS });
    }
    expect(await ownNews()).toEqual([]);
  });

  it("of half a minute services die as always", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    advance(DEADLINE_MS + 30 * SECOND_MS);
    await runAlarm(service);
    expect(toldOf(service).map(({ body }) => body.kind)).toEqual(["dead"]);
    expect(await ownNews()).toEqual([]);
  });

  it("a pulse that comes before anything else has noticed is no return from the dead", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    advance(HOUR_MS);
    await pulse([service]);
    await runAlarm(service, Date.now() + SECOND_MS);
    expect(toldOf(service)).toEqual([]);
    expect(await eventsOf(service)).toEqual([]);
    expect(await historyOf(service)).toEqual(["alive"]);
  });

  it("another outage in the middle of the excuse excuses again, and is told of only after a while", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    advance(HOUR_MS);
    await runAlarm(service);
    expect(await ownNews(1)).toHaveLength(1);
    advance(10 * MINUTE_MS);
    await runAlarm(service);
    expect(toldOf(service)).toEqual([]);
    expect(await ownNews(1)).toHaveLength(1);
    advance(2 * HOUR_MS);
    await runAlarm(service);
    expect(await ownNews(2)).toHaveLength(2);
    await runAlarm(service);
    expect(toldOf(service)).toHaveLength(1);
  });

  it("the excuse outlives an eviction", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    advance(HOUR_MS);
    await runAlarm(service);
    await evictDurableObject(monitorOf(service));
    expect(await statusOf(service)).toBe("alive");
    await runAlarm(service);
    expect(toldOf(service)).toHaveLength(1);
    expect(await rowOf(service)).toMatchObject({ last: START_MS / SECOND_MS });
  });
});

describe("where the storage refuses a pulse", () => {
  it("the service is excused at its deadline, and dies later if it stays silent", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    advance(30 * SECOND_MS);
    await runInDurableObject(monitorOf(service), (_, { storage }) => {
      vi.spyOn(storage, "setAlarm").mockRejectedValue(new Error("out of quota"));
    });
    await expect(pulse([service])).rejects.toThrow();
    vi.setSystemTime(START_MS + DEADLINE_MS);
    await runAlarm(service);
    expect(toldOf(service)).toEqual([]);
    expect(await ownNews(1)).toEqual([expect.stringContaining("storage refused pulses")]);
    await runAlarm(service);
    expect(toldOf(service).map(({ body }) => body.kind)).toEqual(["dead"]);
  });
});

describe("where the storage refuses a pulse that changes the service", () => {
  it("the service is excused, too", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    advance(30 * SECOND_MS);
    await runInDurableObject(monitorOf(service), (_, { storage }) => {
      vi.spyOn(storage.kv, "put").mockImplementation(() => {
        throw new Error("out of quota");
      });
    });
    await expect(pulse([service], { ...MINUTELY, nextInSeconds: 600 })).rejects.toThrow();
    vi.setSystemTime(START_MS + DEADLINE_MS);
    await runAlarm(service);
    expect(toldOf(service)).toEqual([]);
    expect(await statusOf(service)).toBe("alive");
  });
});

describe("where many fall silent together", () => {
  it("the first four are told, the others excused; and one notice says it at once", async () => {
    const services = newNames(8);
    await pulse(services);
    for (const service of services) {
      vi.setSystemTime(START_MS + DEADLINE_MS);
      await runAlarm(service);
    }
    expect(services.map((service) => toldOf(service).length)).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
    expect(await ownNews(1)).toEqual([expect.stringContaining("fell silent together")]);
    received.length = 0;
    for (const service of services) await runAlarm(service);
    expect(services.map((service) => toldOf(service).length)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it("only the first four are told, however many they are", async () => {
    const services = newNames(40);
    await pulse(services);
    vi.setSystemTime(START_MS + DEADLINE_MS);
    for (const service of services) await runAlarm(service, Date.now() + 1);
    expect(services.filter((service) => toldOf(service).length > 0)).toEqual(services.slice(0, 4));
    advance(21 * SECOND_MS);
    for (const service of services) await runAlarm(service, Date.now() + 1);
    expect(services.filter((service) => toldOf(service).length > 0)).toEqual(services.slice(0, 4));
    expect(await ownNews(1)).toEqual([expect.stringContaining("fell silent together")]);
    await pulse(services.slice(4));
    advance(DEADLINE_MS - 1);
    for (const service of services) await runAlarm(service, Date.now());
    expect(services.filter((service) => toldOf(service).length > 0)).toEqual(services.slice(0, 4));
  });

  it("those who break every promise are not excused for good", async () => {
    const services = newNames(6);
    for (let round = 0; round < 5; round++) {
      vi.setSystemTime(START_MS + round * 125 * SECOND_MS);
      await pulse(services);
      vi.setSystemTime(START_MS + round * 125 * SECOND_MS + DEADLINE_MS);
      for (const service of services) await runAlarm(service, Date.now() + 1);
      advance(21 * SECOND_MS);
      for (const service of services) await runAlarm(service, Date.now() + 1);
    }
    // Each is excused once at most; from then on all of its deaths are told.
    for (const service of services) {
      const deaths = toldOf(service).filter(({ body }) => body.kind === "dead").length;
      expect(deaths, service).toBe(4);
    }
  });

  it("they are told all the same where they are less than half of those that are due", async () => {
    const others = newNames(12);
    const services = newNames(8);
    await pulse(services);
    await pulse(others);
    for (const service of services) {
      vi.setSystemTime(START_MS + DEADLINE_MS);
      await runAlarm(service);
    }
    // It is not known at once that they are less than half.
    advance(21 * SECOND_MS);
    for (const service of services) await runAlarm(service, Date.now() + 1);
    expect(services.map((service) => toldOf(service).length)).toEqual(services.map(() => 1));
    expect(await ownNews()).toEqual([]);
  });

  it("they are told all the same where they fall silent one after the other", async () => {
    const services = newNames(8);
    for (const [i, service] of services.entries()) {
      vi.setSystemTime(START_MS + i * 2 * MINUTE_MS);
      await pulse([service]);
    }
    for (const [i, service] of services.entries()) {
      vi.setSystemTime(START_MS + i * 2 * MINUTE_MS + DEADLINE_MS);
      await runAlarm(service);
    }
    expect(services.map((service) => toldOf(service).length)).toEqual(services.map(() => 1));
  });

  it("an evicted sentinel goes on counting", async () => {
    const services = newNames(6);
    await pulse(services);
    for (const service of services) {
      vi.setSystemTime(START_MS + DEADLINE_MS);
      await runAlarm(service);
      await vi.waitFor(async () => {
        const saved = await runInDurableObject(sentinel(), (_, { storage }) =>
          storage.kv.get<[number, number][]>("silences"),
        );
        expect(saved?.map(([name]) => name)).toContain(hashOf(service));
      }, 5_000);
      await evictDurableObject(sentinel());
    }
    expect(services.map((service) => toldOf(service).length)).toEqual([1, 1, 1, 1, 0, 0]);
  });

  it.each([
    ["can't be reached", () => vi.spyOn(env.SENTINEL, "getByName").mockImplementation(() => throwing())],
    [
      "does not answer",
      () => vi.spyOn(env.SENTINEL, "getByName").mockReturnValue({ fallsSilent: () => new Promise(() => {}) } as never),
    ],
  ])("and the sentinel %s, they wait for a moment, no longer than a minute, and then are told", async (_, damage) => {
    const services = newNames(6);
    await pulse(services);
    damage();
    const atDeadline = START_MS + DEADLINE_MS;
    vi.setSystemTime(atDeadline);
    await Promise.all(services.map((service) => runAlarm(service, atDeadline + 1)));
    expect(services.flatMap(toldOf)).toEqual([]);
    const untilMs = await Promise.all(services.map(alarmOf));
    for (const ms of untilMs) {
      expect(ms).toBeGreaterThanOrEqual(atDeadline + 20 * SECOND_MS);
      expect(ms).toBeLessThanOrEqual(atDeadline + MINUTE_MS);
    }
    // They don't come again all at once.
    expect(new Set(untilMs).size).toBeGreaterThan(1);
    vi.setSystemTime(atDeadline + MINUTE_MS);
    await Promise.all(services.map((service) => runAlarm(service)));
    expect(services.map((service) => toldOf(service).length)).toEqual(services.map(() => 1));
    expect(await historyOf(services[0] as string)).toEqual(["alive", "dead"]);
  });

  it("and it is not known how many are due, those who can't be judged wait, and then are told", async () => {
    const services = newNames(6);
    await pulse(services);
    breakD1();
    vi.setSystemTime(START_MS + DEADLINE_MS);
    for (const service of services) await runAlarm(service, Date.now() + 1);
    expect(services.map((service) => toldOf(service).length)).toEqual([1, 1, 1, 1, 0, 0]);
    advance(MINUTE_MS);
    for (const service of services) await runAlarm(service, Date.now() + 1);
    expect(services.map((service) => toldOf(service).length)).toEqual(services.map(() => 1));
  });

  it("one that got no answer is excused once the sentinel answers", async () => {
    const services = newNames(6);
    await pulse(services);
    const getByName = vi.spyOn(env.SENTINEL, "getByName").mockImplementation(() => throwing());
    vi.setSystemTime(START_MS + DEADLINE_MS);
    for (const service of services) await runAlarm(service, Date.now() + 1);
    getByName.mockRestore();
    advance(MINUTE_MS);
    for (const service of services) await runAlarm(service, Date.now() + 1);
    // The first four are told, as always; none was lost, and none waits for good.
    expect(services.map((service) => toldOf(service).length)).toEqual([1, 1, 1, 1, 0, 0]);
    for (const service of services) await runAlarm(service);
    expect(services.map((service) => toldOf(service).length)).toEqual(services.map(() => 1));
  });

  it("one that is cut off while it asks, or while it is held, asks again", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    const asked = Promise.withResolvers<void>();
    const questions: unknown[][] = [];
    vi.spyOn(env.SENTINEL, "getByName").mockReturnValue({
      fallsSilent: async (...question: unknown[]) => {
        questions.push(question);
        asked.resolve();
        return questions.length === 1 ? new Promise(() => {}) : { verdict: "perhaps", waitMs: 25_000 };
      },
    } as never);
    vi.setSystemTime(START_MS + DEADLINE_MS);
    const cutOff = runInDurableObject(monitorOf(service), (instance, state) => {
      void asked.promise.then(() => state.abort("killed"));
      return instance.alarm();
    });
    await expect(cutOff).rejects.toThrow("killed");
    expect(await alarmOf(service)).toBe(START_MS + DEADLINE_MS + 15 * SECOND_MS);
    await runAlarm(service);
    expect(await statusOf(service)).toBe("alive");
    const heldUntil = Date.now() + 25_000;
    await evictDurableObject(monitorOf(service));
    expect(await alarmOf(service)).toBe(heldUntil);
    await runAlarm(service);
    expect(questions.map(([, , mayWait]) => mayWait)).toEqual([true, true, false]);
    expect(toldOf(service)).toMatchObject([{ body: { kind: "dead" }, atMs: heldUntil }]);
  });

  it("those of a burst wait for their turns, whether it is known as an outage or not, and ask once more", async () => {
    const rows = Array.from({ length: 400 }, (_, i) => snapshot(`living ${i}`, { last: START_MS / SECOND_MS }));
    await storeServices(...rows);
    const ask = (service: string, mayWait = true) => sentinel().fallsSilent(service, START_MS, mayWait);
    const services = newNames(205);
    const answers: SilenceAnswer[] = [];
    for (const service of services) answers.push(await ask(service));
    const verdicts = answers.map(({ verdict }) => verdict);
    expect(verdicts.lastIndexOf("own")).toBe(38);
    expect(verdicts.indexOf("ours")).toBe(199);
    // Until they are known as a burst, those who wait do so for the same time.
    expect(answers.slice(39, 49).map(({ waitMs }) => waitMs)).toEqual(Array(10).fill(20_000));
    const turns = answers.slice(49).map(({ waitMs }) => waitMs);
    expect(turns).toEqual(turns.map((_, i) => 20_000 + i * 20));
    expect(await ask(services[100] as string)).toEqual({ verdict: "ours", waitMs: answers[100]?.waitMs });
    expect(await ask(services[100] as string, false)).toEqual({ verdict: "ours", waitMs: 0 });
  });

  it("a pulse that comes while the sentinel is asked counts", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    const asked = Promise.withResolvers<SilenceAnswer>();
    vi.spyOn(env.SENTINEL, "getByName").mockReturnValue({ fallsSilent: () => asked.promise } as never);
    vi.setSystemTime(START_MS + DEADLINE_MS);
    const run = runAlarm(service);
    await pulse([service], { ...MINUTELY, nextInSeconds: 600 });
    asked.resolve({ verdict: "ours", waitMs: 0 });
    await run;
    expect(await statusOf(service)).toBe("alive");
    expect(await alarmOf(service)).toBe(START_MS + DEADLINE_MS + 605 * SECOND_MS);
  });
});

const throwing = (): never => {
  throw new Error("internal error");
};

describe("an outage", () => {
  it("is told once, however many notice it at the same time", async () => {
    await Promise.all(Array.from({ length: 50 }, () => sentinel().noticeOutage("late", START_MS)));
    expect(await ownNews(1)).toHaveLength(1);
    expect(await eventsOf(OWN)).toMatchObject([{ level: 4 }]);
  });

  it("is told by the next sign where the first could not be told", async () => {
    const getByName = vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation(throwing);
    const tried = runInDurableObject(sentinel(), (instance) => instance.noticeOutage("late", START_MS));
    await expect(tried).rejects.toThrow();
    getByName.mockRestore();
    await sentinel().noticeOutage("late", START_MS);
    expect(await ownNews(1)).toHaveLength(1);
  });
});

describe("a sweep", () => {
  it("sets an alarm again that the platform has lost, repairs the row, and says so in an event", async () => {
    const [lost = "", living = ""] = newNames(2);
    await pulse([lost, living]);
    await runInDurableObject(monitorOf(lost), (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(monitorOf(lost));
    advance(20 * MINUTE_MS);
    await pulse([living]);
    await sentinel().sweep();
    // It may have pulsed for ten minutes more: so it is late, and excused, and then it dies.
    expect(await alarmOf(lost)).toBe(Date.now() + DEADLINE_MS);
    // That it is excused is told, too, at the same moment: which of both events is the first is not said.
    const repairs = (await eventsOf(OWN)).filter(({ level }) => level === 3);
    expect(repairs).toMatchObject([{ message: expect.stringContaining(`${lost} (has pulsed since)`) }]);
    expect(repairs[0]?.message).not.toContain(living);
    await runAlarm(lost);
    expect(toldOf(lost).map(({ body }) => body.kind)).toEqual(["dead"]);
    expect(await rowOf(lost)).toMatchObject({ status: "dead" });
  });

  it("asks a bounded number of objects, and the next one goes on", async () => {
    const stale = Array.from({ length: 450 }, (_, i) => `stale ${String(i).padStart(3, "0")}`);
    const last = START_MS / SECOND_MS - 3_600;
    await storeServices(...stale.map((service) => snapshot(service, { last, asOf: last })));
    const left = async () => (await query("select service from services")).length;
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      await sentinel().sweep();
      counts.push(await left());
    }
    expect(counts).toEqual([250, 50, 0]);
    const messages = (await eventsOf(OWN)).map(({ message }) => message);
    expect(messages.find((message) => message.includes("stale 000"))).toMatch(
      /wrong about 200 services.*stale 000 \(was forgotten\).*, and 180 more$/,
    );
  });

  it("goes on behind those that don't answer, and comes back to them", async () => {
    const stale = Array.from({ length: 250 }, (_, i) => `stale ${String(i).padStart(3, "0")}`);
    const last = START_MS / SECOND_MS - 3_600;
    await storeServices(...stale.map((service) => snapshot(service, { last, asOf: last })));
    const getByName = env.SERVICE_MONITOR.getByName.bind(env.SERVICE_MONITOR);
    const asked: string[] = [];
    vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation((name) => {
      asked.push(name);
      return name.startsWith("stale 0") ? throwing() : getByName(name);
    });
    await sentinel().sweep();
    await sentinel().sweep();
    expect(new Set(asked)).toEqual(new Set([...stale, OWN]));
    asked.length = 0;
    await sentinel().sweep();
    expect(asked).toContain("stale 000");
    expect(await query("select service from services")).toHaveLength(100);
  });

  it("is done by the cron trigger", async () => {
    const last = START_MS / SECOND_MS - 3_600;
    await storeServices(snapshot("stale", { last, asOf: last }));
    await worker.scheduled(createScheduledController({ scheduledTime: new Date() }), env);
    expect(await query("select service from services")).toEqual([]);
  });
});

describe("an alert that is owed", () => {
  it("is brought on its way by a sweep where the platform has lost the alarm of its retry", async () => {
    const [service = ""] = newNames(1);
    let status = 500;
    received = interceptProviders(() => new Response("", { status }));
    await pulse([service]);
    await runAlarm(service);
    expect(await deliveryLog(service)).toMatchObject([{ state: "pending", attempts: 1 }]);
    await runInDurableObject(monitorOf(service), (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(monitorOf(service));
    advance(HOUR_MS);
    await sentinel().sweep();
    expect(await alarmOf(service)).toBeNull();
    advance(2 * HOUR_MS);
    status = 200;
    await sentinel().sweep();
    await runAlarm(service);
    expect(await deliveryLog(service)).toMatchObject([{ state: "delivered", attempts: 2 }]);
  });

  it("is found also where its service never pulsed", async () => {
    received = interceptProviders(() => new Response("", { status: 500 }));
    const [service = ""] = newNames(1);
    const event = { id: ulid(Date.now()), service, level: 4, message: "told", alert: true };
    await monitorOf(service).alert(event);
    await runAlarm(service);
    await runInDurableObject(monitorOf(service), (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(monitorOf(service));
    advance(3 * HOUR_MS);
    await sentinel().sweep();
    expect(await alarmOf(service)).not.toBeNull();
  });
});

const PUSHOVER = { type: "pushover", target: "u".repeat(30) };

describe("the watchdog", () => {
  const URL = "https://watchdog.example/ping/1";
  const calls = () => received.filter(({ url }) => url === URL).length;

  beforeEach(async () => {
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
      received.push({ url: String(input), body: {}, atMs: Date.now() });
      return new Response("OK");
    });
    await runInDurableObject(sentinel(), (instance) => {
      configOf((instance as unknown as { env: typeof env }).env).watchdogUrl = URL;
    });
  });

  const fire = (afterMs: number) => {
    advance(afterMs);
    return runInDurableObject(sentinel(), async (instance, { storage }) => {
      await storage.deleteAlarm();
      await instance.alarm();
    });
  };

  it("is called by each sweep after which everything works, from the second on", async () => {
    await sentinel().sweep();
    expect(calls()).toBe(0);
    await fire(MINUTE_MS);
    await sentinel().sweep();
    expect(calls()).toBe(1);
    await fire(MINUTE_MS);
    await sentinel().sweep();
    expect(calls()).toBe(2);
  });

  it.each<[string, () => unknown]>([
    ["the alarm did not come", () => undefined],
    ["the alarm came late", () => fire(2 * MINUTE_MS + 1)],
    ["D1 does not answer", async () => [await fire(MINUTE_MS), breakD1()]],
    [
      "no object answers",
      async () => [await fire(MINUTE_MS), vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation(throwing)],
    ],
    [
      "an alert is stuck on our own credentials",
      async () => {
        await fire(MINUTE_MS);
        const attempt = { number: 1, atMs: START_MS, outcome: "credentials" as const, answer: "HTTP 401" };
        await storeAlerts(alertRecord(START_MS, { target: PUSHOVER, state: "pending", attempts: 1, attempt }));
      },
    ],
  ])("is not called while %s", async (_, damage) => {
    await sentinel().sweep();
    await damage();
    await sentinel().sweep();
    expect(calls()).toBe(0);
  });

  it("is called again once an alert is no longer stuck, whatever it was before", async () => {
    await sentinel().sweep();
    await fire(MINUTE_MS);
    const attempt = { number: 1, atMs: START_MS, outcome: "credentials" as const, answer: "HTTP 401" };
    await storeAlerts(alertRecord(START_MS, { state: "failed", attempts: 1, attempt }));
    await sentinel().sweep();
    expect(calls()).toBe(1);
  });

  it("is called while a webhook refuses what it is sent: that is its owner's matter", async () => {
    await sentinel().sweep();
    await fire(MINUTE_MS);
    const attempt = { number: 1, atMs: START_MS, outcome: "credentials" as const, answer: "HTTP 403" };
    await storeAlerts(alertRecord(START_MS, { target: HOOK, state: "pending", attempts: 1, attempt }));
    await sentinel().sweep();
    expect(calls()).toBe(1);
  });

  it("that fails fails nothing else", async () => {
    await sentinel().sweep();
    await fire(MINUTE_MS);
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("no route"));
    await sentinel().sweep();
    await fire(MINUTE_MS);
    vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("no", { status: 500 }));
    await sentinel().sweep();
  });
});

describe("who is told by what was excused", () => {
  it("hears of the death what they would have heard at once", async () => {
    const [service = ""] = newNames(1);
    await pulse([service]);
    advance(HOUR_MS);
    await runAlarm(service);
    await runAlarm(service);
    expect(toldOf(service)).toMatchObject([
      { url: HOOK.target, body: { message: `The service ${service} is not pulsing since 2040-01-01 12:00:00 UTC` } },
    ]);
    expect(await deliveryLog(service)).toMatchObject([{ kind: "dead", state: "delivered" }]);
  });
});
