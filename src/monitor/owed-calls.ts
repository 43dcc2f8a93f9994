import type { Env } from "../config.ts";
import type { Event } from "../domain/event.ts";
import { databaseDelayMs } from "../domain/retry.ts";
import type { Matches, Rule } from "../domain/rule.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import type { EventList } from "../storage/add-events.ts";
import { alertAgain } from "./alerting-events.ts";
import { ruleBook } from "./rule-book.ts";
import { within } from "./within.ts";

const LONGEST_WAIT_MS = 10 * SECOND_MS;
/** A run makes so many calls, each of which may ask D1; the next one goes on at once. */
const MOST_AT_ONCE = 15;

/** What could not be told to another object when it happened. */
export type Owed =
  /** A rule's object could not be reached. */
  | { kind: "matches"; rule: Rule; matches: Matches }
  /** Whoever took events in could not know the rules; `atMs` is when they came. */
  | { kind: "unmatched"; atMs: number; events: EventList }
  /** A service's object could not be reached, which stores events that alert, and alerts. */
  | { kind: "alerting"; service: string; events: EventList };

/** What other objects are still to be told, oldest first, in the storage of the object that owes it. */
export class OwedCalls {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  #tableExists: boolean;
  #bytes = 0;
  /** Receivers that could not be reached, and until when they are left alone. */
  readonly #resting = new Map<string, { failures: number; untilMs: number }>();

  constructor(storage: DurableObjectStorage, env: Env) {
    this.#storage = storage;
    this.#env = env;
    // The table is made with the first row: to be asked must not store anything.
    this.#tableExists = storage.sql.exec("select 1 from sqlite_master where name = 'owed'").toArray().length > 0;
    if (this.#tableExists)
      this.#bytes = storage.sql.exec<{ sum: number }>("select total(bytes) as sum from owed").one().sum;
  }

  /** How much is owed, in bytes of JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Owes a call; durable with what the caller writes before its next await. */
  add(owed: Owed, nowMs: number): void {
    if (!this.#tableExists)
      this.#storage.sql.exec(
        "create table owed (id integer primary key, kept_ms integer not null, receiver text not null, bytes integer not null, about text not null, events text)",
      );
    this.#tableExists = true;
    const { events, ...about } = { events: undefined, ...owed };
    const { bytes } = this.#storage.sql
      .exec<{ bytes: number }>(
        "insert into owed (kept_ms, receiver, bytes, about, events) select ?1, ?2, octet_length(?3) + coalesce(octet_length(?4), 0), ?3, ?4 returning bytes",
        nowMs,
        receiverOf(owed),
        JSON.stringify(about),
        events?.text ?? null,
      )
      .one();
    this.#bytes += bytes;
  }

  /** Since when the oldest is owed; undefined where nothing is. */
  sinceMs(): number | undefined {
    if (!this.#tableExists) return undefined;
    const query = "select min(kept_ms) as sinceMs from owed";
    return this.#storage.sql.exec<{ sinceMs: number | null }>(query).one().sinceMs ?? undefined;
  }

  /**
   * Makes the calls; what is told twice counts once. Each receiver that can't be reached is tried again 5 s to 10 minutes
   * later. Never rejects.
   * @returns when to go on, in milliseconds from now; undefined where nothing is left
   */
  async tell(): Promise<number | undefined> {
    for (let calls = 0; calls < MOST_AT_ONCE; calls++) {
      const row = this.#next(this.#restingAt(Date.now()));
      if (!row) break;
      try {
        const more = await this.#deliver(JSON.parse(row.about) as Owed, row.events);
        this.#resting.delete(row.receiver);
        this.#replace(row.id, more, row.keptMs);
      } catch (error) {
        log("warn", "buffer.untold", { to: row.receiver, error: errorText(error) });
        this.#rest(row.receiver);
      }
    }
    const nowMs = Date.now();
    if (this.#next(this.#restingAt(nowMs))) return 1;
    // Whoever is owed nothing any more needs no rest.
    if (!this.#next([])) this.#resting.clear();
    const untilMs = [...this.#resting.values()].map(({ untilMs }) => untilMs);
    return untilMs.length > 0 ? Math.max(1, Math.min(...untilMs) - nowMs) : undefined;
  }

  /** What else is owed to a receiver that can't be reached waits, and holds up nobody. */
  #rest(receiver: string): void {
    const failures = (this.#resting.get(receiver)?.failures ?? 0) + 1;
    this.#resting.set(receiver, { failures, untilMs: Date.now() + databaseDelayMs(failures) });
  }

  #restingAt(nowMs: number): string[] {
    return [...this.#resting].filter(([, { untilMs }]) => untilMs > nowMs).map(([receiver]) => receiver);
  }

  /** Makes one call. Returns what is owed in its place. */
  async #deliver(owed: Owed, text: string | null): Promise<Owed[]> {
    const events = JSON.parse(text ?? "[]") as Event[];
    switch (owed.kind) {
      case "matches":
        await within(
          LONGEST_WAIT_MS,
          this.#env.RULE_MONITOR.getByName(owed.rule.name).observe(owed.rule, owed.matches),
        );
        return [];
      case "alerting":
        await within(LONGEST_WAIT_MS, alertAgain(this.#env, owed.service, events));
        return [];
      case "unmatched": {
        const matched = await ruleBook.matchedBefore(this.#env, events, owed.atMs);
        return matched.map((matches) => ({ kind: "matches", ...matches }));
      }
    }
  }

  #replace(id: number, by: readonly Owed[], keptMs: number): void {
    this.#storage.transactionSync(() => {
      for (const owed of by) this.add(owed, keptMs);
      const { bytes } = this.#storage.sql
        .exec<{ bytes: number }>("delete from owed where id = ? returning bytes", id)
        .one();
      this.#bytes -= bytes;
    });
  }

  /** The oldest that is owed to any but some receivers. */
  #next(others: string[]): OwedRow | undefined {
    if (!this.#tableExists) return undefined;
    const query =
      "select id, kept_ms as keptMs, receiver, about, events from owed where receiver not in (select value from json_each(?)) order by id limit 1";
    return this.#storage.sql.exec<OwedRow>(query, JSON.stringify(others)).toArray()[0];
  }
}

type OwedRow = { id: number; keptMs: number; receiver: string; about: string; events: string | null };

function receiverOf(owed: Owed): string {
  switch (owed.kind) {
    case "matches":
      return `rule ${owed.rule.name}`;
    case "alerting":
      return `service ${owed.service}`;
    case "unmatched":
      return "all rules";
  }
}
