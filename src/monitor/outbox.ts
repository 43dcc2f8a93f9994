import { laneOf, type OutboxEntry, type Owed } from "../domain/outbox.ts";
import type { Attempts } from "../domain/retry.ts";

/** What an outbox needs of the object's storage. */
export interface OutboxStorage {
  sql: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> };
}

/**
 * What is owed, one row each, and the same in memory, so that a pulse need not ask the database. Every change is a
 * synchronous write; the caller puts it into one block with the change of state that it belongs to.
 */
export class Outbox {
  readonly #storage: OutboxStorage;
  readonly #entries = new Map<number, OutboxEntry>();
  #lastId = 0;
  #tableExists: boolean;

  constructor(storage: OutboxStorage) {
    this.#storage = storage;
    // The table is made with the first entry: looking at an object must not store anything.
    this.#tableExists = [...this.#exec("select 1 from sqlite_master where name = 'outbox'")].length > 0;
    if (!this.#tableExists) return;
    for (const row of this.#exec("select id, lane, owed, next_ms, attempts from outbox order by id")) {
      const entry: OutboxEntry = {
        id: row.id as number,
        lane: row.lane as string,
        owed: JSON.parse(row.owed as string),
        nextMs: row.next_ms as number,
        attempts: row.attempts === null ? undefined : JSON.parse(row.attempts as string),
      };
      this.#entries.set(entry.id, entry);
      this.#lastId = entry.id;
    }
  }

  /** All entries, oldest first. */
  get entries(): Iterable<OutboxEntry> {
    return this.#entries.values();
  }

  /** The entry as it is now; undefined once it is gone. */
  get(id: number): OutboxEntry | undefined {
    return this.#entries.get(id);
  }

  /** Whether nothing is owed. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** To be called when all storage is deleted. */
  forgetTable(): void {
    this.#tableExists = false;
  }

  /** Adds something that is owed, to be tried from `nextMs` on, perhaps again. */
  add(owed: Owed, nextMs: number, nowMs: number, attempts?: Attempts): void {
    this.#createTable();
    // Ids rise also when the clock steps back, and are not used again when the table was empty for a while.
    this.#lastId = Math.max(this.#lastId + 1, nowMs);
    const entry: OutboxEntry = { id: this.#lastId, lane: laneOf(owed), owed, nextMs, attempts };
    this.#exec(
      "insert into outbox (id, lane, owed, next_ms, attempts) values (?, ?, ?, ?, ?)",
      entry.id,
      entry.lane,
      JSON.stringify(owed),
      nextMs,
      textOf(attempts),
    );
    this.#entries.set(entry.id, entry);
  }

  /** Remembers the attempts so far, and when the next one may be. */
  postpone(id: number, nextMs: number, attempts: Attempts | undefined): void {
    this.#exec("update outbox set next_ms = ?, attempts = ? where id = ?", nextMs, textOf(attempts), id);
    this.#change(id, { nextMs, attempts });
  }

  /** Moves an entry to another lane. */
  move(id: number, lane: string): void {
    this.#exec("update outbox set lane = ? where id = ?", lane, id);
    this.#change(id, { lane });
  }

  /** Removes an entry: it was delivered, given up or dropped. */
  remove(id: number): void {
    this.#exec("delete from outbox where id = ?", id);
    this.#entries.delete(id);
  }

  #change(id: number, change: Partial<OutboxEntry>): void {
    const entry = this.#entries.get(id);
    if (entry) this.#entries.set(id, { ...entry, ...change });
  }

  #createTable(): void {
    if (this.#tableExists) return;
    this.#exec(
      "create table outbox (id integer primary key, lane text not null, owed text not null, next_ms integer not null, attempts text)",
    );
    this.#tableExists = true;
  }

  #exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> {
    return this.#storage.sql.exec(query, ...bindings);
  }
}

function textOf(attempts: Attempts | undefined): string | null {
  return attempts ? JSON.stringify(attempts) : null;
}
