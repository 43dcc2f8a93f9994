import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { configOf, type Env } from "../../src/config.ts";
import { callWith, expectRefusal, titled } from "../support/app.ts";
import { call } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";
import { issue, pulse } from "../support/keys.ts";
import { monitorOf } from "../support/monitor.ts";

useTestClock();

describe("a key that is asked for", () => {
  it.each(
    titled([
      ["maxNextIn", { service: "a" }],
      ["maxNextIn", { service: "a", maxNextIn: 0 }],
      ["maxNextIn", { service: "a", maxNextIn: 31_622_401 }],
      ["maxNextIn", { service: "a", maxNextIn: "soon" }],
      ["service", { maxNextIn: 60 }],
      ["service", { service: "", maxNextIn: 60 }],
      ["service", { service: 5, maxNextIn: 60 }],
    ]),
  )("is refused for its %s: %s", async (field, _, body) => {
    expectRefusal(await call("POST", "/key", { body }), 400, `${field} must be`);
  });

  it("is not there without a secret to sign it with", async () => {
    for (const PULSE_KEY_SECRET of [undefined, "", "too short"]) {
      const answer = await callWith({ PULSE_KEY_SECRET }, "POST", "/key", { body: { service: "a", maxNextIn: 60 } });
      expectRefusal(answer, 503, "PULSE_KEY_SECRET is not set");
      expect(answer.body.code).toBe("not_configured");
    }
  });

  it("is not given out where it can't be stored, and the one before counts", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(console, "log").mockReturnValue();
    const service = "full disk";
    const key = await issue(service);
    await runInDurableObject(monitorOf(service), (_, { storage }) => {
      vi.spyOn(storage.kv, "put").mockImplementation(() => {
        throw new Error("database or disk is full: SQLITE_FULL");
      });
    });
    expectRefusal(await call("POST", "/key", { body: { service, maxNextIn: 120 } }), 503, "object can't be reached");
    expectRefusal(await pulse(key, { service, nextIn: 61 }), 400, "at most 60");
  });
});

describe("what a key is used for", () => {
  it("promises no more than it may, and says how much that is", async () => {
    const key = await issue("bounded", 600);
    expect((await pulse(key, { service: "bounded", nextIn: 600 })).status).toBe(200);
    expectRefusal(
      await pulse(key, { service: "bounded", nextIn: 601 }),
      400,
      "nextIn must be at most 600 with this pulse key.",
    );
  });

  it("needs a default target for the first pulse", async () => {
    const key = await issue("nowhere to go");
    const variables = { DEFAULT_ALERT_TYPE: undefined, DEFAULT_ALERT_TARGET: undefined };
    await runInDurableObject(monitorOf("nowhere to go"), async (instance) => {
      const config = configOf((instance as unknown as { env: Env }).env);
      const { defaultTarget } = config;
      config.defaultTarget = undefined;
      const body = { service: "nowhere to go", nextIn: 60 };
      const answer = await callWith(variables, "POST", "/", { body, headers: { password: key } });
      config.defaultTarget = defaultTarget;
      expectRefusal(answer, 400, "no default alert is configured");
    });
  });

  it("is checked as a pulse is", async () => {
    const key = await issue("checked");
    const service = "checked";
    expectRefusal(await pulse(key, { service, nextIn: 0 }), 400, "nextIn must be");
    expectRefusal(await pulse(key, { service, alertType: "webhook" }), 400, "given together");
    expectRefusal(await call("POST", "/", { raw: "{", headers: { password: key } }), 400, "JSON");
  });
});
