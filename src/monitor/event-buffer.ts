import { DurableObject } from "cloudflare:workers";
import type { Env } from "../config.ts";
import { databaseDelayMs } from "../domain/retry.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import type { EventList } from "../storage/add-events.ts";
import { type Database, openDatabase } from "../storage/database.ts";
import { insertEventsOf } from "../storage/event-log.ts";
import { isRefusal } from "./d1-lane.ts";
import { type Batch, HeldBatches, joined, MOST_HELD_BYTES } from "./held-batches.ts";
import { type Owed, OwedCalls } from "./owed-calls.ts";
import { spend, withMeter } from "./spending.ts";
import { within } from "./within.ts";

/** How long D1 may take; what comes through later is not doubled. */
const TIMEOUT_MS = 10 * SECOND_MS;
/** The free plan allows 50 queries in a run, and what is owed to others needs some; the next run goes on at once. */
const MOST_STATEMENTS = 30;
/** So often may D1 refuse a row for the row's own sake before it is split, and what can't be split is parked. */
const MOST_REFUSALS = 5;
/** An alarm that is overdue for longer does not come any more. */
const LOST_AFTER_MS = 2 * MINUTE_MS;

/** What a buffer holds for D1. */
export interface Held {
  events: number;
  /** Since when the oldest of all that it holds waits; undefined where nothing does. */
  sinceMs: number | undefined;
}

/**
 * Keeps events while D1 fails, and brings them there, oldest first; also what other objects could not be told. The events'
 * ids make it harmless when either is brought twice. Nothing but the statement that is under way is held in memory.
 */
export class EventBuffer extends DurableObject<Env> {
  readonly #db: Database;
  readonly #batches: HeldBatches;
  readonly #owed: OwedCalls;
  /** When the alarm is set to come; undefined where it is not. */
  #alarmMs: number | undefined;
  #isFlushing = false;
  /** D1 has failed, and is left alone until then. */
  #d1RestsUntilMs = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const metered = withMeter(env);
    this.#db = openDatabase(metered.DB);
    this.#batches = new HeldBatches(ctx.storage);
    this.#owed = new OwedCalls(ctx.storage, metered);
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmMs = (await ctx.storage.getAlarm()) ?? undefined;
    });
  }

  /** Keeps events for D1, all or none; durable when it returns. Returns false where they would be more than it holds. */
  async add(lists: readonly EventList[]): Promise<boolean> {
    return this.#keep(lists.length, this.#d1RestsUntilMs, (nowMs) => {
      for (const list of lists) this.#batches.add(list, nowMs);
    });
  }

  /** Keeps what other objects could not be told, all or nothing; durable when it returns. Returns false as {@link add} does. */
  async owe(calls: readonly Owed[]): Promise<boolean> {
    return this.#keep(calls.length, 0, (nowMs) => {
      for (const owed of calls) this.#owed.add(owed, nowMs);
    });
  }

  /** @param notBeforeMs when at the earliest it is of use to try */
  async #keep(rows: number, notBeforeMs: number, write: (nowMs: number) => void): Promise<boolean> {
    if (this.#batches.bytes + this.#owed.bytes >= MOST_HELD_BYTES) return false;
    const nowMs = Date.now();
    this.#inOneStep(() => write(nowMs));
    const tryMs = Math.max(notBeforeMs, nowMs + databaseDelayMs(1));
    // The end of a run sets the alarm itself. An alarm that is set to come later waits for what can't be reached.
    const isToBeSet = !this.#isFlushing && (this.#alarmMs === undefined || tryMs < this.#alarmMs);
    spend(this.env, { objectRequests: 1, objectRows: rows + (isToBeSet ? 1 : 0) });
    if (isToBeSet) await this.#arm(tryMs);
    return true;
  }

  /** What is held; sets the alarm again where the platform has lost it. */
  async wake(): Promise<Held> {
    spend(this.env, { objectRequests: 1 });
    const held = this.#held(Date.now());
    if (held.sinceMs !== undefined && !this.#isFlushing) {
      const nowMs = Date.now();
      const alarmMs = await this.ctx.storage.getAlarm();
      if (alarmMs === null || nowMs - alarmMs > LOST_AFTER_MS) {
        log("error", "buffer.alarm-lost", { events: held.events });
        await this.#arm(nowMs + 1);
      }
    }
    return held;
  }

  #held(nowMs: number): Held {
    const parked = this.#batches.parkedToTell(nowMs);
    if (parked) {
      const oldest = new Date(parked.oldestMs).toISOString();
      log("warn", "buffer.holds-parked", { buffer: this.ctx.id.name, events: parked.events, oldest });
      spend(this.env, { objectRows: 1 });
    }
    const { events, sinceMs } = this.#batches.waiting();
    const since = [sinceMs, this.#owed.sinceMs()].filter((ms) => ms !== undefined);
    return { events, sinceMs: since.length > 0 ? Math.min(...since) : undefined };
  }

  /** Never throws: after a few failures in a row the platform would delete the alarm, silently. */
  override async alarm(): Promise<void> {
    let delayMs: number | undefined;
    this.#isFlushing = true;
    try {
      // In case this run is cut short.
      await this.#arm(Date.now() + MINUTE_MS);
      await this.#flush();
      const nextTellMs = await this.#owed.tell();
      // More may have come meanwhile.
      const nextFlushMs = this.#batches.any() ? Math.max(1, this.#d1RestsUntilMs - Date.now()) : undefined;
      const nextMs = [nextFlushMs, nextTellMs].filter((ms) => ms !== undefined);
      delayMs = nextMs.length > 0 ? Math.min(...nextMs) : undefined;
    } catch (error) {
      log("error", "alarm.failed", { buffer: this.ctx.id.name, error: errorText(error) });
      delayMs = this.#failAgain();
    } finally {
      this.#isFlushing = false;
    }
    spend(this.env, { objectRequests: 1, objectRows: 3 });
    if (delayMs === undefined) {
      this.#alarmMs = undefined;
      await this.ctx.storage.deleteAlarm();
    } else await this.#arm(Date.now() + delayMs);
  }

  /** Brings what is held to D1, as much as a run may; where D1 fails, it is left alone for a while. */
  async #flush(): Promise<void> {
    if (Date.now() < this.#d1RestsUntilMs) return;
    let stored = 0;
    try {
      for (let statements = 0; statements < MOST_STATEMENTS; statements++) {
        // One alone where D1 has failed: a small request is the likelier one to come through.
        const batches = this.#failures > 0 ? this.#batches.next(1) : this.#batches.next();
        const [head] = batches;
        if (!head) return;
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
          this.#d1RestsUntilMs = Date.now() + delayMs;
          if (delayMs > 0) return;
          continue;
        }
        this.#inOneStep(() => {
          for (const { id } of batches) this.#batches.remove(id);
        });
        stored += batches.reduce((sum, { count }) => sum + count, 0);
        this.#failures = 0;
      }
    } finally {
      if (stored > 0) log("info", "buffer.flushed", { buffer: this.ctx.id.name, events: stored });
    }
  }

  /** D1 answers, and does not want a row. Returns when to go on, in milliseconds from now. */
  #afterRefusal(batches: readonly Batch[], head: Batch): number {
    this.#failures = 0;
    if (batches.length > 1) {
      // Each is sent alone from now on, and it shows which of them it is.
      this.#inOneStep(() => {
        for (const { id } of batches) this.#batches.setRefusals(id, 1);
      });
      return 0;
    }
    const refusals = head.refusals + 1;
    if (refusals < MOST_REFUSALS) {
      this.#batches.setRefusals(head.id, refusals);
      return databaseDelayMs(refusals);
    }
    if (head.count > 1) {
      // The next refusal of each half is the last.
      this.#inOneStep(() => this.#batches.split(head, MOST_REFUSALS - 1));
      return 0;
    }
    this.#batches.park(head.id);
    log("error", "buffer.parked", { buffer: this.ctx.id.name, entry: head.id });
    return 0;
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

  async #arm(ms: number): Promise<void> {
    this.#alarmMs = ms;
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
}
