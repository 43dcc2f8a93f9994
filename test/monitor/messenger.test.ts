import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Alert } from "../../src/domain/alert.ts";
import type { Target } from "../../src/domain/service.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { messengerName } from "../../src/monitor/messenger.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import { useMessengers } from "../support/messenger.ts";
import { meterStorage } from "../support/meter.ts";
import {
  accept,
  alarmOf,
  DEADLINE_MS,
  deliveryLog,
  interceptProviders,
  MINUTELY,
  monitorOf,
  type Received,
  runAlarm,
} from "../support/monitor.ts";

useTestClock();
useMessengers();
beforeEach(() => {
  vi.setSystemTime(START_MS);
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(() => vi.restoreAllMocks());

let numbers = 0;
/** A webhook that nobody else in this file is told by. */
const newTarget = (): Target => ({ type: "webhook", target: `https://hooks.example/${++numbers}` });
const newNames = (count: number) => Array.from({ length: count }, (_, i) => `service ${++numbers}.${i}`);
const messengerOf = (target: Target) => env.MESSENGER.getByName(messengerName(target));
const alertOf = (service: string, more: Partial<Alert> = {}): Alert => ({
  id: ulid(Date.now()),
  kind: "dead",
  service,
  dateMs: Date.now(),
  title: `Service ${service} has not pulsed`,
  message: `The service ${service} is not pulsing`,
  ...more,
});

const isDigest = ({ body }: Received) => body.kind === "digest";
/** Every alert that arrived, whether by itself or in a digest. */
const toldIn = (received: Received[]): Alert[] =>
  received.flatMap(({ body }) => (body.kind === "digest" ? body.alerts : [body]));

/** Lets services die that are told to one target, and runs their alarms until nobody waits any more. */
async function dieTogether(services: string[], target: Target) {
  await Promise.all(services.map((service) => monitorOf(service).pulse({ ...MINUTELY, target })));
  vi.setSystemTime(START_MS + DEADLINE_MS);
  await runAllAlarms(services);
}

/** Runs all alarms that are due within ten minutes, those of a moment at once. */
async function runAllAlarms(services: string[]) {
  for (;;) {
    const alarms = await Promise.all(services.map(async (name) => ({ name, ms: (await alarmOf(name)) ?? Infinity })));
    const nextMs = Math.min(...alarms.map(({ ms }) => ms));
    if (nextMs > Date.now() + 10 * MINUTE_MS) return;
    vi.setSystemTime(Math.max(nextMs, Date.now()));
    const due = alarms.filter(({ ms }) => ms <= Date.now() + SECOND_MS);
    await Promise.all(due.map(({ name }) => runAlarm(name)));
  }
}

describe("a storm", () => {
  it("of 300 deaths is ten messages, and digests that name all others, each once", async () => {
    const received = interceptProviders(accept);
    const services = newNames(300);
    const target = newTarget();
    await dieTogether(services, target);
    expect(received.filter((one) => !isDigest(one))).toHaveLength(10);
    const digests = received.filter(isDigest);
    expect(digests.length).toBeLessThanOrEqual(5);
    expect(
      toldIn(received)
        .map(({ service }) => service)
        .sort(),
    ).toEqual(services.toSorted());
    for (const { url, body } of digests) {
      expect(url).toBe(target.target);
      expect(body).not.toHaveProperty("service");
      expect(body.title).toBe(`${body.alerts.length} services not pulsing`);
      for (const { service } of body.alerts) expect(body.message.split("\n")).toContain(service);
      expect(body.alerts[0]).toMatchObject({ kind: "dead", id: expect.any(String), lastPulse: expect.any(String) });
    }
    const [last = ""] = digests.at(-1)?.body.alerts.map(({ service }: Alert) => service) ?? [];
    expect(await deliveryLog(last)).toMatchObject([
      { state: "delivered", attempts: 1, answer: expect.stringMatching(/^HTTP 200: ok \(in a digest of \d+\)$/) },
    ]);
  }, 120_000);

  it("loses nothing where the target takes no digests: it gets them one by one, ten a minute", async () => {
    const received = interceptProviders(({ body }) => new Response("what?", { status: body.service ? 200 : 400 }));
    const services = newNames(30);
    await dieTogether(services, newTarget());
    expect(received.filter(isDigest)).toHaveLength(1);
    const singles = received.filter((one) => !isDigest(one));
    expect(singles.map(({ body }) => body.service).sort()).toEqual(services.toSorted());
    for (const { atMs } of singles) {
      const within = singles.filter((other) => other.atMs >= atMs && other.atMs - atMs < MINUTE_MS);
      expect(within.length).toBeLessThanOrEqual(10);
    }
    for (const service of services) {
      expect(await deliveryLog(service)).toMatchObject([{ state: "delivered", attempts: 1 }]);
    }
  }, 120_000);

  it("is tried again as a whole where the target fails, and told once", async () => {
    let failures = 1;
    const received = interceptProviders((message) =>
      isDigest(message) && failures-- > 0 ? new Response("", { status: 503 }) : new Response("ok"),
    );
    const services = newNames(20);
    await dieTogether(services, newTarget());
    const delivered = toldIn(received).map(({ service }) => service);
    expect(new Set(delivered)).toEqual(new Set(services));
    expect(delivered.length).toBe(services.length + (received.find(isDigest)?.body.alerts.length ?? 0));
  }, 120_000);

  it("is remembered by a messenger that was evicted", async () => {
    interceptProviders(accept);
    const target = newTarget();
    const messenger = messengerOf(target);
    for (const name of newNames(10))
      expect(await messenger.deliver(alertOf(name), target)).toMatchObject({ kind: "delivered" });
    await evictDurableObject(messenger as DurableObjectStub);
    expect(await messenger.deliver(alertOf("eleventh"), target)).toEqual({
      kind: "later",
      atMs: START_MS + 30 * SECOND_MS,
    });
  });

  it("is told in digests also where the messenger is evicted while they wait, as it is in practice", async () => {
    const received = interceptProviders(accept);
    const target = newTarget();
    const services = newNames(40);
    const deliverAll = (names: string[]) =>
      Promise.all(names.map((name) => messengerOf(target).deliver(alertOf(name), target)));
    const first = await deliverAll(services);
    const waiting = services.filter((_, i) => first[i]?.kind === "later");
    expect(waiting).toHaveLength(30);
    await evictDurableObject(messengerOf(target) as DurableObjectStub);
    vi.setSystemTime(START_MS + 30 * SECOND_MS + 100);
    expect((await deliverAll(waiting)).map(({ kind }) => kind)).toEqual(waiting.map(() => "delivered"));
    expect(received.filter(isDigest)).toHaveLength(1);
    expect(
      toldIn(received)
        .map(({ service }) => service)
        .sort(),
    ).toEqual(services.toSorted());
  });

  it("by Pushover goes out in messages of at most 1,024 characters", async () => {
    const received = interceptProviders(() => Response.json({ status: 1 }));
    const target: Target = { type: "pushover", target: "u".repeat(30) };
    const messenger = messengerOf(target);
    const services = Array.from({ length: 100 }, (_, i) => `a service with a name of some length, number ${i}`);
    const all = await Promise.all(services.map((name) => messenger.deliver(alertOf(name), target)));
    vi.setSystemTime(START_MS + 31 * SECOND_MS);
    const waiting = services.filter((_, i) => all[i]?.kind === "later");
    expect(waiting).toHaveLength(90);
    const then = await Promise.all(waiting.map((name) => messenger.deliver(alertOf(name), target)));
    expect(then.map(({ kind }) => kind)).toEqual(waiting.map(() => "delivered"));
    const texts = received.map(({ body }) => body.message as string);
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(1_024);
    for (const name of waiting) expect(texts.filter((text) => text.split("\n").includes(name))).toHaveLength(1);
  });
});

describe("a provider", () => {
  it("has at most two connections from us, also where many different people are told", async () => {
    let open = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
      most = Math.max(most, ++open);
      await gate.promise;
      open--;
      return Response.json({ status: 1 });
    });
    const targets = Array.from({ length: 8 }, (_, i): Target => ({ type: "pushover", target: `${i}`.repeat(30) }));
    const names = new Set(targets.map(messengerName));
    expect([...names]).toEqual(["pushover"]);
    const deliveries = Promise.all(targets.map((target) => messengerOf(target).deliver(alertOf("web"), target)));
    await vi.waitFor(() => expect(open).toBe(2));
    gate.resolve();
    expect((await deliveries).map(({ kind }) => kind)).toEqual(targets.map(() => "delivered"));
    expect(most).toBe(2);
  });

  it("that is slow makes those who find no connection come again, one after the other", async () => {
    const gate = Promise.withResolvers<void>();
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
      await gate.promise;
      return new Response("ok", { status: 202 });
    });
    const targets = Array.from({ length: 5 }, (_, i): Target => ({ type: "mail", target: `${i}@example.com` }));
    const deliveries = targets.map((target) => messengerOf(target).deliver(alertOf("web"), target));
    const late = await Promise.all(deliveries.slice(2));
    const times = late.map((delivery) => (delivery.kind === "later" ? delivery.atMs : 0));
    expect(times).toEqual([2_200, 2_400, 2_600].map((ms) => Date.now() + ms));
    gate.resolve();
    expect(await Promise.all(deliveries.slice(0, 2))).toMatchObject([{ kind: "delivered" }, { kind: "delivered" }]);
  });

  it("that asks for patience is left alone, by all, for as long, but no longer than an hour", async () => {
    let wait = "120";
    const received = interceptProviders(
      () => new Response("slow down", { status: 429, headers: { "retry-after": wait } }),
    );
    const target = newTarget();
    const messenger = messengerOf(target);
    expect(await messenger.deliver(alertOf("a"), target)).toMatchObject({ kind: "retry", retryAfterMs: 120_000 });
    advance(20 * SECOND_MS);
    expect(await messenger.deliver(alertOf("b"), target)).toEqual({
      kind: "retry",
      answer: "not tried, since before: HTTP 429: slow down",
      retryAfterMs: 100_000,
    });
    expect(received).toHaveLength(1);
    advance(100 * SECOND_MS);
    wait = "86400";
    expect(await messenger.deliver(alertOf("b"), target)).toMatchObject({ answer: "HTTP 429: slow down" });
    advance(HOUR_MS - 1);
    expect(await messenger.deliver(alertOf("b"), target)).toMatchObject({ retryAfterMs: 1 });
    advance(1);
    await messenger.deliver(alertOf("b"), target);
    expect(received).toHaveLength(3);
  });

  it("that refuses our credentials is asked by one alert in a minute", async () => {
    let status = 403;
    const received = interceptProviders(() => new Response("", { status }));
    const target = newTarget();
    const messenger = messengerOf(target);
    const outcomes = [];
    for (const name of newNames(3)) outcomes.push(await messenger.deliver(alertOf(name), target));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["credentials", "credentials", "credentials"]);
    expect(received).toHaveLength(1);
    status = 200;
    advance(MINUTE_MS);
    expect(await messenger.deliver(alertOf("d"), target)).toMatchObject({ kind: "delivered" });
    expect(await messenger.deliver(alertOf("e"), target)).toMatchObject({ kind: "delivered" });
  });
});

describe("a messenger", () => {
  it("is one for each webhook, and one for each provider", () => {
    const mail = (type: string, target: string) => messengerName({ type, target });
    expect(mail("mail", "a@example.com")).toBe(mail("email", "b@example.com"));
    expect(messengerName(newTarget())).not.toBe(messengerName(newTarget()));
    expect(messengerName({ type: "webhook", target: `https://a.example/${"x".repeat(2_000)}` }).length).toBeLessThan(
      30,
    );
  });

  it("that can't be reached keeps nobody from being told", async () => {
    const received = interceptProviders(accept);
    const [service = ""] = newNames(1);
    vi.spyOn(env.MESSENGER, "getByName").mockImplementation(() => {
      throw new Error("internal error");
    });
    await dieTogether([service], newTarget());
    expect(received).toMatchObject([{ body: { service, kind: "dead" } }]);
  });

  it("that has too much to do is asked again a little later, and that was no attempt", async () => {
    const received = interceptProviders(accept);
    const [service = ""] = newNames(1);
    const target = newTarget();
    const overloaded = vi.spyOn(env.MESSENGER, "getByName").mockReturnValue({
      deliver: () => Promise.reject(Object.assign(new Error("overloaded"), { overloaded: true })),
    } as never);
    await monitorOf(service).pulse({ ...MINUTELY, target });
    await runAlarm(service);
    expect(received).toEqual([]);
    expect(await alarmOf(service)).toBe(Date.now() + 10 * SECOND_MS);
    overloaded.mockRestore();
    await runAlarm(service);
    expect(received).toHaveLength(1);
    expect(await deliveryLog(service)).toMatchObject([{ state: "delivered", attempts: 1 }]);
  });

  it("writes one row for a message", async () => {
    interceptProviders(accept);
    const target = newTarget();
    const messenger = messengerOf(target);
    const rows = await meterStorage(messenger as DurableObjectStub);
    for (const name of newNames(3)) await messenger.deliver(alertOf(name), target);
    expect(rows()).toBe(3);
  });

  it("forgets a target to which nothing goes any more", async () => {
    interceptProviders(accept);
    const mail = (name: string): Target => ({ type: "mail", target: `${name}@example.org` });
    const messenger = messengerOf(mail("a"));
    await messenger.deliver(alertOf("web"), mail("a"));
    advance(MINUTE_MS);
    await messenger.deliver(alertOf("web"), mail("b"));
    const paces = await runInDurableObject(messenger as DurableObjectStub, (_, { storage }) =>
      storage.kv.get<Map<string, unknown>>("paces"),
    );
    expect([...(paces?.keys() ?? [])].filter((address) => address.endsWith("example.org"))).toEqual([
      "mail:b@example.org",
    ]);
  });
});

describe("a service that flaps", () => {
  it("is told as always six times, then every ten minutes, with the number and with what it is by then", async () => {
    const received = interceptProviders(accept);
    const [service = ""] = newNames(1);
    const target = newTarget();
    const monitor = monitorOf(service);
    const startMs = Date.now();
    for (let round = 0; round < 10; round++) {
      await monitor.pulse({ ...MINUTELY, target });
      await runAlarm(service, Date.now() + 61 * SECOND_MS);
      vi.setSystemTime(startMs + (round + 1) * DEADLINE_MS - 1);
      while (await runAlarm(service, Date.now() + 2));
    }
    await monitor.pulse({ ...MINUTELY, nextInSeconds: 86_400, target });
    await runAllAlarms([service]);
    const told = received.map(({ body, atMs }) => ({ kind: body.kind, changes: body.changes, atMs }));
    expect(told.slice(0, 6).map(({ kind, changes }) => [kind, changes])).toEqual(
      [0, 1, 2].flatMap(() => [
        ["dead", undefined],
        ["alive", undefined],
      ]),
    );
    const damped = told.slice(6);
    expect(damped[0]).toMatchObject({ changes: 7 });
    for (const [i, { atMs, changes }] of damped.entries()) {
      expect(changes).toBeGreaterThanOrEqual(7);
      if (i > 0) expect(atMs - (damped[i - 1]?.atMs ?? 0)).toBeGreaterThanOrEqual(10 * MINUTE_MS);
    }
    expect(damped.length).toBeLessThanOrEqual(3);
    expect(damped.at(-1)).toMatchObject({ kind: "alive", changes: 20 });
    const log = await deliveryLog(service);
    expect(log.filter(({ state }) => state === "pending" || state === "failed")).toEqual([]);
    expect(log.filter(({ state }) => state === "delivered")).toHaveLength(received.length);
  });
});
