import { afterEach, describe, expect, it, vi } from "vitest";
import { version } from "../../package.json";
import { callWith, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

describe("GET /hello", () => {
  it("says what time it is, which version this is, and which searches are offered", async () => {
    const { status, body } = await call("GET", "/hello");
    expect(status).toBe(200);
    expect(body).toEqual({ result: 200, world: START_MS / 1_000, version, eventsPresets: [] });
  });

  it("has the date for people, in the configured time zone", async () => {
    expect((await call("GET", "/hello?humanDates=1")).body.world).toBe("2040-01-01 12:00:00");
    const kolkata = await callWith({ TIMEZONE: "Asia/Kolkata" }, "GET", "/hello?humanDates=1");
    expect(kolkata.body.world).toBe("2040-01-01 17:30:00");
  });

  it("has the configured searches", async () => {
    const EVENTS_PRESETS = '[{"name":"disks","service":"backup","message":"disk"},{"name":"all"}]';
    const { body } = await callWith({ EVENTS_PRESETS }, "GET", "/hello");
    expect(body.eventsPresets).toEqual([
      { name: "disks", service: "backup", message: "disk" },
      { name: "all", service: "", message: "" },
    ]);
  });

  it("warns of variables that make no sense", async () => {
    const log = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { status, body } = await callWith(
      { TIMEZONE: "Mars/Olympus", GRACE_SECONDS: "-1" },
      "GET",
      "/hello?humanDates=1",
    );
    expect(status).toBe(200);
    expect(body.world).toBe("2040-01-01 12:00:00");
    expect(body.warnings).toEqual(
      [expect.stringContaining("GRACE_SECONDS"), expect.stringContaining("TIMEZONE")].sort(),
    );
    expect(log).toHaveBeenCalledTimes(2);
  });
});

describe("GET /health", () => {
  it("is open to everyone, and well when the database answers", async () => {
    const { status, body } = await visit("GET", "/health");
    expect(status).toBe(200);
    expect(body).toEqual({ result: 200 });
    expect((await call("GET", "/health")).status).toBe(200);
  });
});

describe("GET /pings", () => {
  it("has none yet", async () => {
    const { status, body } = await call("GET", "/pings");
    expect(status).toBe(200);
    expect(body).toEqual({ result: 200, pings: [] });
  });
});
