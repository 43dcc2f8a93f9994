import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { toBase64Url, writeKey } from "../../src/domain/pulse-key.ts";
import { signKey } from "../../src/http/pulse-key.ts";
import { callWith, countStored, expectRefusal, visit } from "../support/app.ts";
import { call, PASSWORD_READ } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { issue, pulse } from "../support/keys.ts";
import { monitorOf } from "../support/monitor.ts";

useTestClock();
beforeEach(() => {
  vi.spyOn(console, "log").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
});

const TARGET = { alertType: "mail", alertTarget: "ann@example.com" };

describe("a key opens nothing but a pulse and a cancel", () => {
  it.each([
    ["GET", "/"],
    ["GET", "/heartbeats"],
    ["GET", "/heartbeat/own"],
    ["GET", "/heartbeat?service=own"],
    ["GET", "/get/own"],
    ["GET", "/events"],
    ["GET", "/alerts"],
    ["GET", "/hello"],
    ["GET", "/pings"],
    ["POST", "/event"],
    ["POST", "/add-event"],
    ["POST", "/key"],
    ["DELETE", "/key"],
    ["PUT", "/"],
    ["PATCH", "/heartbeat"],
    ["POST", "/heartbeats"],
    ["POST", "/heartbeat/own"],
    ["DELETE", "/heartbeat/own"],
    ["POST", "//"],
    ["GET", "/nowhere"],
  ])("%s %s", async (method, path) => {
    const key = await issue("own");
    const body = { service: "own", nextIn: 60, message: "x", maxNextIn: 60 };
    const before = await countStored();
    const headers = { password: key };
    const answer = await (method === "GET" ? visit(method, path, headers) : call(method, path, { headers, body }));
    expectRefusal(answer, 403, "A pulse key pulses and cancels its own service");
    expect(await countStored()).toEqual(before);
  });

  it("not to a page of the web interface", async () => {
    const key = await issue("own");
    expect((await visit("GET", "/gui", { password: key })).status).toBe(303);
    const login = new Request("https://tower.example/gui/login", {
      method: "POST",
      body: new URLSearchParams({ password: key }),
      redirect: "manual",
    });
    expect((await exports.default.fetch(login)).headers.get("set-cookie")).toBeNull();
  });

  it("not for another service", async () => {
    const key = await issue("own");
    await call("POST", "/", { body: { service: "other", nextIn: 60, ...TARGET } });
    await issue("other");
    for (const service of ["other", "OWN", "own ", "own/"]) {
      expectRefusal(await pulse(key, { service }), 403, "its own service");
      expectRefusal(
        await call("DELETE", "/", { body: { service }, headers: { password: key } }),
        403,
        "its own service",
      );
    }
    expect((await call("GET", "/heartbeat/other")).body.heartBeat.status).toBe("alive");
  });

  it("not to forget", async () => {
    const key = await issue("own");
    await pulse(key, { service: "own" });
    const body = { service: "own", forget: true };
    expectRefusal(await call("DELETE", "/", { body, headers: { password: key } }), 403, "A pulse key");
    expect((await call("GET", "/heartbeat/own")).body.heartBeat.status).toBe("alive");
  });

  it.each<[string, object]>([
    ["alertTarget", { ...TARGET, alertTarget: "mallory@example.com" }],
    ["alertTarget", { alertType: "webhook", alertTarget: "https://mallory.example/" }],
    ["alerts", { alerts: [{ type: "mail", target: "mallory@example.com" }] }],
    ["grace", { grace: 86_400 }],
    ["remindEvery", { remindEvery: 60 }],
    ["pauseUntil", { pauseUntil: START_MS / 1_000 + 60 }],
  ])("not to change %s: %j", async (field, said) => {
    const service = `kept ${field}`;
    const { heartBeat } = (await call("POST", "/", { body: { service, nextIn: 60, ...TARGET } })).body;
    const key = await issue(service);
    expectRefusal(await pulse(key, { service, ...said }), 403, `${field} must be as it is, or left out`);
    expect((await call("GET", `/heartbeat?service=${service}`)).body.heartBeat).toEqual(heartBeat);
  });
});

describe("a key is only what was given out", () => {
  it.each<[string, (key: string, service: string) => string | Promise<string>]>([
    ["of another version", (key) => key.replace(/\.(\d+)\./, (_, version) => `.${Number(version) + 1}.`)],
    ["of another service", (key, service) => key.replace(toBase64Url(new TextEncoder().encode(service)), "YmFja3Vw")],
    ["with another signature", (key) => key.replace(/.{43}$/, "A".repeat(43))],
    ["without a signature", (key) => key.replace(/[^.]+$/, "")],
    ["of another secret", (_, service) => signKey("another secret of the same length, 32", service, START_MS)],
    ["that is cut", (key) => key.slice(0, -1)],
    ["that is longer", (key) => `${key}A`],
    ["of another kind", (key) => key.replace("wtk1", "wtk2")],
    ["made up", (_, service) => writeKey(service, START_MS, "A".repeat(43))],
  ])("%s is refused, counted as a wrong password, and no object is asked", async (what, forge) => {
    const service = `forged ${what}`;
    const key = await issue(service);
    const forged = await forge(key, service);
    expect(forged).not.toBe(key);
    vi.mocked(env.FAILED_PASSWORDS.limit).mockClear();
    const asked = vi.spyOn(env.SERVICE_MONITOR, "getByName");
    for (const target of [service, "backup"]) {
      expectRefusal(await pulse(forged, { service: target }), 403, /password is missing or wrong|pulse key is wrong/);
    }
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
    expect(env.FAILED_PASSWORDS.limit).toHaveBeenCalledTimes(2);
    expect((await pulse(key, { service })).status).toBe(200);
  });

  it("is refused before its body is read", async () => {
    const body = { raw: new Uint8Array(600_000), headers: { password: writeKey("a", 1, "A".repeat(43)) } };
    expectRefusal(await call("POST", "/", body), 403, "pulse key is wrong");
  });

  it("is nothing once it was replaced, taken away or forgotten; that is counted as wrong, too, and stores nothing", async () => {
    const service = "over";
    const ends = [
      () => issue(service),
      () => call("DELETE", "/key", { body: { service } }),
      () => call("DELETE", "/", { body: { service, forget: true } }),
    ];
    for (const end of ends) {
      const key = await issue(service);
      await end();
      const before = await countStored();
      vi.mocked(env.FAILED_PASSWORDS.limit).mockClear();
      expectRefusal(await pulse(key, { service }), 403, "wrong, or was revoked");
      expectRefusal(await call("DELETE", "/", { body: { service }, headers: { password: key } }), 403, "was revoked");
      expect(env.FAILED_PASSWORDS.limit).toHaveBeenCalledTimes(2);
      expect(await countStored()).toEqual(before);
    }
    expect(await monitorOf(service).snapshot()).toBeNull();
  });

  it("is nothing where the secret is another, or none", async () => {
    const key = await issue("signed");
    for (const PULSE_KEY_SECRET of [undefined, "another secret of at least 32 characters"]) {
      const options = { body: { service: "signed", nextIn: 60 }, headers: { password: key } };
      expectRefusal(await callWith({ PULSE_KEY_SECRET }, "POST", "/", options), 403, "pulse key is wrong");
    }
  });

  it("is given out and taken away by nobody who only reads", async () => {
    for (const method of ["POST", "DELETE"]) {
      const options = { body: { service: "signed", maxNextIn: 60 }, headers: { password: PASSWORD_READ } };
      expectRefusal(await call(method, "/key", options), 403, "only reads");
    }
  });

  it("is sent by no browser on behalf of another site", async () => {
    const key = await issue("own");
    const headers = { authorization: `Basic ${btoa(`a:${key}`)}`, "sec-fetch-site": "cross-site" };
    expectRefusal(await visit("POST", "/", headers), 403, "password");
  });
});
