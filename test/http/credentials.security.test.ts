import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { callWith, countStored, expectRefusal, visit } from "../support/app.ts";
import { call, PASSWORD, PASSWORD_PREVIOUS, PASSWORD_READ } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();
beforeEach(() => {
  vi.spyOn(console, "log").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
});

const PULSE = { service: "guarded", nextIn: 60, alertType: "mail", alertTarget: "ann@example.com" };
const CHANGES: [method: string, path: string, body: object][] = [
  ["POST", "/", PULSE],
  ["POST", "/heartbeat", PULSE],
  ["DELETE", "/", { service: "guarded" }],
  ["DELETE", "/heartbeat", { service: "guarded", forget: true }],
  ["POST", "/event", { service: "guarded", message: "hello" }],
  ["POST", "/add-event", { service: "guarded", message: "hello", alert: true }],
];

describe("the password that reads", () => {
  it.each(CHANGES)("changes nothing by %s %s", async (method, path, body) => {
    await call("POST", "/", { body: PULSE });
    const before = [await countStored(), (await call("GET", "/heartbeat/guarded")).body.heartBeat.status];
    const answer = await call(method, path, { body, headers: { password: PASSWORD_READ } });
    expectRefusal(answer, 403, "only reads");
    expect(answer.body.code).toBe("forbidden");
    expect([await countStored(), (await call("GET", "/heartbeat/guarded")).body.heartBeat.status]).toEqual(before);
  });

  it.each(["PUT", "PATCH", "DELETE", "POST"])("is refused %s also where there is no such route", async (method) => {
    expectRefusal(await call(method, "/nowhere", { headers: { password: PASSWORD_READ } }), 403, "only reads");
  });

  it("is none where it is one that changes things", async () => {
    for (const [variables, given] of [
      [{ PASSWORD_READ: PASSWORD }, PASSWORD],
      [{ PASSWORD_READ: PASSWORD_PREVIOUS }, PASSWORD_PREVIOUS],
    ] as const) {
      const pulsed = await callWith(variables, "POST", "/", { body: PULSE, headers: { password: given } });
      expect(pulsed.status).toBe(200);
      const { body } = await callWith(variables, "GET", "/hello");
      expect(body.warnings).toEqual([expect.stringMatching(/^PASSWORD_READ must differ/)]);
    }
  });
});

describe("each password", () => {
  it.each([
    ["current", PASSWORD],
    ["previous", PASSWORD_PREVIOUS],
    ["reading", PASSWORD_READ],
  ])("is only right as a whole: %s", async (_, password) => {
    for (const near of [password.slice(0, -1), `${password}x`, password.toUpperCase(), ` ${password}`.repeat(2)]) {
      expectRefusal(await visit("GET", "/hello", { password: near }), 403, "password");
    }
  });

  it("is never in an answer", async () => {
    await call("POST", "/", { body: PULSE });
    for (const password of [PASSWORD, PASSWORD_PREVIOUS, PASSWORD_READ]) {
      for (const path of ["/", "/hello", "/alerts", "/events", "/nowhere"]) {
        const { body } = await call("GET", path, { headers: { password } });
        for (const secret of [PASSWORD, PASSWORD_PREVIOUS, PASSWORD_READ, env.PULSE_KEY_SECRET as string]) {
          expect(JSON.stringify(body)).not.toContain(secret);
        }
      }
    }
  });

  it("is not there where it is empty", async () => {
    for (const empty of ["", " "]) {
      const variables = { PASSWORD_PREVIOUS: empty, PASSWORD_READ: empty };
      expectRefusal(await visit("GET", "/hello", { password: empty }, variables), 403, "password");
      expectRefusal(await visit("GET", "/hello", { authorization: "Bearer " }, variables), 403, "password");
    }
  });
});

describe("wrong passwords", () => {
  const FROM = { "cf-connecting-ip": "203.0.113.9" };
  const guess = (headers: Record<string, string> = { password: "wrong" }) => visit("GET", "/", { ...FROM, ...headers });

  it("are counted by address, whichever way they are given, and no others", async () => {
    const { limit } = env.FAILED_PASSWORDS;
    await guess();
    await guess({ authorization: "Bearer wrong" });
    await guess({ authorization: `Basic ${btoa("ann:wrong")}` });
    expect(vi.mocked(limit).mock.calls).toEqual(Array(3).fill([{ key: "203.0.113.9" }]));
    vi.mocked(limit).mockClear();
    await guess({});
    await visit("GET", "/health", { ...FROM, password: "wrong" });
    for (const password of [PASSWORD, PASSWORD_PREVIOUS, PASSWORD_READ]) await guess({ password });
    await call("POST", "/", { body: PULSE, headers: FROM });
    expect(limit).not.toHaveBeenCalled();
  });

  it("are answered 429 from the 21st in a minute on", async () => {
    vi.mocked(env.FAILED_PASSWORDS.limit).mockRestore();
    const statuses: number[] = [];
    for (let i = 0; i < 21; i++) statuses.push((await guess()).status);
    expect(statuses).toEqual([...Array(20).fill(403), 429]);
    const answer = await guess();
    expectRefusal(answer, 429, "wait for a minute");
    expect(answer.body.code).toBe("too_many_requests");
    expect(answer.headers.get("retry-after")).toBe("60");
    expect((await visit("GET", "/", { password: "wrong", "cf-connecting-ip": "203.0.113.10" })).status).toBe(403);
  });

  it("never keep a right one out: ten pulses a second go through, whatever came from there", async () => {
    vi.mocked(env.FAILED_PASSWORDS.limit).mockRestore();
    for (let i = 0; i < 30; i++) await guess();
    expect((await guess()).status).toBe(429);
    const pulses = Array.from({ length: 100 }, () => call("POST", "/", { body: PULSE, headers: FROM }));
    expect(new Set((await Promise.all(pulses)).map(({ status }) => status))).toEqual(new Set([200]));
  });
});
