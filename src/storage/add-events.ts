import type { Event } from "../domain/event.ts";
import type { Database } from "./database.ts";
import { insertEventsOf } from "./event-log.ts";
import { isOneOf } from "./page.ts";
import { events } from "./schema.ts";

/** D1 takes values of up to 2 MB. A batch has less, unless its numbers grow when they are written anew (1e20). */
const MOST_VALUE_BYTES = 1_800_000;

/**
 * Stores events, all of them or none, each once. Where there were less changes than events, some were there before: only
 * then they are asked for.
 * @param rows each id only once
 * @returns where some were there before, what there is now, by ids: what was there stays as it was
 */
export async function addEvents(db: Database, rows: readonly Event[]): Promise<Map<string, Event>> {
  const [first, ...rest] = listsOf(rows).map(({ text }) => insertEventsOf(db, text));
  if (!first) return new Map();
  const results = rest.length === 0 ? [await first] : await db.batch([first, ...rest]);
  const changes = results.reduce((sum, { meta }) => sum + meta.changes, 0);
  if (changes === rows.length) return new Map();
  return findEvents(
    db,
    rows.map(({ id }) => id),
  );
}

/** The events with these ids, by id. */
export async function findEvents(db: Database, ids: readonly string[]): Promise<Map<string, Event>> {
  if (ids.length === 0) return new Map();
  const rows = await db.select().from(events).where(isOneOf(events.id, ids));
  return new Map(rows.map(({ fields, ...event }) => [event.id, fields ? { ...event, fields } : event]));
}

/** Some events as a JSON list, which D1 takes as one value. */
export interface EventList {
  text: string;
  count: number;
}

/** Events as lists: mostly one. */
export function listsOf(rows: readonly Event[]): EventList[] {
  const text = JSON.stringify(rows);
  if (rows.length <= 1 || isShort(text)) return [{ text, count: rows.length }];
  const half = Math.floor(rows.length / 2);
  return [...listsOf(rows.slice(0, half)), ...listsOf(rows.slice(half))];
}

function isShort(text: string): boolean {
  // A character has three bytes at most.
  return text.length * 3 <= MOST_VALUE_BYTES || new TextEncoder().encode(text).byteLength <= MOST_VALUE_BYTES;
}
