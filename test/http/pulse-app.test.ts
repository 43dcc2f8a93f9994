import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApp, createRoutes } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { PASSWORD } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";
import { issue } from "../support/keys.ts";

useTestClock();
beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

const PULSE = { service: "twice", nextIn: 60 };

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: BodyInit;
  variables?: { [name in keyof Env]?: Env[name] | undefined };
}

async function answerOf(app: { fetch(request: Request, env: Env): Response | Promise<Response> }, sent: Sent) {
  const request = new Request(`https://tower.example${sent.path ?? "/"}`, {
    method: sent.method ?? "POST",
    headers: sent.headers ?? { password: PASSWORD },
    body: sent.body ?? JSON.stringify(PULSE),
  });
  const response = await app.fetch(request, { ...env, ...sent.variables } as unknown as Env);
  return { status: response.status, headers: [...response.headers], body: await response.text() };
}

describe("the app of pulses answers as all routes do", () => {
  it.each<[what: string, sent: Sent, status: number]>([
    ["a pulse", {}, 200],
    ["a pulse by another path", { path: "/heartbeat" }, 200],
    ["one with a query", { path: "/?a=1" }, 200],
    ["one to a path that is none", { path: "/heartbeats" }, 405],
    [
      "a form",
      {
        headers: { password: PASSWORD, "content-type": "application/x-www-form-urlencoded" },
        body: "service=twice&nextIn=60",
      },
      200,
    ],
    ["one without a password", { headers: {} }, 403],
    ["one with a wrong password", { headers: { password: `${PASSWORD}r` } }, 403],
    ["one by a reader", { headers: { password: "only looking" } }, 403],
    ["no JSON", { body: "{" }, 400],
    ["a field that is wrong", { body: JSON.stringify({ ...PULSE, nextIn: 0 }) }, 400],
    ["too much", { body: "x".repeat(600_000) }, 413],
    ["one without a configuration", { variables: { PASSWORD: undefined } }, 503],
    ["a cancel", { method: "DELETE" }, 200],
  ])("%s", async (_, sent, status) => {
    const answer = await answerOf(createApp(), sent);
    expect(answer.status).toBe(status);
    expect(answer).toEqual(await answerOf(createRoutes(), sent));
  });

  it("one by a pulse key, of its service and of another", async () => {
    const headers = { password: await issue("twice") };
    for (const [service, status] of [
      ["twice", 200],
      ["other", 403],
    ] as const) {
      const sent = { headers, body: JSON.stringify({ ...PULSE, service }) };
      const answer = await answerOf(createApp(), sent);
      expect(answer.status).toBe(status);
      expect(answer).toEqual(await answerOf(createRoutes(), sent));
    }
  });
});
