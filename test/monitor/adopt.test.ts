import { afterEach, describe, expect, it, vi } from "vitest";
import type { Service } from "../../src/domain/service.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  deliveryLog,
  HOOK,
  interceptProviders,
  MINUTELY,
  monitorOf,
  runAlarm,
  settle,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

/** A state as another watchTower has it: the service has pulsed there just now. */
const heardElsewhere = (change: Partial<Service> = {}): Service =>
  ({
    status: "alive",
    sinceMs: Date.now(),
    lastMs: Date.now(),
    nextInSeconds: 3_600,
    graceSeconds: 5,
    graceIsOwn: false,
    remindEverySeconds: 0,
    targets: [HOOK],
    ...change,
  }) as Service;

async function die(service: string): Promise<void> {
  await monitorOf(service).pulse(MINUTELY);
  expect(await runAlarm(service)).toBe(true);
}

describe("a service that is dead here, and comes from elsewhere alive", () => {
  it("is told to be back, once, where its death was told", async () => {
    const received = interceptProviders(accept);
    await die("back");
    advance(60_000);
    const state = heardElsewhere();
    expect(await monitorOf("back").adopt(state, undefined)).toBe(true);
    expect(await monitorOf("back").adopt(state, undefined)).toBe(false);
    await runAlarm("back", Date.now() + 60_000);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive"]);
    expect(await monitorOf("back").snapshot()).toMatchObject({ status: "alive", nextIn: 3_600 });
  });

  it("is not told dead any more where that is still owed", async () => {
    let isDown = true;
    const received = interceptProviders(() => (isDown ? new Response("no", { status: 500 }) : accept()));
    await die("owed");
    advance(1_000);
    await monitorOf("owed").adopt(heardElsewhere(), undefined);
    isDown = false;
    const before = received.length;
    await runAlarm("owed", Date.now() + 3_600_000);
    expect(received.slice(before).filter(({ body }) => body.kind === "dead")).toEqual([]);
    expect((await deliveryLog("owed")).filter(({ kind, state }) => kind === "dead" && state !== "dropped")).toEqual([]);
  });
});

describe("a service that was cancelled elsewhere", () => {
  it("is not told dead any more", async () => {
    const received = interceptProviders(() => new Response("no", { status: 500 }));
    await die("cancelled");
    advance(1_000);
    const lastMs = Date.now() - 500;
    await monitorOf("cancelled").adopt(heardElsewhere({ status: "cancelled", lastMs }), undefined);
    const before = received.length;
    await settle("cancelled");
    expect(received).toHaveLength(before);
  });
});

describe("what is older than what was heard here", () => {
  it("changes nothing", async () => {
    interceptProviders(accept);
    const older = heardElsewhere();
    advance(1_000);
    await monitorOf("heard").pulse(MINUTELY);
    expect(await monitorOf("heard").adopt(older, undefined)).toBe(false);
    expect(await monitorOf("heard").snapshot()).toMatchObject({ nextIn: 60 });
  });
});

describe("the pulse key of a service", () => {
  const byKey = (version: number) => monitorOf("device").pulseByKey(version, { nextInSeconds: 60 });

  it("comes along, also by itself; one that was revoked here since stays revoked", async () => {
    interceptProviders(accept);
    const state = heardElsewhere();
    await monitorOf("device").adopt(state, { version: 7, maxNextInSeconds: 3_600 });
    expect(await byKey(7)).toHaveProperty("done");
    expect(await monitorOf("device").adopt(state, { version: 8, maxNextInSeconds: 3_600 })).toBe(true);
    expect(await byKey(7)).toHaveProperty("refused");
    expect(await byKey(8)).toHaveProperty("done");
    await monitorOf("device").revokeKey();
    advance(1_000);
    await monitorOf("device").adopt(heardElsewhere(), { version: 8, maxNextInSeconds: 3_600 });
    expect(await byKey(8)).toHaveProperty("refused");
  });
});
