import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { configOf, type Env } from "../../src/config.ts";
import { REFRESH_SECONDS } from "../../src/domain/snapshot.ts";
import { SECOND_MS } from "../../src/domain/time.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  DEADLINE_MS,
  eventsOf,
  interceptProviders,
  MINUTELY,
  monitorOf,
  rowOf,
  runAlarm,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

describe("an alarm", () => {
  it("that comes too early only sets itself again", async () => {
    const received = interceptProviders(accept);
    await monitorOf("early").pulse(MINUTELY);
    const deadline = Date.now() + DEADLINE_MS;
    advance(10_000);
    await runInDurableObject(monitorOf("early"), (instance) => instance.alarm());
    expect(received).toHaveLength(0);
    expect(await alarmOf("early")).toBe(deadline);
    expect((await monitorOf("early").snapshot())?.status).toBe("alive");
  });

  it("finds its service after an eviction", async () => {
    const received = interceptProviders(accept);
    await monitorOf("evicted").pulse(MINUTELY);
    await evictDurableObject(monitorOf("evicted"));
    await runAlarm("evicted");
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
  });

  it("goes on after an eviction in the middle of its retries", async () => {
    const received = interceptProviders((_, index) => (index < 2 ? new Response("no", { status: 500 }) : accept()));
    await monitorOf("evicted, retries").pulse(MINUTELY);
    await runAlarm("evicted, retries");
    await evictDurableObject(monitorOf("evicted, retries"));
    while (await runAlarm("evicted, retries"));
    expect(received).toHaveLength(3);
    expect(new Set(received.map(({ body }) => body.id)).size).toBe(1);
  });

  it("never throws, and comes again later, when something unforeseen happens", async () => {
    const received = interceptProviders(accept);
    await monitorOf("unforeseen").pulse(MINUTELY);
    await runInDurableObject(monitorOf("unforeseen"), (_, { storage }) => {
      vi.spyOn(storage, "transactionSync").mockImplementationOnce(() => {
        throw new Error("no room");
      });
    });
    advance(DEADLINE_MS);
    await runInDurableObject(monitorOf("unforeseen"), (instance) => instance.alarm()).catch(() => "reset");
    expect(received).toHaveLength(0);
    expect(await runAlarm("unforeseen")).toBe(true);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
  });

  it("that comes a little late dates the death at its deadline", async () => {
    const received = interceptProviders(accept);
    await monitorOf("woken late").pulse(MINUTELY);
    const deadline = Math.floor((Date.now() + DEADLINE_MS) / SECOND_MS);
    advance(DEADLINE_MS + 59 * SECOND_MS);
    await runAlarm("woken late");
    expect(received).toHaveLength(1);
    expect(await rowOf("woken late")).toMatchObject({ status: "dead", since: deadline });
  });
});

describe("an alarm that the platform has lost", () => {
  it("is set again by the next look, judging by the directory, and late rather than wrong", async () => {
    const received = interceptProviders(accept);
    await monitorOf("lost").pulse(MINUTELY);
    const { last } = (await rowOf("lost")) as { last: number };
    await runInDurableObject(monitorOf("lost"), (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(monitorOf("lost"));
    advance(REFRESH_SECONDS * SECOND_MS);
    expect((await monitorOf("lost").snapshot())?.status).toBe("alive");
    expect(await alarmOf("lost")).toBe((last + REFRESH_SECONDS) * SECOND_MS + DEADLINE_MS);
    await runAlarm("lost");
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
  });

  it("doesn't stop the next pulse", async () => {
    await monitorOf("lost, pulsed").pulse(MINUTELY);
    await runInDurableObject(monitorOf("lost, pulsed"), (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(monitorOf("lost, pulsed"));
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: overloaded");
    });
    await monitorOf("lost, pulsed").pulse(MINUTELY);
    expect(await alarmOf("lost, pulsed")).toBe(Date.now() + DEADLINE_MS);
  });
});

describe("with ALERTS_ENABLED false", () => {
  it("states and events go on, and nobody is told, not even of what was owed before", async () => {
    const received = interceptProviders(accept);
    await monitorOf("muted").pulse(MINUTELY);
    advance(DEADLINE_MS);
    await monitorOf("muted").snapshot();
    await runInDurableObject(monitorOf("muted"), async (instance) => {
      const config = configOf((instance as unknown as { env: Env }).env);
      config.alertsEnabled = false;
      try {
        await instance.alarm();
        await instance.pulse(MINUTELY);
        await instance.alarm();
      } finally {
        config.alertsEnabled = true;
      }
    });
    expect(received).toHaveLength(0);
    // Both happen in one millisecond here.
    expect((await eventsOf("muted")).map(({ level }) => level).sort()).toEqual([2, 4]);
  });
});
