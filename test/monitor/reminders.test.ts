import { afterEach, describe, expect, it, vi } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  DEADLINE_MS,
  DEFAULT_HOOK,
  deliveryLog,
  eventsOf,
  HOOK,
  historyOf,
  interceptProviders,
  MINUTELY,
  monitorOf,
  runAlarm,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const REMINDED = { ...MINUTELY, remindEverySeconds: 600 };
const fail = () => new Response("no", { status: 500 });

describe("a reminder", () => {
  it("says how long it has been, and how many came before", async () => {
    const received = interceptProviders(accept);
    await monitorOf("reminded").pulse(REMINDED);
    const diesMs = Date.now() + DEADLINE_MS;
    for (let i = 0; i < 4; i++) await runAlarm("reminded");
    expect(received.map(({ atMs }) => atMs - diesMs)).toEqual([0, 10, 20, 30].map((minutes) => minutes * MINUTE_MS));
    expect(received.map(({ body }) => body.title)).toEqual([
      "Service reminded has not pulsed",
      ...Array.from({ length: 3 }, () => "Service reminded is still not pulsing"),
    ]);
    const since = "The service reminded is not pulsing since 2040-01-01 12:00:00 UTC";
    expect(received.map(({ body }) => body.message)).toEqual([
      since,
      `${since}, for 11 min 5 s. This is the first reminder`,
      `${since}, for 21 min 5 s. One reminder came before this`,
      `${since}, for 31 min 5 s. 2 reminders came before this`,
    ]);
    expect(new Set(received.map(({ body }) => body.id)).size).toBe(4);
    expect(await deliveryLog("reminded")).toHaveLength(4);
    // It is one death, and one event.
    expect(await eventsOf("reminded")).toHaveLength(1);
    expect(await historyOf("reminded")).toEqual(["alive", "dead"]);
    expect(await alarmOf("reminded")).toBe(diesMs + 40 * MINUTE_MS);
  });

  it("ends with a pulse, and with a cancel", async () => {
    const received = interceptProviders(accept);
    for (const [service, end] of [
      [
        "reminded until it pulsed",
        () => monitorOf("reminded until it pulsed").pulse({ ...REMINDED, nextInSeconds: 86_400 }),
      ],
      ["reminded until cancelled", () => monitorOf("reminded until cancelled").cancel()],
    ] as const) {
      await monitorOf(service).pulse(REMINDED);
      await runAlarm(service);
      await runAlarm(service);
      await end();
      while (await runAlarm(service, Date.now() + 60 * MINUTE_MS));
      advance(-60 * MINUTE_MS);
    }
    expect(received.map(({ body }) => body.title.replace(/Service .* (has|is)/, "$1"))).toEqual([
      "has not pulsed",
      "is still not pulsing",
      "is pulsing again",
      "has not pulsed",
      "is still not pulsing",
    ]);
  });

  it("is not added while the death notice is pending, and comes once that was delivered", async () => {
    let isDown = true;
    const received = interceptProviders(() => (isDown ? fail() : accept()));
    const service = "reminded of what is pending";
    await monitorOf(service).pulse({ ...MINUTELY, remindEverySeconds: 60 });
    await runAlarm(service);
    const untilMs = Date.now() + 30 * MINUTE_MS;
    while (await runAlarm(service, untilMs));
    expect(new Set(received.map(({ body }) => body.id)).size).toBe(1);
    expect(await deliveryLog(service)).toMatchObject([{ state: "pending" }]);
    isDown = false;
    const tries = received.length;
    while (received.length < tries + 2) expect(await runAlarm(service)).toBe(true);
    expect(received.slice(tries).map(({ body }) => body.title)).toEqual([
      `Service ${service} has not pulsed`,
      `Service ${service} is still not pulsing`,
    ]);
    expect((await deliveryLog(service)).map(({ state }) => state)).toEqual(["delivered", "delivered"]);
  });

  it("is added for a target that has the notice, though another has not got it yet", async () => {
    const received = interceptProviders(({ url }) => (url === HOOK.target ? fail() : accept()));
    const service = "reminded in part";
    const furtherTargets = [{ type: "webhook", target: DEFAULT_HOOK }];
    await monitorOf(service).pulse({ ...MINUTELY, remindEverySeconds: 60, furtherTargets });
    await runAlarm(service);
    const untilMs = Date.now() + 3 * MINUTE_MS + SECOND_MS;
    while (await runAlarm(service, untilMs));
    expect(received.filter(({ url }) => url === DEFAULT_HOOK)).toHaveLength(4);
    expect(new Set(received.filter(({ url }) => url === HOOK.target).map(({ body }) => body.id)).size).toBe(1);
  });
});
