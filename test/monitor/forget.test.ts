import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  breakD1,
  DEADLINE_MS,
  deliveryLog,
  eventsOf,
  HOOK,
  historyOf,
  interceptProviders,
  MINUTELY,
  monitorOf,
  NOTHING,
  rowOf,
  runAlarm,
  settle,
  storedIn,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

describe("a service that is forgotten", () => {
  it("leaves nothing in its object and no row, but its events and transitions, in order", async () => {
    interceptProviders(accept);
    await monitorOf("gone").pulse(MINUTELY);
    await runAlarm("gone");
    advance(MINUTE_MS);
    expect(await monitorOf("gone").forget()).toMatchObject({ service: "gone", status: "cancelled" });
    expect(await storedIn("gone")).toEqual(NOTHING);
    expect(await rowOf("gone")).toBeNull();
    expect(await monitorOf("gone").snapshot()).toBeNull();
    expect(await eventsOf("gone")).toHaveLength(1);
    expect((await historyOf("gone")).slice(0, 2)).toEqual(["alive", "dead"]);
    expect((await historyOf("gone")).slice(2).sort()).toEqual(["cancelled", "forgotten"]);
  });

  it("is so after an eviction too, and is made anew by a pulse", async () => {
    await monitorOf("evicted").pulse(MINUTELY);
    await monitorOf("evicted").forget();
    await evictDurableObject(monitorOf("evicted"));
    expect(await monitorOf("evicted").snapshot()).toBeNull();
    expect(await storedIn("evicted")).toEqual(NOTHING);
    await monitorOf("evicted").pulse(MINUTELY);
    expect(await rowOf("evicted")).toMatchObject({ status: "alive" });
    expect(await alarmOf("evicted")).toBe(Date.now() + DEADLINE_MS);
  });

  it("while D1 fails loses its row when D1 is back, and the object is empty then", async () => {
    const service = "gone in an outage";
    await monitorOf(service).pulse(MINUTELY);
    const mend = breakD1();
    advance(1_000);
    await monitorOf(service).forget();
    expect(await monitorOf(service).snapshot()).toBeNull();
    for (let i = 0; i < 3; i++) expect(await runAlarm(service)).toBe(true);
    mend();
    expect(await rowOf(service)).toMatchObject({ status: "alive" });
    await settle(service);
    expect(await rowOf(service)).toBeNull();
    expect(await storedIn(service)).toEqual(NOTHING);
    expect((await historyOf(service)).sort()).toEqual(["alive", "cancelled", "forgotten"]);
  });

  it("while D1 fails, and pulses again before it is back, has its new row and no other", async () => {
    const service = "back in an outage";
    await monitorOf(service).pulse({ ...MINUTELY, nextInSeconds: 3_600, remindEverySeconds: 60 });
    const mend = breakD1();
    await monitorOf(service).forget();
    await monitorOf(service).pulse({ ...MINUTELY, nextInSeconds: 7_200 });
    mend();
    while (await runAlarm(service, Date.now() + 30 * MINUTE_MS));
    expect(await rowOf(service)).toMatchObject({ status: "alive", next_in: 7_200, remind_every: 0 });
    expect(await historyOf(service)).toHaveLength(4);
  });

  it("still tells what was owed before, but for its death", async () => {
    const service = "last words";
    let isDown = true;
    const received = interceptProviders(() => (isDown ? new Response("no", { status: 500 }) : accept()));
    await monitorOf(service).pulse(MINUTELY);
    await runAlarm(service);
    await monitorOf(service).alert({ id: ulid(Date.now()), service, level: 5, message: "x", alert: true });
    await monitorOf(service).forget();
    isDown = false;
    await settle(service);
    expect(received.at(-1)?.body).toMatchObject({ kind: "event", message: "x" });
    expect((await deliveryLog(service)).map(({ kind, state }) => [kind, state]).sort()).toEqual([
      ["dead", "dropped"],
      ["event", "delivered"],
    ]);
    expect(await storedIn(service)).toEqual(NOTHING);
  });
});

describe("a pulse that races with a forget", () => {
  /** Lets D1 answer only when told, so that a request can come in between. */
  function holdD1() {
    const held = Promise.withResolvers<void>();
    const batch = env.DB.batch.bind(env.DB);
    vi.spyOn(env.DB, "batch").mockImplementationOnce(async (statements) => {
      await held.promise;
      return batch(statements) as never;
    });
    return held.resolve;
  }

  it("while D1 is written is not lost: the service is alive, and watched", async () => {
    const service = "raced in D1";
    const received = interceptProviders(accept);
    await monitorOf(service).pulse(MINUTELY);
    const release = holdD1();
    const forgotten = monitorOf(service).forget();
    await vi.waitFor(() => expect(env.DB.batch).toHaveBeenCalled());
    const pulsed = monitorOf(service).pulse(MINUTELY);
    release();
    expect((await forgotten)?.status).toBe("cancelled");
    expect((await pulsed).status).toBe("alive");
    // Waiting moves the clock.
    const alarmMs = await alarmOf(service);
    expect((await monitorOf(service).snapshot())?.status).toBe("alive");
    await vi.waitFor(async () => expect(await rowOf(service)).toMatchObject({ status: "alive" }));
    expect(await alarmOf(service)).toBe(alarmMs);
    await runAlarm(service);
    expect(received.map(({ url, body }) => [url, body.kind])).toEqual([[HOOK.target, "dead"]]);
  });

  it("many at once leave one consistent service, or none", async () => {
    const service = "raced often";
    interceptProviders(accept);
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          i % 3 === round % 3 ? monitorOf(service).forget() : monitorOf(service).pulse(MINUTELY),
        ),
      );
      const snapshot = await monitorOf(service).snapshot();
      const deadlineMs = Date.now() + DEADLINE_MS;
      await vi.waitFor(async () => expect((await rowOf(service))?.status).toBe(snapshot?.status));
      expect(await alarmOf(service)).toBe(snapshot ? deadlineMs : null);
    }
  });
});

describe("a cancelled service", () => {
  it("is forgotten after 30 days, by its alarm", async () => {
    const service = "cancelled long ago";
    interceptProviders(accept);
    await monitorOf(service).pulse(MINUTELY);
    advance(1_000);
    await monitorOf(service).cancel();
    expect(await alarmOf(service)).toBe(Date.now() + 30 * DAY_MS);
    expect(await rowOf(service)).toMatchObject({ status: "cancelled" });
    await runAlarm(service);
    expect(await rowOf(service)).toBeNull();
    expect(await storedIn(service)).toEqual(NOTHING);
    expect(await historyOf(service)).toEqual(["alive", "cancelled", "forgotten"]);
  });

  it("is not while it is used again", async () => {
    const service = "cancelled and back";
    interceptProviders(accept);
    await monitorOf(service).pulse(MINUTELY);
    await monitorOf(service).cancel();
    advance(29 * DAY_MS);
    await monitorOf(service).pulse({ ...MINUTELY, nextInSeconds: 86_400 });
    expect(await alarmOf(service)).toBe(Date.now() + DAY_MS + 5_000);
  });
});
