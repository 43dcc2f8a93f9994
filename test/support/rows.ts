import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { AlertRecord } from "../../src/domain/alert.ts";
import type { Event } from "../../src/domain/event.ts";
import type { TransitionRecord } from "../../src/domain/record.ts";
import type { Snapshot } from "../../src/domain/snapshot.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { upsertAlerts } from "../../src/storage/alert-log.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { upsertServices } from "../../src/storage/directory.ts";
import { insertEvents } from "../../src/storage/event-log.ts";
import { insertTransitions } from "../../src/storage/transition-log.ts";
import { meterD1 } from "./meter.ts";

/** A row of the directory, as told. */
export function snapshot(service: string, fields: Partial<Snapshot> = {}): Snapshot {
  return {
    service,
    status: "alive",
    since: 1_000_000,
    last: 1_000_600,
    nextIn: 60,
    grace: 5,
    graceIsOwn: false,
    remindEvery: 0,
    targets: [{ type: "webhook", target: "https://hooks.example/a" }],
    revision: 1,
    asOf: 1_000_601,
    ...fields,
  };
}

/** Puts rows into the directory. */
export async function storeServices(...rows: Snapshot[]): Promise<void> {
  await upsertServices(openDatabase(env.DB), rows);
}

/** An event of a moment, as told. */
export function event(atMs: number, fields: Partial<Event> = {}): Event {
  return { id: ulid(atMs), service: "a", level: 1, message: "hello", alert: false, ...fields };
}

/** Puts events into the log. */
export async function storeEvents(...rows: Event[]): Promise<void> {
  await insertEvents(openDatabase(env.DB), rows);
}

/** The rows of a query. */
export async function query<T = Record<string, unknown>>(sql: string, ...bindings: unknown[]): Promise<T[]> {
  const { results } = await env.DB.prepare(sql)
    .bind(...bindings)
    .all<T>();
  return results;
}

/** An alert of a moment in the delivery log, as told. */
export function alertRecord(
  atMs: number,
  { alert, ...fields }: Partial<Omit<AlertRecord, "alert">> & { alert?: Partial<AlertRecord["alert"]> } = {},
): AlertRecord {
  const told = {
    id: ulid(atMs),
    kind: "dead" as const,
    service: "a",
    dateMs: atMs,
    title: "It died",
    message: "Since",
  };
  const target = { type: "webhook", target: "https://hooks.example/a" };
  return { alert: { ...told, ...alert }, target, state: "delivered", attempts: 1, ...fields };
}

/** Puts alerts into the delivery log. */
export async function storeAlerts(...records: AlertRecord[]): Promise<void> {
  await upsertAlerts(openDatabase(env.DB), records);
}

/** Puts transitions into the log. */
export async function storeTransitions(...records: TransitionRecord[]): Promise<void> {
  await insertTransitions(openDatabase(env.DB), records);
}

/** How SQLite goes about the queries that some work makes, one line each. */
export async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
  const prepare = vi.spyOn(env.DB, "prepare");
  await work();
  const queries = prepare.mock.calls.map(([sql]) => sql);
  prepare.mockRestore();
  return Promise.all(
    queries.map(async (sql) => {
      const bindings = [...sql.matchAll(/\?/g)].map(() => "");
      const steps = await query<{ detail: string }>(`explain query plan ${sql}`, ...bindings);
      return steps.map(({ detail }) => detail).join("; ");
    }),
  );
}

/** How many rows D1 reads for each query of some work. */
export async function rowsReadBy(work: () => Promise<unknown>): Promise<number[]> {
  const meter = meterD1();
  try {
    await work();
    return meter.queries.map(({ rowsRead }) => rowsRead);
  } finally {
    meter.stop();
  }
}
