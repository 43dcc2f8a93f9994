import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { Pulse, Target } from "../../src/domain/service.ts";
import { DAY_MS } from "../../src/domain/time.ts";

/** A target that only exists in tests. */
export const HOOK: Target = { type: "webhook", target: "https://hooks.example/a" };

/** The default target of the Worker under test. */
export const DEFAULT_HOOK = "https://default.example/hook";

/** A pulse that promises the next one within a minute; the grace is 5 s by configuration. */
export const MINUTELY: Pulse = { nextInSeconds: 60, target: HOOK };

/** A minute's promise and its grace. */
export const DEADLINE_MS = 65_000;

/** The object of a service. */
export function monitorOf(service: string) {
  return env.SERVICE_MONITOR.getByName(service);
}

/** When the object will wake up by itself; null for never. */
export function alarmOf(service: string): Promise<number | null> {
  return runInDurableObject(monitorOf(service), (_, state) => state.storage.getAlarm());
}

/**
 * Moves the clock to the object's alarm and lets it run; returns whether there was one.
 * @param beforeMs an alarm that is set for later is left alone
 */
export async function runAlarm(service: string, beforeMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  const alarmMs = await alarmOf(service);
  if (alarmMs === null || alarmMs >= beforeMs) return false;
  vi.setSystemTime(Math.max(alarmMs, Date.now()));
  return runDurableObjectAlarm(monitorOf(service));
}

/** Runs alarms until nothing more happens within a week and a day: a cancelled service is forgotten only later. */
export async function settle(service: string): Promise<void> {
  while (await runAlarm(service, Date.now() + 8 * DAY_MS));
}

/** One message that a provider received. */
export interface Received {
  url: string;
  // biome-ignore lint/suspicious/noExplicitAny: what arrives is looked at, not trusted.
  body: any;
  atMs: number;
}

/**
 * Stands in for all providers: records what arrives, and answers as told.
 * @param answer what to answer to the n-th message, counted from 0
 * @param outputGate what the platform makes a message wait for: that all which was written before it is stored
 */
export function interceptProviders(
  answer: (message: Received, index: number) => Response | Promise<Response>,
  outputGate?: () => Promise<void>,
): Received[] {
  const received: Received[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const message = { url: String(input), body: JSON.parse(String(init?.body)), atMs: Date.now() };
    if (outputGate) await outputGate();
    received.push(message);
    return answer(message, received.length - 1);
  });
  return received;
}

/** A provider that takes everything. */
export const accept = () => new Response("ok");

/** How a delivery stands in D1's log, oldest first. */
export async function deliveryLog(service: string) {
  const { results } = await env.DB.prepare(
    "select kind, alert_target as target, state, attempts, last_answer as answer from alerts where service = ? order by date, kind desc, id",
  )
    .bind(service)
    .all<{ kind: string; target: string; state: string; attempts: number; answer: string | null }>();
  return results;
}

/** The events of a service, oldest first. */
export async function eventsOf(service: string) {
  const { results } = await env.DB.prepare("select level, message from events where service = ? order by id")
    .bind(service)
    .all<{ level: number; message: string }>();
  return results;
}

/** A service's row in D1's directory. */
export function rowOf(service: string) {
  return env.DB.prepare("select * from services where service = ?").bind(service).first<Record<string, unknown>>();
}

/** The history of a service in D1, oldest first. */
export async function historyOf(service: string): Promise<string[]> {
  const { results } = await env.DB.prepare("select status from transitions where service = ? order by id")
    .bind(service)
    .all<{ status: string }>();
  return results.map(({ status }) => status);
}

/** Makes D1 refuse every query, as the real one does: when a statement is run. Returns what mends it. */
export function breakD1(): () => void {
  const refuse = async () => {
    throw new Error("D1_ERROR: D1 DB is overloaded. Too many requests queued.");
  };
  const statement = { bind: () => statement, run: refuse, all: refuse, raw: refuse, first: refuse };
  const spies = [
    vi.spyOn(env.DB, "prepare").mockReturnValue(statement as unknown as D1PreparedStatement),
    vi.spyOn(env.DB, "batch").mockImplementation(refuse),
  ];
  return () => {
    for (const spy of spies) spy.mockRestore();
  };
}

/** What an object keeps: nothing is left of one that was forgotten. */
export function storedIn(service: string) {
  return runInDurableObject(monitorOf(service), async (_, { storage }) => ({
    keys: [...storage.kv.list()].map(([key]) => key),
    tables: [...storage.sql.exec("select name from sqlite_master where name not like '\\_cf\\_%' escape '\\'")].map(
      ({ name }) => name,
    ),
    alarm: await storage.getAlarm(),
  }));
}

/** What {@link storedIn} finds where nothing is kept. */
export const NOTHING = { keys: [], tables: [], alarm: null };
