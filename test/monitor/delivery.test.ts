import { afterEach, describe, expect, it, vi } from "vitest";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  DEADLINE_MS,
  DEFAULT_HOOK,
  deliveryLog,
  eventsOf,
  HOOK,
  interceptProviders,
  MINUTELY,
  monitorOf,
  rowOf,
  runAlarm,
  settle,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const answer =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    new Response("no", { status, headers });

/** Lets a service that has pulsed once die, and runs the alarm of its death. */
async function die(service: string): Promise<void> {
  await monitorOf(service).pulse(MINUTELY);
  expect(await runAlarm(service)).toBe(true);
}

describe("a death", () => {
  it("is told once, stored as an event, and shown in the directory", async () => {
    const received = interceptProviders(accept);
    await die("gone");
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      url: HOOK.target,
      body: { kind: "dead", service: "gone", title: "Service gone has not pulsed" },
    });
    expect(received[0]?.body.message).toMatch(
      /^The service gone is not pulsing since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC$/,
    );
    expect(await alarmOf("gone")).toBeNull();
    expect(await rowOf("gone")).toMatchObject({ status: "dead" });
    expect(await eventsOf("gone")).toEqual([{ level: 4, message: received[0]?.body.message }]);
    expect(await deliveryLog("gone")).toEqual([
      { kind: "dead", target: HOOK.target, state: "delivered", attempts: 1, answer: "HTTP 200: ok" },
    ]);
    advance(DAY_MS);
    expect(await runAlarm("gone")).toBe(false);
    expect(received).toHaveLength(1);
  });

  it("is not told while the service pulses in time", async () => {
    const received = interceptProviders(accept);
    for (let i = 0; i < 5; i++) {
      await monitorOf("punctual").pulse(MINUTELY);
      advance(DEADLINE_MS - 1);
    }
    expect((await monitorOf("punctual").snapshot())?.status).toBe("alive");
    expect(received).toHaveLength(0);
  });

  it("is noticed by a reader before the alarm has run, and told by the alarm", async () => {
    const received = interceptProviders(accept);
    await monitorOf("read").pulse(MINUTELY);
    advance(DEADLINE_MS);
    expect(await monitorOf("read").snapshot()).toMatchObject({ status: "dead" });
    expect(received).toHaveLength(0);
    await runAlarm("read");
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
  });
});

describe("a revival", () => {
  it("is told once, with how long the service was dead", async () => {
    const received = interceptProviders(accept);
    await die("back");
    advance(10 * 60 * SECOND_MS);
    await monitorOf("back").pulse(MINUTELY);
    await runAlarm("back");
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive"]);
    expect(received[1]?.body.title).toBe("Service back is pulsing again");
    expect(received[1]?.body.message).toContain("It was dead for 10 min 5 s, from ");
    expect(await rowOf("back")).toMatchObject({ status: "alive" });
    expect((await eventsOf("back")).map(({ level }) => level)).toEqual([4, 2]);
  });

  it("makes one message of both when the death was not told yet", async () => {
    const received = interceptProviders(accept);
    await monitorOf("late").pulse(MINUTELY);
    advance(DEADLINE_MS + 1_000);
    await monitorOf("late").pulse(MINUTELY);
    await runAlarm("late");
    expect(received.map(({ body }) => body.kind)).toEqual(["alive"]);
    expect((await deliveryLog("late")).map(({ kind, state }) => [kind, state])).toEqual([
      ["dead", "dropped"],
      ["alive", "delivered"],
    ]);
  });
});

describe("a cancelled service", () => {
  it("is never alerted, and a death notice that was not delivered yet is dropped", async () => {
    const received = interceptProviders(answer(500));
    await die("cancelled");
    await monitorOf("cancelled").cancel();
    await settle("cancelled");
    expect(received).toHaveLength(1);
    expect((await deliveryLog("cancelled")).map(({ state }) => state)).toEqual(["dropped"]);
    expect(await rowOf("cancelled")).toMatchObject({ status: "cancelled" });
  });
});

describe("a provider that fails", () => {
  it("is tried again with growing delays until it takes the alert, once", async () => {
    const received = interceptProviders((_, index) => (index < 12 ? answer(500)() : accept()));
    await die("persistent");
    await settle("persistent");
    expect(received).toHaveLength(13);
    const delays = received.slice(1).map(({ atMs }, i) => atMs - (received[i]?.atMs ?? 0));
    expect(delays[0]).toBe(5 * SECOND_MS);
    for (let i = 1; i < delays.length; i++) {
      expect(delays[i]).toBe(Math.min(HOUR_MS, 2 * (delays[i - 1] as number)));
    }
    expect(new Set(received.map(({ body }) => body.id)).size).toBe(1);
    expect(await deliveryLog("persistent")).toMatchObject([{ state: "delivered", attempts: 13 }]);
  });

  it("is not asked before the time that it named", async () => {
    const received = interceptProviders((_, index) =>
      index === 0 ? answer(429, { "retry-after": "300" })() : accept(),
    );
    await die("throttled");
    await settle("throttled");
    expect((received[1]?.atMs ?? 0) - (received[0]?.atMs ?? 0)).toBe(300 * SECOND_MS);
  });

  it("is given up after a day, visibly, and the default target is told", async () => {
    const received = interceptProviders(({ url }) => (url === HOOK.target ? answer(500)() : accept()));
    await die("hopeless");
    const diedMs = Date.now();
    await settle("hopeless");
    expect(Date.now() - diedMs).toBeGreaterThanOrEqual(DAY_MS);
    expect(Date.now() - diedMs).toBeLessThan(DAY_MS + 2 * HOUR_MS);
    expect(received.filter(({ url }) => url === DEFAULT_HOOK)).toHaveLength(1);
    expect((await deliveryLog("hopeless")).map(({ target, state }) => [target, state])).toEqual(
      expect.arrayContaining([
        [HOOK.target, "failed"],
        [DEFAULT_HOOK, "delivered"],
      ]),
    );
  });
});

describe("a provider that refuses", () => {
  it("is never asked again; an event and the default target say so", async () => {
    const received = interceptProviders(({ url }) => (url === HOOK.target ? answer(400)() : accept()));
    await die("refused");
    await settle("refused");
    expect(received.map(({ url }) => url)).toEqual([HOOK.target, DEFAULT_HOOK]);
    expect(received[1]?.body.title).toBe("Alert given up: Service refused has not pulsed");
    expect(received[1]?.body.message).toContain("to webhook https://hooks.example/…: HTTP 400");
    expect(received[1]?.body.message).toContain("HTTP 400: no");
    const events = await eventsOf("refused");
    expect(events.map(({ level, message }) => [level, message.slice(0, 14)]).sort()).toEqual([
      [4, "Alert given up"],
      [4, "The service re"],
    ]);
    expect(await deliveryLog("refused")).toContainEqual({
      kind: "dead",
      target: HOOK.target,
      state: "failed",
      attempts: 1,
      answer: "HTTP 400: no",
    });
  });

  it("doesn't cause an endless chain when it is the default target itself", async () => {
    const received = interceptProviders(answer(400));
    await monitorOf("own default").pulse({ ...MINUTELY, target: { type: "webhook", target: DEFAULT_HOOK } });
    await settle("own default");
    expect(received).toHaveLength(1);
  });
});

describe("credentials that are refused", () => {
  it("are our fault: hourly, for a week", async () => {
    const received = interceptProviders(({ url }) => (url === HOOK.target ? answer(401)() : accept()));
    await die("locked out");
    const diedMs = Date.now();
    await settle("locked out");
    const tries = received.filter(({ url }) => url === HOOK.target);
    expect(tries).toHaveLength(7 * 24 + 1);
    expect((tries[1]?.atMs ?? 0) - (tries[0]?.atMs ?? 0)).toBe(HOUR_MS);
    expect(Date.now() - diedMs).toBe(7 * DAY_MS);
  });
});

describe("an event with an alert", () => {
  it("is stored and told to the default target, also where the service never pulsed", async () => {
    const received = interceptProviders(accept);
    const event = { id: ulid(Date.now()), service: "reporter", level: 5, message: "disk full", alert: true };
    await monitorOf("reporter").alert(event);
    expect(await eventsOf("reporter")).toEqual([{ level: 5, message: "disk full" }]);
    await runAlarm("reporter");
    expect(received).toMatchObject([
      { url: DEFAULT_HOOK, body: { kind: "event", title: "reporter: critical", message: "disk full" } },
    ]);
    expect(await rowOf("reporter")).toBeNull();
  });
});

describe("a target that doesn't answer", () => {
  it("holds up nobody else", async () => {
    const service = "hanging";
    const isOtherDelivered = async () =>
      expect(await deliveryLog(service)).toContainEqual(
        expect.objectContaining({ target: DEFAULT_HOOK, state: "delivered" }),
      );
    // It answers only when the other target has got its alert, and that is in the log.
    const received = interceptProviders(async ({ url }) => {
      if (url === HOOK.target) await vi.waitFor(isOtherDelivered);
      return accept();
    });
    await monitorOf(service).pulse(MINUTELY);
    advance(DEADLINE_MS);
    await monitorOf(service).snapshot();
    await monitorOf(service).alert({ id: ulid(Date.now()), service, level: 4, message: "also", alert: true });
    await runAlarm(service);
    expect(received).toHaveLength(2);
    expect((await deliveryLog(service)).map(({ state, attempts }) => [state, attempts])).toEqual([
      ["delivered", 1],
      ["delivered", 1],
    ]);
  });
});
