import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ulid } from "../../src/domain/ulid.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  DEADLINE_MS,
  DEFAULT_HOOK,
  deliveryLog,
  HOOK,
  interceptProviders,
  MINUTELY,
  monitorOf,
  type Received,
  rowOf,
  runAlarm,
  settle,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const fail = () => new Response("no", { status: 500 });

/** Runs alarms until nothing is owed any more, but doesn't wait for the next death. */
async function deliverAll(service: string): Promise<void> {
  while (await runAlarm(service, Date.now() + DEADLINE_MS / 2));
}

describe("a pulse while the death notice is being sent", () => {
  it("is told after it, when the notice arrives", async () => {
    const service = "revived under way";
    const received = interceptProviders(async ({ body }) => {
      if (body.kind === "dead") await monitorOf(service).pulse(MINUTELY);
      return accept();
    });
    await monitorOf(service).pulse(MINUTELY);
    await runAlarm(service);
    await deliverAll(service);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive"]);
    expect((await monitorOf(service).snapshot())?.status).toBe("alive");
    expect(await alarmOf(service)).toBe(Date.now() + DEADLINE_MS);
    expect((await deliveryLog(service)).map(({ kind, state }) => [kind, state])).toEqual([
      ["dead", "delivered"],
      ["alive", "delivered"],
    ]);
  });

  it("is told in one message with it, when the notice fails", async () => {
    const service = "revived, notice failed";
    const received = interceptProviders(async ({ body }) => {
      if (body.kind !== "dead") return accept();
      await monitorOf(service).pulse(MINUTELY);
      return fail();
    });
    await monitorOf(service).pulse(MINUTELY);
    await runAlarm(service);
    await deliverAll(service);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive"]);
    expect(received[1]?.body.message).toContain("It was dead for 5 s, from ");
    expect((await deliveryLog(service)).map(({ kind, state }) => [kind, state])).toEqual([
      ["dead", "dropped"],
      ["alive", "delivered"],
    ]);
  });

  it("doesn't lose its own deadline to the end of the alarm", async () => {
    const service = "dies again";
    const received = interceptProviders(async ({ body }, index) => {
      if (index === 0) await monitorOf(service).pulse({ ...MINUTELY, nextInSeconds: 10 });
      return body.kind === "dead" || body.kind === "alive" ? accept() : fail();
    });
    await monitorOf(service).pulse(MINUTELY);
    await settle(service);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive", "dead"]);
  });
});

describe("a cancel while the death notice is being sent", () => {
  it.each([
    ["arrives", accept, "delivered"],
    ["fails", fail, "dropped"],
  ])("stops all alerts, whether the notice %s or not", async (how, answer, state) => {
    const service = `cancelled, notice ${how}`;
    const received = interceptProviders(async () => {
      await monitorOf(service).cancel();
      return answer();
    });
    await monitorOf(service).pulse(MINUTELY);
    await settle(service);
    expect(received).toHaveLength(1);
    expect(await deliveryLog(service)).toMatchObject([{ kind: "dead", state, attempts: 1 }]);
    expect(await rowOf(service)).toMatchObject({ status: "cancelled" });
  });
});

describe("a request while D1 is being written", () => {
  it.each([
    ["pulse", "alive", () => monitorOf("D1 and pulse").pulse(MINUTELY)],
    ["cancel", "cancelled", () => monitorOf("D1 and cancel").cancel()],
  ])("is not overtaken: after a %s the row says %s", async (verb, status, request) => {
    const service = `D1 and ${verb}`;
    interceptProviders(accept);
    await monitorOf(service).pulse(MINUTELY);
    const batch = env.DB.batch.bind(env.DB);
    let isFirst = true;
    vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
      const isDeath = isFirst;
      isFirst = false;
      if (isDeath) advance(1_000);
      // The request starts while the row of the death is on its way, and wants to write the next.
      const result = batch(statements);
      if (isDeath) void request();
      return result as never;
    });
    await runAlarm(service);
    await deliverAll(service);
    await vi.waitFor(async () => expect(await rowOf(service)).toMatchObject({ status }));
    expect((await monitorOf(service).snapshot())?.status).toBe(status);
  });
});

describe("while a provider keeps an alarm waiting", () => {
  /** Answers for the target only once something was told to the other one. */
  const hangUntilOtherIsTold = (received: () => Received[]) => async (message: Received) => {
    if (message.url === HOOK.target) {
      await vi.waitFor(() => expect(received().map(({ url }) => url)).toContain(DEFAULT_HOOK), { timeout: 5_000 });
    }
    return accept();
  };

  it("an alert that comes to be owed is sent at once", async () => {
    const service = "kept waiting";
    const received: Received[] = interceptProviders(hangUntilOtherIsTold(() => received));
    await monitorOf(service).pulse(MINUTELY);
    const run = runAlarm(service);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await monitorOf(service).alert({ id: ulid(Date.now()), service, level: 4, message: "also", alert: true });
    await run;
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "event"]);
    expect((await deliveryLog(service)).map(({ state, attempts }) => [state, attempts])).toEqual([
      ["delivered", 1],
      ["delivered", 1],
    ]);
  });

  it("a death is told at its deadline", async () => {
    const service = "dies meanwhile";
    const isDead = () => received.some(({ body }) => body.kind === "dead");
    const received: Received[] = interceptProviders(async ({ url }) => {
      if (url === DEFAULT_HOOK) await vi.waitFor(() => expect(isDead()).toBe(true), { timeout: 5_000 });
      return accept();
    });
    await monitorOf(service).pulse({ ...MINUTELY, nextInSeconds: 1, graceSeconds: 0 });
    await monitorOf(service).alert({ id: ulid(Date.now()), service, level: 4, message: "slow", alert: true });
    const run = runAlarm(service);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    advance(1_000);
    await run;
    expect(received.map(({ body }) => body.kind)).toEqual(["event", "dead"]);
  });
});

describe("many requests at once", () => {
  it("leave one consistent service", async () => {
    const service = "crowded";
    const received = interceptProviders(accept);
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        i % 10 === 9 ? monitorOf(service).cancel() : monitorOf(service).pulse(MINUTELY),
      ),
    );
    const snapshot = await monitorOf(service).snapshot();
    await vi.waitFor(async () => expect(await rowOf(service)).toMatchObject({ status: snapshot?.status }));
    expect(received).toHaveLength(0);
  });
});
