import { env } from "cloudflare:workers";
import type { Event } from "../../src/domain/event.ts";
import type { Snapshot } from "../../src/domain/snapshot.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { upsertServices } from "../../src/storage/directory.ts";
import { insertEvents } from "../../src/storage/event-log.ts";

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
