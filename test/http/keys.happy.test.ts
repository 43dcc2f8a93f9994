import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { issue, pulse } from "../support/keys.ts";
import { DEFAULT_HOOK } from "../support/monitor.ts";

useTestClock();

const TARGET = { alertType: "mail", alertTarget: "ann@example.com" };
const ALL = {
  ...TARGET,
  alerts: [{ type: "webhook", target: "https://hooks.example/secret" }],
  grace: 30,
  remindEvery: 3_600,
  pauseUntil: START_MS / 1_000 + 600,
};

/** Asks with these headers alone. */
async function ask(headers: Record<string, string>, method: string, path: string, body: object) {
  const init = { method, headers, body: JSON.stringify(body) };
  return (await exports.default.fetch(new Request(`https://tower.example${path}`, init))).json();
}

describe("a key", () => {
  it("is given out for a service, in letters that need no quotes", async () => {
    const { status, body } = await call("POST", "/key", { body: { service: "a/b 🦊", maxNextIn: "90.5" } });
    expect(status).toBe(200);
    expect(body).toEqual({ result: 200, service: "a/b 🦊", key: expect.any(String), maxNextIn: 91 });
    expect(body.key).toMatch(/^wtk1\.[\w-]+\.\d{13}\.[\w-]{43}$/);
  });

  it.each<[string, (key: string) => Record<string, string>]>([
    ["as a header", (key) => ({ password: key })],
    ["as a bearer token", (key) => ({ authorization: `Bearer ${key}` })],
    ["by Basic authentication", (key) => ({ authorization: `Basic ${btoa(`device:${key}`)}` })],
  ])("pulses and cancels, %s", async (way, headersOf) => {
    const service = `device ${way}`;
    const key = await issue(service);
    for (const path of ["/", "/heartbeat"]) {
      expect(await ask(headersOf(key), "POST", path, { service, nextIn: 60 }), path).toMatchObject({
        result: 200,
        action: "pulse",
        heartBeat: { service, status: "alive", nextIn: 60 },
      });
      expect(await ask(headersOf(key), "DELETE", path, { service }), path).toMatchObject({
        result: 200,
        action: "cancel",
        heartBeat: { service, status: "cancelled" },
      });
    }
  });

  it("cancels a service that never pulsed", async () => {
    const key = await issue("unborn");
    const { body } = await call("DELETE", "/", { body: { service: "unborn" }, headers: { password: key } });
    expect(body).toEqual({ result: 200, action: "cancel", heartBeat: "unborn" });
  });

  it("makes a service that alerts the default target, and is told only roughly where that is", async () => {
    const { body } = await pulse(await issue("new"), { service: "new" });
    expect(body.heartBeat).toMatchObject({ alertType: "webhook", alertTarget: "https://default.example/…" });
    expect((await call("GET", "/heartbeat/new")).body.heartBeat.alertTarget).toBe(DEFAULT_HOOK);
  });

  it("leaves everything that is set as it is, whether it says it again or not", async () => {
    await call("POST", "/", { body: { service: "set", nextIn: 60, ...ALL } });
    const key = await issue("set", 90);
    const before = (await call("GET", "/heartbeat/set")).body.heartBeat;
    for (const said of [{}, ALL, { grace: 30 }, { alerts: ALL.alerts }]) {
      const { status, body } = await pulse(key, { service: "set", nextIn: 90, ...said });
      expect(status, JSON.stringify(body)).toBe(200);
      expect((await call("GET", "/heartbeat/set")).body.heartBeat).toEqual({
        ...before,
        nextIn: 90,
        expected: before.last + 90,
      });
    }
  });

  it("is replaced by the next one, and taken away", async () => {
    const service = "replaced";
    const first = await issue(service);
    const second = await issue(service);
    expect((await pulse(first, { service })).status).toBe(403);
    expect((await pulse(second, { service })).status).toBe(200);
    const { body } = await call("DELETE", "/key", { body: { service } });
    expect(body).toEqual({ result: 200, service });
    expect((await pulse(second, { service })).status).toBe(403);
    expect((await call("GET", `/heartbeat/${service}`)).body.heartBeat.status).toBe("alive");
  });

  it("is listed nowhere before the service pulses", async () => {
    await issue("silent");
    expect((await call("GET", "/heartbeat/silent")).status).toBe(404);
    const { heartBeats } = (await call("GET", "/")).body;
    expect(heartBeats.map(({ service }: { service: string }) => service)).not.toContain("silent");
  });
});
