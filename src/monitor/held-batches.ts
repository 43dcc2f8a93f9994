import { DAY_MS } from "../domain/time.ts";
import type { EventList } from "../storage/add-events.ts";

/** What is held at most for D1 and others, in bytes of JSON. Four buffers of this are a fifth of a free account. */
export const MOST_HELD_BYTES = 256 * 1024 * 1024;
/** A statement takes as many rows as this allows, but one at least. */
const MOST_ROWS = 500;
const MOST_CHARACTERS = 500_000;

/** A row: events that go to D1 together. */
export interface Batch extends EventList {
  /** The number of its first event: its halves have room behind it. */
  id: number;
  /** So often D1 has refused it for its own sake. */
  refusals: number;
}

/** Events that are to be brought to D1, a row for each batch, in the storage of the object that holds them. */
export class HeldBatches {
  readonly #storage: DurableObjectStorage;
  #tableExists: boolean;
  #nextId = 1;
  #bytes = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    // The table is made with the first row: to be asked must not store anything.
    this.#tableExists = this.#rows("select 1 from sqlite_master where name = 'batches'").length > 0;
    const [held] = this.#ask<{ bytes: number; next: number }>(
      "select coalesce(sum(bytes), 0) as bytes, coalesce(max(id + count), 1) as next from batches",
    );
    this.#bytes = held?.bytes ?? 0;
    this.#nextId = held?.next ?? 1;
  }

  /** How much is held, in bytes of JSON; what is parked, too. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a row; durable with what the caller writes before its next await. */
  add(list: EventList, nowMs: number): void {
    this.#insert({ ...list, id: this.#nextId, refusals: 0 }, nowMs);
  }

  /** Whether any wait for D1. */
  any(): boolean {
    return this.#ask("select 1 from batches where parked = 0 limit 1").length > 0;
  }

  /** How many events wait for D1, and since when the oldest does. */
  waiting(): { events: number; sinceMs: number | undefined } {
    const [held] = this.#ask<{ events: number | null; sinceMs: number | null }>(
      "select sum(count) as events, min(kept_ms) as sinceMs from batches where parked = 0",
    );
    return { events: held?.events ?? 0, sinceMs: held?.sinceMs ?? undefined };
  }

  /**
   * What is parked, once a day: that it was parked was said once, and nothing else tells of it.
   * @returns undefined where there is nothing, or it was told within the day
   */
  parkedToTell(nowMs: number): { events: number; oldestMs: number } | undefined {
    const [parked] = this.#ask<{ events: number; oldestMs: number }>(
      "select sum(count) as events, min(kept_ms) as oldestMs from batches where parked = 1 having count(*) > 0",
    );
    if (!parked || nowMs - (this.#storage.kv.get<number>("toldOfParkedMs") ?? 0) < DAY_MS) return undefined;
    this.#storage.kv.put("toldOfParkedMs", nowMs);
    return parked;
  }

  /** The oldest rows, as many as a statement takes; one that D1 has refused before stands alone. */
  next(mostRows = MOST_ROWS): Batch[] {
    if (!this.#tableExists) return [];
    const batches: Batch[] = [];
    let characters = 0;
    const rows = this.#storage.sql.exec<{ id: number; count: number; text: string; refusals: number }>(
      "select id, count, text, refusals from batches where parked = 0 order by id limit ?",
      mostRows,
    );
    for (const row of rows) {
      characters += row.text.length;
      const isAlone = row.refusals > 0 || characters > MOST_CHARACTERS;
      if (isAlone && batches.length > 0) break;
      batches.push(row);
      if (isAlone) break;
    }
    return batches;
  }

  /** Deletes a row: D1 has it. */
  remove(id: number): void {
    const [row] = this.#rows<{ bytes: number }>("delete from batches where id = ? returning bytes", id);
    this.#bytes -= row?.bytes ?? 0;
  }

  /** Remembers how often D1 has refused a row. */
  setRefusals(id: number, refusals: number): void {
    this.#rows("update batches set refusals = ? where id = ?", refusals, id);
  }

  /** Keeps a row aside, and brings it to D1 no more. */
  park(id: number): void {
    this.#rows("update batches set parked = 1 where id = ?", id);
  }

  /** Makes two of a row, which D1 has refused so often. */
  split({ id, text }: Batch, refusals: number): void {
    const events = JSON.parse(text) as unknown[];
    const half = Math.floor(events.length / 2);
    const [kept] = this.#rows<{ keptMs: number }>("select kept_ms as keptMs from batches where id = ?", id);
    this.remove(id);
    for (const [at, part] of [
      [id, events.slice(0, half)],
      [id + half, events.slice(half)],
    ] as const) {
      const list = { text: JSON.stringify(part), count: part.length };
      this.#insert({ ...list, id: at, refusals }, kept?.keptMs ?? Date.now());
    }
  }

  #insert({ id, text, count, refusals }: Batch, keptMs: number): void {
    if (!this.#tableExists) {
      this.#rows(
        "create table batches (id integer primary key, kept_ms integer not null, count integer not null, bytes integer not null, refusals integer not null, parked integer not null, text text not null)",
      );
      this.#tableExists = true;
    }
    const [row] = this.#rows<{ bytes: number }>(
      "insert into batches (id, kept_ms, count, bytes, refusals, parked, text) select ?1, ?2, ?3, octet_length(?4), ?5, 0, ?4 returning bytes",
      id,
      keptMs,
      count,
      text,
      refusals,
    );
    this.#bytes += row?.bytes ?? 0;
    this.#nextId = Math.max(this.#nextId, id + count);
  }

  /** The answer of a query, which is empty where there is no table yet. */
  #ask<T extends Record<string, SqlStorageValue>>(query: string): T[] {
    return this.#tableExists ? this.#rows<T>(query) : [];
  }

  #rows<T extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]): T[] {
    return this.#storage.sql.exec<T>(query, ...bindings).toArray();
  }
}

/** The lists of rows as one. */
export function joined(batches: readonly Batch[]): string {
  return batches.length === 1
    ? (batches[0]?.text ?? "[]")
    : `[${batches.map(({ text }) => text.slice(1, -1)).join(",")}]`;
}
