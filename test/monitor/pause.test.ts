import { afterEach, describe, expect, it, vi } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  deliveryLog,
  eventsOf,
  historyOf,
  interceptProviders,
  MINUTELY,
  monitorOf,
  rowOf,
  runAlarm,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const inAnHour = () => Date.now() + HOUR_MS;

describe("a death in a pause", () => {
  it("is noticed at once, and told when the pause ends", async () => {
    const received = interceptProviders(accept);
    const pauseUntilMs = inAnHour();
    await monitorOf("dies").pulse({ ...MINUTELY, pauseUntilMs });
    await runAlarm("dies");
    expect(received).toEqual([]);
    expect(await rowOf("dies")).toMatchObject({ status: "dead" });
    expect(await eventsOf("dies")).toMatchObject([{ level: 4 }]);
    expect(await deliveryLog("dies")).toEqual([]);
    expect(await alarmOf("dies")).toBe(pauseUntilMs);
    await runAlarm("dies");
    expect(received).toMatchObject([
      { atMs: pauseUntilMs, body: { kind: "dead", title: "Service dies has not pulsed" } },
    ]);
    expect(received[0]?.body.message).toBe("The service dies is not pulsing since 2040-01-01 12:00:00 UTC");
    expect(await eventsOf("dies")).toHaveLength(1);
    expect(await historyOf("dies")).toEqual(["alive", "dead"]);
    expect(await alarmOf("dies")).toBeNull();
  });

  it("is told to nobody when the service revives before its end", async () => {
    const received = interceptProviders(accept);
    await monitorOf("revives").pulse({ ...MINUTELY, pauseUntilMs: inAnHour() });
    await runAlarm("revives");
    advance(MINUTE_MS);
    await monitorOf("revives").pulse({ ...MINUTELY, nextInSeconds: 86_400 });
    advance(2 * HOUR_MS);
    await monitorOf("revives").pulse({ ...MINUTELY, nextInSeconds: 86_400 });
    expect(await runAlarm("revives", inAnHour())).toBe(false);
    expect(received).toEqual([]);
    expect((await eventsOf("revives")).map(({ level }) => level)).toEqual([4, 2]);
    expect(await historyOf("revives")).toEqual(["alive", "dead", "alive"]);
    expect(await deliveryLog("revives")).toEqual([]);
  });

  it("is told by reminders only from its end on", async () => {
    const received = interceptProviders(accept);
    const pauseUntilMs = inAnHour();
    await monitorOf("reminds").pulse({ ...MINUTELY, remindEverySeconds: 600, pauseUntilMs });
    for (let i = 0; i < 3; i++) await runAlarm("reminds");
    expect(received.map(({ atMs }) => atMs - pauseUntilMs)).toEqual([0, 600_000]);
    expect(received[1]?.body.message).toContain("This is the first reminder");
  });

  it("is told at once when a pulse has ended the pause early, and the service dies again", async () => {
    const received = interceptProviders(accept);
    await monitorOf("ended early").pulse({ ...MINUTELY, pauseUntilMs: inAnHour() });
    await runAlarm("ended early");
    await monitorOf("ended early").pulse({ ...MINUTELY, pauseUntilMs: 0 });
    expect(await runAlarm("ended early")).toBe(true);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
  });
});

describe("a death that was told before the pause", () => {
  /** Dies and is told so; then a pulse asks for a pause. */
  async function reviveIntoPause(service: string, pauseUntilMs: number) {
    await monitorOf(service).pulse(MINUTELY);
    await runAlarm(service);
    advance(MINUTE_MS);
    await monitorOf(service).pulse({ ...MINUTELY, nextInSeconds: 86_400, pauseUntilMs });
  }

  it("and is over in it, is told to be over when the pause ends", async () => {
    const received = interceptProviders(accept);
    const pauseUntilMs = inAnHour();
    await reviveIntoPause("back", pauseUntilMs);
    while (await runAlarm("back", pauseUntilMs));
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
    expect(await alarmOf("back")).toBe(pauseUntilMs);
    await runAlarm("back");
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive"]);
    expect(received[1]).toMatchObject({ atMs: pauseUntilMs });
    expect(received[1]?.body.message).toContain("It was dead for 1 min 5 s, from ");
    expect((await eventsOf("back")).map(({ level }) => level)).toEqual([4, 2]);
    expect(await historyOf("back")).toEqual(["alive", "dead", "alive"]);
  });

  it("and is over in it, is told to be over by a pulse that ends the pause", async () => {
    const received = interceptProviders(accept);
    await reviveIntoPause("early", inAnHour());
    await monitorOf("early").pulse({ ...MINUTELY, nextInSeconds: 86_400, pauseUntilMs: 0 });
    await runAlarm("early", inAnHour());
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive"]);
  });

  it("and is over in it, is told to nobody when the service is cancelled in it", async () => {
    const received = interceptProviders(accept);
    await reviveIntoPause("cancelled", inAnHour());
    await monitorOf("cancelled").cancel();
    while (await runAlarm("cancelled", inAnHour() + HOUR_MS));
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
  });
});
