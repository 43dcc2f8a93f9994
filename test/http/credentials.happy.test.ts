import { describe, expect, it, vi } from "vitest";
import { IN_A_REQUEST } from "../../src/http/bulk.ts";
import { type Answer, callWith, visit } from "../support/app.ts";
import { call, PASSWORD, PASSWORD_PREVIOUS, PASSWORD_READ } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { alertRecord, snapshot, storeAlerts, storeServices } from "../support/rows.ts";

useTestClock();

const WAYS: [string, (password: string) => Record<string, string>][] = [
  ["as a header", (password) => ({ password })],
  ["as a bearer token", (password) => ({ authorization: `Bearer ${password}` })],
  ["by Basic authentication", (password) => ({ authorization: `Basic ${btoa(`ann:${password}`)}` })],
];
const TARGETS = {
  alertType: "pushover",
  alertTarget: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
  alerts: [
    { type: "mail", target: "ann@example.com, bob@example.com" },
    { type: "webhook", target: "https://hooks.example/T0/secret?token=secret" },
  ],
};
const MASKED = {
  alertType: "pushover",
  alertTarget: "uQi…",
  alerts: [
    { type: "mail", target: "a…@example.com, b…@example.com" },
    { type: "webhook", target: "https://hooks.example/…" },
  ],
};
const asReader = (path: string): Promise<Answer> => call("GET", path, { headers: { password: PASSWORD_READ } });

describe("the previous password", () => {
  it.each(WAYS)("does what the password does, %s", async (_, headersOf) => {
    expect((await visit("GET", "/hello", headersOf(PASSWORD_PREVIOUS))).status).toBe(200);
  });

  it("goes on changing things, when the password is another", async () => {
    const body = { service: "moving", nextIn: 60, ...TARGETS };
    const pulsed = await callWith({ PASSWORD: "the next one", PASSWORD_PREVIOUS: PASSWORD }, "POST", "/", { body });
    expect(pulsed.status).toBe(200);
    expect(pulsed.body.heartBeat).toMatchObject(TARGETS);
  });

  it("is nothing any more once it is taken away", async () => {
    vi.spyOn(console, "log").mockReturnValue();
    const headers = { password: PASSWORD_PREVIOUS };
    expect((await visit("GET", "/hello", headers, { PASSWORD_PREVIOUS: undefined })).status).toBe(403);
    expect((await visit("GET", "/hello", { password: PASSWORD }, { PASSWORD_PREVIOUS: undefined })).status).toBe(200);
  });
});

describe("the password that reads", () => {
  it.each(WAYS)("opens what can be read, %s", async (_, headersOf) => {
    expect((await call("POST", "/", { body: { service: "read", nextIn: 60, ...TARGETS } })).status).toBe(200);
    for (const path of ["/", "/heartbeats", "/heartbeat/read", "/get/read", "/heartbeat?service=read"]) {
      expect((await visit("GET", path, headersOf(PASSWORD_READ))).status, path).toBe(200);
    }
    for (const path of ["/events", "/list-events", "/alerts", "/hello", "/pings"]) {
      expect((await visit("GET", path, headersOf(PASSWORD_READ))).status, path).toBe(200);
      expect((await visit("HEAD", path, headersOf(PASSWORD_READ))).status, path).toBe(200);
    }
  });

  it("sees of services whom they alert by what way, and not where", async () => {
    const { heartBeat } = (await call("POST", "/", { body: { service: "read", nextIn: 60, ...TARGETS } })).body;
    expect(heartBeat).toMatchObject(TARGETS);
    for (const path of ["/heartbeat/read", "/get/read", "/heartbeat?service=read"]) {
      expect((await asReader(path)).body.heartBeat, path).toEqual({ ...heartBeat, ...MASKED });
    }
    for (const path of ["/", "/heartbeats"]) {
      expect((await asReader(path)).body.heartBeats, path).toContainEqual({ ...heartBeat, ...MASKED });
    }
  });

  it("sees no more in a list that is so long that an object makes it", async () => {
    const target = { type: "webhook", target: "https://hooks.example/T0/secret" };
    const names = Array.from({ length: IN_A_REQUEST.services + 1 }, (_, i) => `listed ${i}`);
    const asOf = START_MS / 1_000;
    await storeServices(...names.map((name) => snapshot(name, { targets: [target], last: asOf, asOf })));
    const { heartBeats } = (await asReader("/")).body;
    expect(heartBeats.length).toBeGreaterThan(IN_A_REQUEST.services);
    expect(JSON.stringify(heartBeats)).not.toContain("secret");
    expect(JSON.stringify((await call("GET", "/")).body)).toContain("secret");
  });

  it("sees of alerts what was said and answered, and not where, however the provider repeats it", async () => {
    const target = { type: "webhook", target: "https://hooks.example/T0/secret" };
    await storeAlerts(
      alertRecord(START_MS, { target, lastAnswer: `HTTP 404: Cannot POST /T0/secret of ${target.target}` }),
    );
    const [whole] = (await call("GET", "/alerts")).body.alerts;
    expect(whole).toMatchObject({ alertTarget: target.target, lastAnswer: expect.stringContaining(target.target) });
    expect((await asReader("/alerts")).body.alerts).toEqual([
      {
        ...whole,
        alertTarget: "https://hooks.example/…",
        lastAnswer: "HTTP 404: Cannot POST … of https://hooks.example/…",
      },
    ]);
  });
});
