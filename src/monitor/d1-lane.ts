import type { AlertRecord } from "../domain/alert.ts";
import type { Event } from "../domain/event.ts";
import { D1_LANE, type OutboxEntry, PARKED_LANE } from "../domain/outbox.ts";
import type { TransitionRecord } from "../domain/record.ts";
import { beginAttempt, databaseDelayMs } from "../domain/retry.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { upsertAlerts } from "../storage/alert-log.ts";
import type { Database } from "../storage/database.ts";
import { deleteService, upsertServices } from "../storage/directory.ts";
import { insertEvents } from "../storage/event-log.ts";
import { insertTransitions } from "../storage/transition-log.ts";
import type { Outbox } from "./outbox.ts";
import { within } from "./within.ts";

/** How long D1 may take before a batch counts as failed; if it comes through later, nothing is doubled. */
const TIMEOUT_MS = 10 * SECOND_MS;
/** D1 takes statements of up to 100 KB and values of up to 2 MB; the rows of a table go as one value. */
const MOST_ENTRIES = 100;
const MOST_CHARACTERS = 500_000;
/** So often may D1 refuse a row for the row's own sake before the rest goes on without it. */
const MOST_REFUSALS = 5;

/**
 * Brings what is owed to D1, in order, many rows in one batch. Failures never reach a pulse or an alert: they are logged,
 * and tried again without end, unless it is a row that D1 refuses for itself; that one is parked.
 */
export class D1Lane {
  readonly #outbox: Outbox;
  readonly #db: Database;
  readonly #service: string;
  readonly #snapshot: () => Snapshot | undefined;
  #underWay: Promise<boolean> | undefined;

  constructor(outbox: Outbox, db: Database, service: string, snapshot: () => Snapshot | undefined) {
    this.#outbox = outbox;
    this.#db = db;
    this.#service = service;
    this.#snapshot = snapshot;
  }

  /** Whether D1 failed lately, so that nobody should wait for it. */
  get isBackingOff(): boolean {
    const [head] = this.#entries();
    return head?.attempts !== undefined && this.#underWay === undefined;
  }

  /** Sends one batch, or joins the one that is under way; tells whether D1 took it. */
  flush(claimMs: number): Promise<boolean> {
    this.#underWay ??= this.#flushOnce(claimMs).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** Sends all that is owed now, also what was added while a batch was under way. */
  async flushAll(claimMs: number): Promise<void> {
    if (this.#underWay) await this.#underWay;
    while (this.#entries().length > 0 && !this.isBackingOff && (await this.flush(claimMs)));
  }

  #entries(): OutboxEntry[] {
    return [...this.#outbox.entries].filter((entry) => entry.lane === D1_LANE);
  }

  async #flushOnce(claimMs: number): Promise<boolean> {
    const batch = this.#nextBatch();
    const head = batch[0];
    if (!head) return true;
    const nowMs = Date.now();
    const attempts = beginAttempt(head.attempts, nowMs);
    // What a request has just owed is claimed already, so that no alarm takes it up at the same time.
    if (head.nextMs <= nowMs) this.#outbox.postpone(head.id, nowMs + claimMs, attempts);
    try {
      await within(TIMEOUT_MS, this.#send(batch));
      for (const entry of batch) this.#outbox.remove(entry.id);
      return true;
    } catch (error) {
      const refused = isRefusal(error);
      const refusals = (attempts.refusals ?? 0) + (refused && batch.length === 1 ? 1 : 0);
      log("warn", "d1.failed", { service: this.#service, rows: batch.length, refused, error: errorText(error) });
      if (refusals >= MOST_REFUSALS) {
        this.#outbox.move(head.id, PARKED_LANE);
        log("error", "d1.parked", { service: this.#service, entry: head.id, kind: head.owed.kind });
        return true;
      }
      this.#outbox.postpone(head.id, Date.now() + databaseDelayMs(attempts.count), { ...attempts, refusals });
      return false;
    }
  }

  /** After a failure only the oldest is sent, so that it is known which one D1 refuses. */
  #nextBatch(): OutboxEntry[] {
    const entries = this.#entries();
    const most = entries[0]?.attempts ? 1 : MOST_ENTRIES;
    let characters = 0;
    const end = entries.slice(0, most).findIndex((entry, index) => {
      characters += JSON.stringify(entry.owed).length;
      return index > 0 && characters > MOST_CHARACTERS;
    });
    return entries.slice(0, end === -1 ? most : end);
  }

  async #send(batch: readonly OutboxEntry[]): Promise<void> {
    const events: Event[] = [];
    const records: AlertRecord[] = [];
    const transitions: TransitionRecord[] = [];
    let isDirectoryOwed = false;
    for (const { owed } of batch) {
      if (owed.kind === "event") events.push(owed.event);
      if (owed.kind === "transition") transitions.push(owed.transition);
      if (owed.kind === "record") records.push(owed.record);
      if (owed.kind === "directory") isDirectoryOwed = true;
    }
    const statements = [
      ...(events.length > 0 ? [insertEvents(this.#db, events)] : []),
      ...(transitions.length > 0 ? [insertTransitions(this.#db, transitions)] : []),
      ...(records.length > 0 ? [upsertAlerts(this.#db, records)] : []),
      ...(isDirectoryOwed ? [this.#directoryStatement()] : []),
    ];
    const [first, ...rest] = statements;
    if (first) await this.#db.batch([first, ...rest]);
  }

  /** The row as it is now: a service that was forgotten has none. */
  #directoryStatement() {
    const snapshot = this.#snapshot();
    return snapshot ? upsertServices(this.#db, [snapshot]) : deleteService(this.#db, this.#service);
  }
}

/** Whether D1 refused the row itself, rather than being absent, overloaded or not yet migrated. */
export function isRefusal(error: unknown): boolean {
  return /SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)|too big|datatype mismatch|malformed JSON/i.test(errorText(error));
}
