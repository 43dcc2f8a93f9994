import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callWith, expectRefusal, refuseQueries } from "../support/app.ts";
import { call, PASSWORD_READ } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";
import { issue } from "../support/keys.ts";
import { query } from "../support/rows.ts";

useTestClock();
beforeEach(() => query("delete from rules"));
afterEach(() => vi.restoreAllMocks());

const GOOD = { q: "disk", alertType: "webhook", alertTarget: "https://hooks.example/a" };

describe("a rule is refused", () => {
  it.each<[string, object, string]>([
    ["without q", {}, "q"],
    ["with an empty q", { ...GOOD, q: "" }, "q"],
    ["with a q that is no text", { ...GOOD, q: 5 }, "q"],
    ["with a NUL in q", { ...GOOD, q: "a\0" }, "q"],
    ["with a q that can't be read", { ...GOOD, q: "(a)" }, "q can't be read at character 1"],
    ["with a q of nothing but blanks", { ...GOOD, q: "  " }, "q can't be read"],
    ["with half a target", { q: "disk", alertType: "webhook" }, "alertType and alertTarget must be given together"],
    ["with a type that there is not", { ...GOOD, alertType: "pigeon" }, "alertType"],
    ["with a private webhook", { ...GOOD, alertTarget: "http://127.0.0.1/" }, "alertTarget"],
    ["with count 0", { ...GOOD, count: 0 }, "count must be an integer from 1 to 1000"],
    ["with count 1,001", { ...GOOD, count: 1_001 }, "count"],
    ["with half a count", { ...GOOD, count: 1.5 }, "count"],
    ["with seconds 0", { ...GOOD, seconds: 0 }, "seconds must be an integer from 1 to 86400"],
    ["with more seconds than a day has", { ...GOOD, seconds: 86_401 }, "seconds"],
    ["with a short quiet time", { ...GOOD, quiet: 59 }, "quiet must be an integer from 60 to 604800"],
    ["with a quiet time of more than a week", { ...GOOD, quiet: 604_801 }, "quiet"],
  ])("%s", async (_, body, hint) => {
    expectRefusal(await call("PUT", "/rules/refused", { body }), 400, hint);
    expect(await query("select name from rules")).toEqual([]);
  });

  it("under a name that is none", async () => {
    const hint = "The rule's name must";
    for (const path of [`/rules/${"x".repeat(201)}`, "/rules/a%00", "/rules/a%0A"]) {
      expectRefusal(await call("PUT", path, { body: GOOD }), 400, hint, path);
      expectRefusal(await call("GET", path), 400, hint, path);
      expectRefusal(await call("DELETE", path), 400, hint, path);
    }
    expectRefusal(await call("GET", "/rules/%FF"), 400, "percent-encoded");
  });

  it("without a target where there is no default one", async () => {
    const variables = { DEFAULT_ALERT_TYPE: undefined, DEFAULT_ALERT_TARGET: undefined };
    expectRefusal(await callWith(variables, "PUT", "/rules/a", { body: { q: "x" } }), 400, "no default alert");
  });
});

describe("who may change rules", () => {
  it("is not who only reads", async () => {
    const headers = { password: PASSWORD_READ };
    expectRefusal(await call("PUT", "/rules/a", { body: GOOD, headers }), 403, "only reads");
    expectRefusal(await call("DELETE", "/rules/a", { headers }), 403, "only reads");
    expect(await query("select name from rules")).toEqual([]);
  });

  it("is no device: a pulse key does not even see them", async () => {
    const headers = { password: await issue("device") };
    for (const [method, path] of [
      ["GET", "/rules"],
      ["GET", "/rules/a"],
      ["PUT", "/rules/a"],
      ["DELETE", "/rules/a"],
    ] as const) {
      expectRefusal(await call(method, path, { body: method === "PUT" ? GOOD : undefined, headers }), 403, "pulse key");
    }
  });

  it("is any origin with the password", async () => {
    const headers = { origin: "https://a.example", "access-control-request-method": "PUT", password: "" };
    const { headers: answered } = await call("OPTIONS", "/rules/a", { headers });
    expect(answered.get("access-control-allow-methods")?.split(",")).toContain("PUT");
  });
});

describe("where D1 fails", () => {
  it("rules can't be read or changed", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(console, "log").mockReturnValue();
    refuseQueries();
    const objects = vi.spyOn(env.RULE_MONITOR, "getByName");
    for (const [method, path] of [
      ["GET", "/rules"],
      ["GET", "/rules/a"],
      ["PUT", "/rules/a"],
      ["DELETE", "/rules/a"],
    ] as const) {
      const answer = await call(method, path, { body: method === "PUT" ? GOOD : undefined });
      expectRefusal(answer, 503, "database");
      expect(answer.headers.get("retry-after")).toBe("10");
    }
    expect(objects).not.toHaveBeenCalled();
  });
});
