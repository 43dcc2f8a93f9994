import { DurableObject } from "cloudflare:workers";
import type { Env } from "../config.ts";
import type { Event } from "../domain/event.ts";
import { databaseDelayMs } from "../domain/retry.ts";
import type { Matches, Rule } from "../domain/rule.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import type { EventList } from "../storage/add-events.ts";
import { type Database, openDatabase } from "../storage/database.ts";
import { insertEventsOf } from "../storage/event-log.ts";
import { isRefusal } from "./d1-lane.ts";
import { OwedMatches } from "./owed-matches.ts";
import { spend, withMeter } from "./spending.ts";
import { within } from "./within.ts";

/** What a buffer holds at most, in bytes of JSON; it refuses what is more. Four of them are a fifth of a free account. */
export const MOST_HELD_BYTES = 256 * 1024 * 1024;
/** How long D1 may take; what comes through later is not doubled. */
const TIMEOUT_MS = 10 * SECOND_MS;
/** A statement takes as many rows of the buffer as this allows, but one at least. */
const MOST_ROWS = 500;
const MOST_CHARACTERS = 500_000;
/** The free plan allows 50 queries in a run; the next run goes on at once. */
const MOST_STATEMENTS = 40;
/** So often may D1 refuse a row for the row's own sake before it is split, and what can't be split is parked. */
const MOST_REFUSALS = 5;
/** An alarm that is overdue for longer does not come any more. */
const LOST_AFTER_MS = 2 * MINUTE_MS;

/** A row of the buffer. */
interface Batch extends EventList {
  /** The number of its first event: its halves have room behind it. */
  id: number;
  refusals: number;
}

/** What a buffer holds for D1. */
export interface Held {
  events: number;
  /** Since when the oldest waits; undefined where none does. */
  sinceMs: number | undefined;
}

/**
 * Keeps events while D1 fails, one row for each batch, and brings them there, oldest first; also what rules' objects could
 * not be told. The events' ids make it harmless when either is brought twice. Nothing but the statement that is under way is held in memory.
 */
export class EventBuffer extends DurableObject<Env> {
  readonly #db: Database;
  readonly #owed: OwedMatches;
  #tableExists: boolean;
  #nextId = 1;
  #bytes = 0;
  #isArmed = false;
  #isFlushing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#db = openDatabase(withMeter(env).DB);
    this.#owed = new OwedMatches(ctx.storage.sql, env);
    // The table is made with the first row: to be asked must not store anything.
    this.#tableExists = this.#rows("select 1 from sqlite_master where name = 'batches'").length > 0;
    if (this.#tableExists) {
      const [held] = this.#rows<{ bytes: number; next: number }>(
        "select coalesce(sum(bytes), 0) as bytes, coalesce(max(id + count), 1) as next from batches",
      );
      this.#bytes = held?.bytes ?? 0;
      this.#nextId = held?.next ?? 1;
    }
    void ctx.blockConcurrencyWhile(async () => {
      this.#isArmed = (await ctx.storage.getAlarm()) !== null;
    });
  }

  /** Keeps events, all or none; durable when it returns. Returns false where they would be more than it holds. */
  async add(lists: readonly EventList[]): Promise<boolean> {
    if (this.#bytes >= MOST_HELD_BYTES) return false;
    spend(this.env, { objectRequests: 1, objectRows: lists.length + (this.#isArmed ? 0 : 1) });
    const nowMs = Date.now();
    this.#inOneStep(() => {
      for (const list of lists) this.#insert({ ...list, id: this.#nextId, refusals: 0 }, nowMs);
    });
    await this.#armSoon();
    return true;
  }

  /** Keeps matches of a rule whose object can't be reached, and tells it later; durable when it returns. */
  async owe(rule: Rule, matches: Matches): Promise<void> {
    spend(this.env, { objectRequests: 1, objectRows: this.#isArmed ? 1 : 2 });
    this.#inOneStep(() => this.#owed.add({ rule, matches }));
    await this.#armSoon();
  }

  /** What is held; sets the alarm again where the platform has lost it. */
  async wake(): Promise<Held> {
    spend(this.env, { objectRequests: 1 });
    const held = this.#held();
    if ((held.events > 0 || this.#owed.any()) && !this.#isFlushing) {
      const nowMs = Date.now();
      const alarmMs = await this.ctx.storage.getAlarm();
      if (alarmMs === null || nowMs - alarmMs > LOST_AFTER_MS) {
        log("error", "buffer.alarm-lost", { events: held.events });
        await this.#arm(nowMs + 1);
      }
    }
    return held;
  }

  #held(): Held {
    if (!this.#tableExists) return { events: 0, sinceMs: undefined };
    this.#tellOfParked(Date.now());
    const [held] = this.#rows<{ events: number | null; sinceMs: number | null }>(
      "select sum(count) as events, min(kept_ms) as sinceMs from batches where parked = 0",
    );
    return { events: held?.events ?? 0, sinceMs: held?.sinceMs ?? undefined };
  }

  /** Says once a day what is parked: that it was parked was said once, and nothing else tells of it. */
  #tellOfParked(nowMs: number): void {
    const [parked] = this.#rows<{ events: number; oldestMs: number }>(
      "select sum(count) as events, min(kept_ms) as oldestMs from batches where parked = 1 having count(*) > 0",
    );
    if (!parked || nowMs - (this.ctx.storage.kv.get<number>("toldOfParkedMs") ?? 0) < DAY_MS) return;
    const oldest = new Date(parked.oldestMs).toISOString();
    log("warn", "buffer.holds-parked", { buffer: this.ctx.id.name, events: parked.events, oldest });
    this.ctx.storage.kv.put("toldOfParkedMs", nowMs);
    spend(this.env, { objectRows: 1 });
  }

  /** Never throws: after a few failures in a row the platform would delete the alarm, silently. */
  override async alarm(): Promise<void> {
    let delayMs: number | undefined;
    this.#isFlushing = true;
    try {
      // In case this run is cut short.
      await this.#arm(Date.now() + MINUTE_MS);
      const nextFlushMs = await this.#flush();
      const nextTellMs = await this.#owed.tell();
      // More may have come meanwhile.
      const isMore = this.#tableExists && this.#rows("select 1 from batches where parked = 0 limit 1").length > 0;
      const nextMs = [nextFlushMs ?? (isMore ? 1 : undefined), nextTellMs].filter((ms) => ms !== undefined);
      delayMs = nextMs.length > 0 ? Math.min(...nextMs) : undefined;
    } catch (error) {
      log("error", "alarm.failed", { buffer: this.ctx.id.name, error: errorText(error) });
      delayMs = this.#failAgain();
    } finally {
      this.#isFlushing = false;
    }
    spend(this.env, { objectRequests: 1, objectRows: 3 });
    if (delayMs === undefined) {
      this.#isArmed = false;
      await this.ctx.storage.deleteAlarm();
    } else await this.#arm(Date.now() + delayMs);
  }

  /** Brings what is held to D1. Returns when to go on, in milliseconds from now; undefined where nothing is left. */
  async #flush(): Promise<number | undefined> {
    let stored = 0;
    try {
      for (let statements = 0; statements < MOST_STATEMENTS; statements++) {
        const batches = this.#nextBatches();
        const [head] = batches;
        if (!head) return undefined;
        try {
          await within(TIMEOUT_MS, insertEventsOf(this.#db, joined(batches)));
        } catch (error) {
          const refused = isRefusal(error);
          log("warn", "d1.failed", {
            buffer: this.ctx.id.name,
            rows: batches.length,
            refused,
            error: errorText(error),
          });
          const delayMs = refused ? this.#afterRefusal(batches, head) : this.#failAgain();
          if (delayMs > 0) return delayMs;
          continue;
        }
        this.#inOneStep(() => {
          for (const { id } of batches) this.#remove(id);
        });
        stored += batches.reduce((sum, { count }) => sum + count, 0);
        this.#failures = 0;
      }
      return 1;
    } finally {
      if (stored > 0) log("info", "buffer.flushed", { buffer: this.ctx.id.name, events: stored });
    }
  }

  /** The oldest rows, as many as a statement takes; one alone where D1 has failed, or has refused it before. */
  #nextBatches(): Batch[] {
    if (!this.#tableExists) return [];
    const most = this.#failures > 0 ? 1 : MOST_ROWS;
    const batches: Batch[] = [];
    let characters = 0;
    const rows = this.ctx.storage.sql.exec<{ id: number; count: number; text: string; refusals: number }>(
      "select id, count, text, refusals from batches where parked = 0 order by id limit ?",
      most,
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

  /** D1 answers, and does not want a row. Returns when to go on, in milliseconds from now. */
  #afterRefusal(batches: readonly Batch[], head: Batch): number {
    this.#failures = 0;
    if (batches.length > 1) {
      // Each is sent alone from now on, and it shows which of them it is.
      this.#inOneStep(() => {
        for (const { id } of batches) this.#exec("update batches set refusals = 1 where id = ?", id);
      });
      return 0;
    }
    const refusals = head.refusals + 1;
    if (refusals < MOST_REFUSALS) {
      this.#exec("update batches set refusals = ? where id = ?", refusals, head.id);
      return databaseDelayMs(refusals);
    }
    if (head.count > 1) {
      this.#split(head);
      return 0;
    }
    this.#exec("update batches set parked = 1 where id = ?", head.id);
    log("error", "buffer.parked", { buffer: this.ctx.id.name, entry: head.id });
    return 0;
  }

  /** Makes two of a row, of which the next refusal is the last. */
  #split({ id, text }: Batch): void {
    const events = JSON.parse(text) as Event[];
    const half = Math.floor(events.length / 2);
    const [kept] = this.#rows<{ keptMs: number }>("select kept_ms as keptMs from batches where id = ?", id);
    this.#inOneStep(() => {
      this.#remove(id);
      for (const [at, part] of [
        [id, events.slice(0, half)],
        [id + half, events.slice(half)],
      ] as const) {
        const list = { text: JSON.stringify(part), count: part.length };
        this.#insert({ ...list, id: at, refusals: MOST_REFUSALS - 1 }, kept?.keptMs ?? Date.now());
      }
    });
  }

  /** How often in a row D1 could not be reached. */
  get #failures(): number {
    return this.ctx.storage.kv.get<number>("failures") ?? 0;
  }

  set #failures(count: number) {
    if (count === this.#failures) return;
    if (count === 0) this.ctx.storage.kv.delete("failures");
    else this.ctx.storage.kv.put("failures", count);
  }

  #failAgain(): number {
    this.#failures++;
    return databaseDelayMs(this.#failures);
  }

  #insert({ id, text, count, refusals }: Batch, keptMs: number): void {
    if (!this.#tableExists) {
      this.#exec(
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

  #remove(id: number): void {
    const [row] = this.#rows<{ bytes: number }>("delete from batches where id = ? returning bytes", id);
    this.#bytes -= row?.bytes ?? 0;
  }

  async #armSoon(): Promise<void> {
    // The end of a run sets the alarm itself.
    if (!this.#isArmed && !this.#isFlushing) await this.#arm(Date.now() + databaseDelayMs(1));
  }

  async #arm(ms: number): Promise<void> {
    this.#isArmed = true;
    await this.ctx.storage.setAlarm(ms);
  }

  /** Runs synchronous writes as one step; if it fails, the object starts anew from what is stored. */
  #inOneStep(work: () => void): void {
    try {
      this.ctx.storage.transactionSync(work);
    } catch (error) {
      log("error", "storage.failed", { buffer: this.ctx.id.name, error: errorText(error) });
      this.ctx.abort("a write was refused");
      throw error;
    }
  }

  #rows<T extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]): T[] {
    return this.ctx.storage.sql.exec<T>(query, ...bindings).toArray();
  }

  #exec(query: string, ...bindings: SqlStorageValue[]): void {
    this.ctx.storage.sql.exec(query, ...bindings);
  }
}

/** The lists of rows as one. */
function joined(batches: readonly Batch[]): string {
  return batches.length === 1
    ? (batches[0]?.text ?? "[]")
    : `[${batches.map(({ text }) => text.slice(1, -1)).join(",")}]`;
}
