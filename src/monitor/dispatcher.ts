import type { Config } from "../config.ts";
import { type Alert, type AlertRecord, failureEvent, noticeOfFailure } from "../domain/alert.ts";
import { D1_LANE, dueDeliveries, laneOf, type OutboxEntry, type OwedAlert } from "../domain/outbox.ts";
import { type Attempts, beginAttempt, decide, type Outcome } from "../domain/retry.ts";
import type { Target } from "../domain/service.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { ulid } from "../domain/ulid.ts";
import { log } from "../log.ts";
import type { D1Lane } from "./d1-lane.ts";
import { CLAIM_MS, type Ledger } from "./ledger.ts";
import type { Delivery } from "./messenger.ts";
import type { Outbox } from "./outbox.ts";

/** A Worker may have six connections waiting for an answer; D1 and the directory need theirs. */
const MOST_AT_ONCE = 4;
/** An alarm may run for 15 minutes; what is still due after one is left to the next run. */
const LONGEST_RUN_MS = MINUTE_MS;

/** Makes one attempt to send an alert; never rejects. */
type SendAlert = (alert: Alert, target: Target) => Promise<Delivery>;

/** Delivers what is due, lane by lane, at least once; used by `alarm()` alone, of which only one runs at a time. */
export class Dispatcher {
  readonly #outbox: Outbox;
  readonly #d1Lane: D1Lane;
  readonly #config: Config;
  readonly #ledger: Ledger;
  readonly #send: SendAlert;
  readonly #busyLanes = new Set<string>();
  #nudge = Promise.withResolvers<void>();

  constructor(outbox: Outbox, d1Lane: D1Lane, config: Config, ledger: Ledger, send: SendAlert) {
    this.#outbox = outbox;
    this.#d1Lane = d1Lane;
    this.#config = config;
    this.#ledger = ledger;
    this.#send = send;
  }

  /** Tells a run that something more may be due. */
  nudge(): void {
    this.#nudge.resolve();
  }

  /** Delivers until nothing is due; lanes don't wait for each other, nor does a death for a slow provider. */
  async run(startedMs: number): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (;;) {
      const nowMs = Date.now();
      const mayStart = nowMs - startedMs < LONGEST_RUN_MS && failures.length === 0;
      if (mayStart) {
        this.#nudge = Promise.withResolvers();
        this.#ledger.applyDue(nowMs);
        for (const entry of dueDeliveries(this.#outbox.entries, this.#busyLanes, nowMs)) {
          if (underWay.size >= MOST_AT_ONCE) break;
          const delivery = this.#deliver(entry)
            .catch((error) => void failures.push(error))
            .finally(() => underWay.delete(delivery));
          underWay.add(delivery);
        }
      }
      if (underWay.size === 0) break;
      await this.#waitForChange(underWay, mayStart && underWay.size < MOST_AT_ONCE);
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Waits until a delivery ends; where there is room for another, also until one may be due. */
  async #waitForChange(underWay: Set<Promise<void>>, hasRoom: boolean): Promise<void> {
    if (!hasRoom) {
      await Promise.race(underWay);
      return;
    }
    const wakeMs = this.#ledger.nextWakeMs(this.#busyLanes) ?? Number.POSITIVE_INFINITY;
    const due = Promise.withResolvers<void>();
    const timer = setTimeout(due.resolve, Math.min(LONGEST_RUN_MS, Math.max(1, wakeMs - Date.now())));
    await Promise.race([...underWay, this.#nudge.promise, due.promise]);
    clearTimeout(timer);
  }

  async #deliver(entry: OutboxEntry): Promise<void> {
    this.#busyLanes.add(entry.lane);
    try {
      await (entry.lane === D1_LANE ? this.#d1Lane.flush(CLAIM_MS) : this.#attempt(entry));
    } finally {
      this.#busyLanes.delete(entry.lane);
    }
  }

  async #attempt(entry: OutboxEntry): Promise<void> {
    if (entry.owed.kind !== "alert") return;
    const owed = entry.owed;
    const { alert, target } = owed;
    const nowMs = Date.now();
    if (!this.#config.alertsEnabled) {
      this.#ledger.transaction(nowMs, () => {
        this.#outbox.remove(entry.id);
        const attempts = entry.attempts?.count ?? 0;
        this.#ledger.owe({ kind: "record", record: { alert, target, state: "dropped", attempts } }, nowMs);
      });
      log("warn", "alert.dropped", { service: alert.service, alert: alert.id, reason: "ALERTS_ENABLED is false" });
      return;
    }
    const attempts = beginAttempt(entry.attempts, nowMs);
    this.#ledger.transaction(nowMs, () => this.#outbox.postpone(entry.id, nowMs + CLAIM_MS, attempts));
    const delivery = await this.#send(alert, target);
    const answeredMs = Date.now();
    this.#ledger.transaction(answeredMs, () => {
      // It was no attempt where nothing was tried.
      if (delivery.kind === "later") this.#outbox.postpone(entry.id, delivery.atMs, entry.attempts);
      else this.#settle(entry.id, owed, attempts, delivery, answeredMs);
    });
  }

  #settle(id: number, owed: OwedAlert, attempts: Attempts, outcome: Outcome, nowMs: number): void {
    const { alert, target } = owed;
    const verdict = decide(attempts, outcome, nowMs);
    const fields = {
      service: alert.service,
      alert: alert.id,
      kind: alert.kind,
      type: target.type,
      attempt: attempts.count,
      outcome: outcome.kind,
    };
    const record = (state: AlertRecord["state"], nextAttemptMs?: number) => {
      const result: AlertRecord = {
        alert,
        target,
        state,
        attempts: attempts.count,
        lastAnswer: outcome.answer,
        attempt: { number: attempts.count, atMs: nowMs, outcome: outcome.kind, answer: outcome.answer },
      };
      if (nextAttemptMs !== undefined) result.nextAttemptMs = nextAttemptMs;
      this.#ledger.owe({ kind: "record", record: result }, nowMs);
    };
    // While the answer was awaited, a pulse or a cancel may have dropped the notice.
    const dropped = this.#outbox.get(id) === undefined;
    if (verdict.kind === "done") {
      if (!dropped) this.#outbox.remove(id);
      record("delivered");
      log("info", "alert.delivered", fields);
    } else if (dropped) {
      log("info", "alert.dropped", fields);
    } else if (verdict.kind === "again") {
      this.#outbox.postpone(id, verdict.atMs, verdict.attempts);
      record("pending", verdict.atMs);
      log("warn", "alert.retry", { ...fields, retryInMs: verdict.atMs - nowMs });
    } else {
      this.#outbox.remove(id);
      record("failed");
      this.#tellOfFailure(owed, outcome.answer, nowMs);
      log("error", "alert.failed", fields);
    }
  }

  /** A given-up alert becomes an event, and is told to the default target, unless it is that one which fails. */
  #tellOfFailure({ alert, target }: OwedAlert, answer: string, nowMs: number): void {
    this.#ledger.owe({ kind: "event", event: failureEvent(ulid(nowMs), alert, target, answer) }, nowMs);
    const { defaultTarget } = this.#config;
    if (!defaultTarget) return;
    const notice = noticeOfFailure(alert, target, answer, nowMs);
    const owed: OwedAlert = { kind: "alert", alert: { id: ulid(nowMs), ...notice }, target: defaultTarget };
    if (laneOf(owed) !== laneOf({ kind: "alert", alert, target })) this.#ledger.owe(owed, nowMs);
  }
}
