import { listDurableObjectIds } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { type call, PASSWORD } from "./client.ts";

/** What the Worker answered. */
export type Answer = Awaited<ReturnType<typeof call>>;

/** Asks the Worker with these headers alone: there is no password among them unless they have one. */
export async function visit(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const request = new Request(`https://tower.example${path}`, { method, headers, redirect: "manual" });
  return read(await exports.default.fetch(request));
}

/** Calls the app under other variables than those that the tests are configured with. */
export async function callWith(
  variables: Partial<Env>,
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const init: RequestInit = { method, headers: { password: PASSWORD, ...options.headers } };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  const request = new Request(`https://tower.example${path}`, init);
  return read(await createApp().fetch(request, { ...env, ...variables }));
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = text !== "" && (response.headers.get("content-type")?.startsWith("application/json") ?? false);
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** Expects the error envelope: the status twice, and one sentence that names what is wrong. */
export function expectRefusal(answer: Answer, status: number, hint: string | RegExp, what = ""): void {
  expect(answer.status, `${what} ${JSON.stringify(answer.body)}`).toBe(status);
  expect(answer.body, what).toEqual({
    result: status,
    code: expect.any(String),
    hint: typeof hint === "string" ? expect.stringContaining(hint) : expect.stringMatching(hint),
  });
}

/** How much is stored: rows of each table, and objects. A refused request must not change it. */
export async function countStored(): Promise<Record<string, number>> {
  const counts = await env.DB.prepare(
    "select (select count(*) from services) as services, (select count(*) from events) as events, (select count(*) from alerts) as alerts",
  ).first<Record<string, number>>();
  return { ...counts, objects: (await listDurableObjectIds(env.SERVICE_MONITOR)).length };
}
