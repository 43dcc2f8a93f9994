import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { call } from "../support/client.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  alarmOf,
  breakD1,
  DEADLINE_MS,
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

const pulse = (service: string) =>
  call("POST", "/", { body: { service, nextIn: 60, alertType: HOOK.type, alertTarget: HOOK.target } });

describe("while D1 refuses every query", () => {
  it("pulses are acknowledged, deaths and revivals told, and the rows catch up when D1 is back", async () => {
    const received = interceptProviders(accept);
    const mend = breakD1();
    expect((await pulse("outage")).status).toBe(200);
    // The alarm is the retry of the owed row first, and in the end the death.
    while (received.length === 0) expect(await runAlarm("outage")).toBe(true);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
    advance(10 * MINUTE_MS);
    expect((await pulse("outage")).status).toBe(200);
    while (received.length === 1) expect(await runAlarm("outage")).toBe(true);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive"]);
    mend();
    expect(await rowOf("outage")).toBeNull();
    await monitorOf("outage").cancel();
    await settle("outage");
    expect(await rowOf("outage")).toMatchObject({ status: "cancelled" });
    expect((await eventsOf("outage")).map(({ level }) => level)).toEqual([4, 2]);
    expect(await deliveryLog("outage")).toMatchObject([
      { kind: "dead", state: "delivered", attempts: 1 },
      { kind: "alive", state: "delivered", attempts: 1 },
    ]);
    expect(await alarmOf("outage")).toBeGreaterThan(Date.now() + 20 * 86_400_000);
  });

  it("asks D1 again with growing pauses of at most ten minutes", async () => {
    interceptProviders(accept);
    breakD1();
    await monitorOf("patient").pulse({ ...MINUTELY, nextInSeconds: 86_400 });
    const times: number[] = [];
    for (let i = 0; i < 14; i++) {
      await runAlarm("patient");
      times.push(Date.now());
    }
    const pauses = times.slice(1).map((ms, i) => ms - (times[i] ?? 0));
    for (let i = 1; i < pauses.length; i++) expect(pauses[i]).toBeGreaterThanOrEqual(pauses[i - 1] as number);
    expect(pauses.at(-1)).toBe(10 * MINUTE_MS);
  });

  it("an event with an alert is acknowledged, told, and stored later", async () => {
    const received = interceptProviders(accept);
    const mend = breakD1();
    const { status, body } = await call("POST", "/event", {
      body: { service: "urgent", message: "fire", alert: true },
    });
    expect(status).toBe(200);
    while (received.length === 0) expect(await runAlarm("urgent")).toBe(true);
    mend();
    await settle("urgent");
    expect(await eventsOf("urgent")).toEqual([{ level: 0, message: "fire" }]);
    expect(body.id).toMatch(/^[0-9A-Z]{26}$/);
  });

  it("a plain event is queued, and its message is not logged", async () => {
    const logged = (["log", "warn", "error"] as const).map((method) => vi.spyOn(console, method));
    const mend = breakD1();
    const { status, body } = await call("POST", "/event", { body: { service: "plain", message: "lost?" } });
    mend();
    expect(status).toBe(200);
    expect(body).toEqual({ result: 200, id: expect.any(String), queued: true });
    const lines = logged.flatMap(({ mock }) => mock.calls.flat()).join("\n");
    expect(lines).toContain("overloaded");
    expect(lines).not.toContain("lost?");
  });

  it("a list is refused with a 503", async () => {
    breakD1();
    expect((await call("GET", "/")).status).toBe(503);
    expect((await call("GET", "/events")).status).toBe(503);
  });
});

describe("a row that D1 refuses for itself", () => {
  it("is parked after five refusals, and doesn't block what came after it", async () => {
    interceptProviders(accept);
    const service = "poisoned";
    const event = (message: string) => ({ id: ulid(Date.now()), service, level: 1, message, alert: true });
    const parked = vi.spyOn(console, "error");
    const refused = vi.spyOn(env.DB, "batch").mockImplementation(async () => {
      throw new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG");
    });
    await monitorOf(service).alert(event("poison"));
    for (let i = 0; parked.mock.calls.flat().every((line) => !String(line).includes("d1.parked")); i++) {
      expect(i, "it is parked in the end").toBeLessThan(20);
      await runAlarm(service);
    }
    refused.mockRestore();
    await monitorOf(service).alert(event("sound"));
    await settle(service);
    expect((await eventsOf(service)).map(({ message }) => message)).toContain("sound");
    expect((await eventsOf(service)).map(({ message }) => message)).not.toContain("poison");
  });
});

describe("a deadline that passes while D1 is slow", () => {
  it("is told in time", async () => {
    const received = interceptProviders(accept);
    await monitorOf("in time").pulse(MINUTELY);
    const diesMs = Date.now() + DEADLINE_MS;
    breakD1();
    while (received.length === 0) expect(await runAlarm("in time")).toBe(true);
    expect(received[0]?.atMs).toBe(diesMs);
  });
});
