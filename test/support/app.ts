import { listDurableObjectIds } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { type call, PASSWORD } from "./client.ts";

/** What the Worker answered. */
export type Answer = Awaited<ReturnType<typeof call>>;

/**
 * Asks the Worker with these headers alone: there is no password among them unless they have one.
 * @param variables others than those that the tests are configured with, if any
 */
export async function visit(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  variables?: Variables,
): Promise<Answer> {
  const request = new Request(`https://tower.example${path}`, { method, headers, redirect: "manual" });
  return read(variables ? await fetchWith(variables, request) : await exports.default.fetch(request));
}

/** Calls the app under other variables than those that the tests are configured with. */
export async function callWith(
  variables: Variables,
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string>; raw?: BodyInit } = {},
): Promise<Answer> {
  const init: RequestInit = { method, headers: { password: PASSWORD, ...options.headers } };
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  if (body !== undefined) init.body = body;
  return read(await fetchWith(variables, new Request(`https://tower.example${path}`, init)));
}

type Variables = { [name in keyof Env]?: Env[name] | undefined };

async function fetchWith(variables: Variables, request: Request): Promise<Response> {
  return createApp().fetch(request, { ...env, ...variables } as Env);
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

/** Makes D1 refuse every query, as the real one does: when a statement is run. */
export function refuseQueries(): void {
  const refuse = async () => {
    throw new Error("D1_ERROR: secret detail");
  };
  const statement = { bind: () => statement, run: refuse, all: refuse, raw: refuse, first: refuse };
  vi.spyOn(env.DB, "prepare").mockReturnValue(statement as unknown as D1PreparedStatement);
}

/** How much is stored: rows of each table, and objects. A refused request must not change it. */
export async function countStored(): Promise<Record<string, number>> {
  const counts = await env.DB.prepare(
    "select (select count(*) from services) as services, (select count(*) from events) as events, (select count(*) from alerts) as alerts, (select count(*) from transitions) as transitions",
  ).first<Record<string, number>>();
  return { ...counts, objects: (await listDurableObjectIds(env.SERVICE_MONITOR)).length };
}

/** A value as the name of a test has it: not all of it, where it is long. */
export function shown(value: unknown): string {
  const text = value === undefined ? "undefined" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 60).toWellFormed()}… (${text.length} characters)` : text;
}

/** Cases for `it.each`, with the last value of each shown in the middle, shortly. */
export function titled<A, B>(cases: [A, B][]): [A, string, B][] {
  return cases.map(([what, value]) => [what, shown(value), value]);
}
