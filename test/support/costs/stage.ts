import { env, exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { Pulse, Target } from "../../../src/domain/service.ts";
import { REFRESH_SECONDS, refreshPhaseSeconds } from "../../../src/domain/snapshot.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";
import { lowestUlid, ulids } from "../../../src/domain/ulid.ts";
import { ruleBook } from "../../../src/monitor/rule-book.ts";
import { call, PASSWORD } from "../client.ts";
import { advance, START_MS } from "../clock.ts";
import { Visitor } from "../gui.ts";
import { type Cost, costOf } from "../meter.ts";
import { accept, HOOK, interceptProviders, MINUTELY, monitorOf, runAlarm } from "../monitor.ts";
import {
  alertRecord,
  event,
  query,
  snapshot,
  storeAlerts,
  storeEvents,
  storeServices,
  storeTransitions,
} from "../rows.ts";
import { EventReader } from "../sse.ts";

const NOW = START_MS / SECOND_MS;

/** The most further targets that a service may have. */
export const FURTHER: Target[] = Array.from({ length: 10 }, (_, i) => ({
  type: "webhook",
  target: `https://hooks.example/${i}`,
}));
/** A pulse with as many targets as there may be. */
export const ELEVEN: Pulse = { ...MINUTELY, furtherTargets: FURTHER };
/** A provider that takes nothing. */
export const fail = () => new Response("no", { status: 500 });

/** Providers that answer one after the other, so that what comes of each goes to D1 by itself. */
export function inTurn(answer: () => Response) {
  let last: Promise<unknown> = Promise.resolve();
  return async () => {
    const turn = last.then(() => new Promise((resolve) => setTimeout(resolve, 60)));
    last = turn;
    await turn;
    return answer();
  };
}

let names = 0;
/** The name of a service that there was not before. */
export const newName = () => `service ${++names}`;

const bodyOf = (service: string, fields: object = {}) => ({
  service,
  nextIn: 60,
  alertType: HOOK.type,
  alertTarget: HOOK.target,
  ...fields,
});

/** What a request costs that is answered as expected. */
export function ofRequest(
  method: string,
  path: string,
  {
    body,
    services = [],
    rules = [],
    status = 200,
  }: { body?: object; services?: string[]; rules?: string[]; status?: number } = {},
): Promise<Cost> {
  return costOf(
    async () => {
      const answer = await call(method, path, body ? { body } : {});
      expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    },
    { services, rules },
  );
}

/** What a tail costs that goes on where so many events have come since. */
export function ofTail(count: number): Promise<Cost> {
  const headers = { password: PASSWORD, "last-event-id": lowestUlid(START_MS - DAY_MS) };
  return costOf(async () => {
    const answer = await exports.default.fetch(new Request("https://tower.example/events/tail", { headers }));
    const reader = new EventReader();
    reader.open(answer.body as ReadableStream<Uint8Array>);
    await reader.read();
    if (count === 0) await reader.read();
    await reader.readEvents(count);
    await reader.close();
    expect(reader.events).toHaveLength(count);
  });
}

/** What a page of the web interface costs. */
export async function ofPage(path: string, services: string[] = []): Promise<Cost> {
  vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
  const visitor = await Visitor.loggedIn();
  return costOf(
    async () => {
      const { status, text } = await visitor.open(path);
      expect(status, text).toBe(200);
    },
    { services },
  );
}

/** What a pulse costs. */
export const ofPulse = (service: string, fields: object = {}) =>
  ofRequest("POST", "/", { body: bodyOf(service, fields), services: [service] });

/** What the next alarm of a service costs. */
export const ofAlarm = (service: string) =>
  costOf(async () => expect(await runAlarm(service)).toBe(true), { services: [service], isAlarm: true });

/** Moves the clock so that the service's refresh period is `seconds` old. */
export function intoPeriod(service: string, seconds: number): void {
  const phase = refreshPhaseSeconds(service);
  const period = Math.ceil((NOW + phase) / REFRESH_SECONDS);
  vi.setSystemTime((period * REFRESH_SECONDS - phase + seconds) * SECOND_MS);
}

export async function born(said: Pulse = MINUTELY, service = newName()): Promise<string> {
  intoPeriod(service, 60);
  await monitorOf(service).pulse(said);
  advance(30 * SECOND_MS);
  return service;
}

/** A service whose death everybody has been told of. */
export async function died(said: Pulse = MINUTELY): Promise<string> {
  interceptProviders(accept);
  const service = await born(said);
  await runAlarm(service);
  advance(MINUTE_MS);
  return service;
}

/** A service whose death nobody could be told of yet. */
export async function diedUnheard(said: Pulse): Promise<string> {
  interceptProviders(fail);
  const service = await born(said);
  await runAlarm(service);
  return service;
}

/** Services in the directory alone, as old as told. */
export async function listed(count: number, fields: Parameters<typeof snapshot>[1] = {}): Promise<string[]> {
  const all = Array.from({ length: count }, (_, i) => `listed ${String(i).padStart(5, "0")}`);
  for (let i = 0; i < count; i += 1_000) {
    const rows = all.slice(i, i + 1_000).map((name) => snapshot(name, { last: NOW - 30, asOf: NOW - 30, ...fields }));
    await storeServices(...rows);
  }
  return all;
}

/** As many services whose rows are overdue; those that a list will ask are alive at their objects. */
export async function overdue(count: number): Promise<string[]> {
  const asked = Array.from({ length: Math.min(count, 50) }, newName);
  vi.setSystemTime(START_MS - 10 * SECOND_MS);
  await Promise.all(asked.map((name) => monitorOf(name).pulse(MINUTELY)));
  await listed(count - asked.length, { last: NOW - 100 });
  await query("update services set last = last - 600 where service like 'service %'");
  vi.setSystemTime(START_MS);
  return asked;
}

/** Events of the last day, oldest first. */
export async function happened(count: number, fields: Parameters<typeof event>[1] = {}): Promise<void> {
  const ids = ulids(START_MS - HOUR_MS, count);
  for (let i = 0; i < count; i += 5_000) {
    await storeEvents(...ids.slice(i, i + 5_000).map((id) => event(0, { id, ...fields })));
  }
}

/** Deaths and returns of the last hour. */
export async function changed(count: number, service = "restless"): Promise<void> {
  const ids = ulids(START_MS - HOUR_MS, count);
  const [lastMs, expectedMs] = [START_MS - HOUR_MS, START_MS - HOUR_MS];
  const records = ids.map((id, i) => ({
    ...{ id, service, status: i % 2 ? ("alive" as const) : ("dead" as const) },
    ...{ lastMs, expectedMs },
  }));
  for (let i = 0; i < count; i += 5_000) await storeTransitions(...records.slice(i, i + 5_000));
}

export async function told(count: number, service = "a"): Promise<void> {
  const ids = ulids(START_MS - HOUR_MS, count);
  for (let i = 0; i < count; i += 1_000) {
    await storeAlerts(...ids.slice(i, i + 1_000).map((id) => alertRecord(0, { alert: { id, service } })));
  }
}

/** Rules, which this isolate knows. */
export async function ruled(count: number, fields: object): Promise<string[]> {
  const rules = Array.from({ length: count }, () => `rule ${newName()}`);
  for (const name of rules) {
    const answer = await call("PUT", `/rules/${encodeURIComponent(name)}`, { body: fields });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  }
  await ruleBook.tell(env, []);
  return rules;
}
