import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { OutboxStorage } from "../../../src/monitor/outbox.ts";
import type { StateStorage } from "../../../src/monitor/state-store.ts";

/** How many rows were written, by what they are billed as. */
export interface Written {
  puts: number;
  alarms: number;
  sql: number;
}

/**
 * The storage of one Durable Object, as far as the monitor uses it: values, tables, one alarm, and transactions, all in
 * one SQLite database in memory. It outlives the objects that are made upon it, as the platform's does.
 */
export class FakeStorage implements StateStorage, OutboxStorage {
  readonly written: Written = { puts: 0, alarms: 0, sql: 0 };
  readonly #db = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();
  readonly #now: () => number;
  #alarmMs: number | null = null;
  /** The alarm that is running; if the run is cut short, it comes again unless it was set or deleted meanwhile. */
  #firingMs: number | null = null;

  /** @param now the clock of the platform: an alarm for the past is stored as one for now */
  constructor(now: () => number) {
    this.#now = now;
    this.#db.exec("create table _kv (key text primary key, value text not null) without rowid");
  }

  readonly kv = {
    get: (key: string): unknown => {
      const [row] = this.#run("select value from _kv where key = ?", [key]);
      return row && JSON.parse(row.value as string);
    },
    put: (key: string, value: unknown): void => {
      this.written.puts++;
      this.#run("insert or replace into _kv values (?, ?)", [key, JSON.stringify(value)]);
    },
    delete: (key: string): void => {
      this.written.puts++;
      this.#run("delete from _kv where key = ?", [key]);
    },
  };

  readonly sql = {
    exec: (query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> => {
      if (!query.startsWith("select")) this.written.sql++;
      return this.#run(query, bindings);
    },
  };

  /** What `getAlarm` would say; null while the alarm runs, until another one is set. */
  get alarmMs(): number | null {
    return this.#alarmMs;
  }

  async getAlarm(): Promise<number | null> {
    return this.#alarmMs;
  }

  async setAlarm(ms: number): Promise<void> {
    this.written.alarms++;
    this.#alarmMs = Math.max(ms, this.#now());
    this.#firingMs = null;
  }

  async deleteAlarm(): Promise<void> {
    this.written.alarms++;
    this.#alarmMs = null;
    this.#firingMs = null;
  }

  /** Nothing is left: neither values nor tables nor the alarm. */
  async deleteAll(): Promise<void> {
    this.#db.exec("delete from _kv; drop table if exists outbox");
    this.#alarmMs = null;
    this.#firingMs = null;
  }

  /** Whether nothing is stored at all: the platform lets go of such an object. */
  get isEmpty(): boolean {
    const [rows] = this.#run("select count(*) as count from _kv", []);
    const [tables] = this.#run("select count(*) as count from sqlite_master where name = 'outbox'", []);
    return rows?.count === 0 && tables?.count === 0 && this.#alarmMs === null;
  }

  transactionSync(work: () => void): void {
    this.#db.exec("begin");
    try {
      work();
      this.#db.exec("commit");
    } catch (error) {
      this.#db.exec("rollback");
      throw error;
    }
  }

  /** The alarm goes off: from now on there is none. */
  beginAlarm(): void {
    this.#firingMs = this.#alarmMs;
    this.#alarmMs = null;
  }

  /** The run of the alarm came to its end. */
  endAlarm(): void {
    this.#firingMs = null;
  }

  /** The object is gone, in the middle of whatever it did; an alarm that was running is there again. */
  kill(): void {
    this.#alarmMs ??= this.#firingMs;
    this.#firingMs = null;
  }

  /** The platform forgets the alarm, as it does after a few failed runs. */
  loseAlarm(): void {
    this.#alarmMs = null;
  }

  #run(query: string, bindings: readonly unknown[]): Record<string, unknown>[] {
    let statement = this.#statements.get(query);
    if (!statement) {
      statement = this.#db.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement.all(...(bindings as SQLInputValue[])) as Record<string, unknown>[];
  }
}
