import type { Config } from "../config.ts";
import { type AlertRecord, failureEvent, noticeOfFailure } from "../domain/alert.ts";
import { D1_LANE, dueDeliveries, laneOf, type OutboxEntry, type OwedAlert } from "../domain/outbox.ts";
import { type Attempts, beginAttempt, decide, type Outcome } from "../domain/retry.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { ulid } from "../domain/ulid.ts";
import { log } from "../log.ts";
import { send } from "../providers/index.ts";
import type { D1Lane } from "./d1-lane.ts";
import type { Outbox } from "./outbox.ts";

/** An attempt under way is not begun again for so long, which is more than a provider may take. */
export const CLAIM_MS = 15 * SECOND_MS;
/** A Worker may have six connections waiting for an answer; D1 and the directory need theirs. */
const MOST_AT_ONCE = 4;
/** An alarm may run for 15 minutes; what is still due after one is left to the next run. */
const LONGEST_RUN_MS = MINUTE_MS;

/** Delivers what is due, lane by lane, at least once; used by `alarm()` alone, of which only one runs at a time. */
export class Dispatcher {
  readonly #outbox: Outbox;
  readonly #d1Lane: D1Lane;
  readonly #config: Config;
  readonly #transaction: (work: () => void) => void;

  /** @param transaction runs synchronous writes as one step, and re-arms the alarm in the same step */
  constructor(outbox: Outbox, d1Lane: D1Lane, config: Config, transaction: (work: () => void) => void) {
    this.#outbox = outbox;
    this.#d1Lane = d1Lane;
    this.#config = config;
    this.#transaction = transaction;
  }

  /** Delivers until nothing is due; lanes don't wait for each other. */
  async run(startedMs: number): Promise<void> {
    const busyLanes = new Set<string>();
    const worker = async () => {
      while (Date.now() - startedMs < LONGEST_RUN_MS) {
        const [entry] = dueDeliveries(this.#outbox.entries, busyLanes, Date.now());
        if (!entry) return;
        busyLanes.add(entry.lane);
        try {
          await (entry.lane === D1_LANE ? this.#d1Lane.flush(CLAIM_MS) : this.#attempt(entry));
        } finally {
          busyLanes.delete(entry.lane);
        }
      }
    };
    const results = await Promise.allSettled(Array.from({ length: MOST_AT_ONCE }, worker));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #attempt(entry: OutboxEntry): Promise<void> {
    if (entry.owed.kind !== "alert") return;
    const owed = entry.owed;
    const { alert, target } = owed;
    if (!this.#config.alertsEnabled) {
      this.#transaction(() => this.#outbox.remove(entry.id));
      log("warn", "alert.dropped", { service: alert.service, alert: alert.id, reason: "ALERTS_ENABLED is false" });
      return;
    }
    const attempts = beginAttempt(entry.attempts, Date.now());
    this.#transaction(() => this.#outbox.postpone(entry.id, Date.now() + CLAIM_MS, attempts));
    const outcome = await send(alert, target, this.#config);
    this.#transaction(() => this.#settle(entry.id, owed, attempts, outcome, Date.now()));
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
      const result: AlertRecord = { alert, target, state, attempts: attempts.count, lastAnswer: outcome.answer };
      if (nextAttemptMs !== undefined) result.nextAttemptMs = nextAttemptMs;
      this.#outbox.add({ kind: "record", record: result }, nowMs, nowMs);
    };
    // While the answer was awaited, a pulse or a cancel may have dropped the notice.
    const dropped = this.#outbox.get(id) === undefined;
    if (verdict.kind === "done") {
      this.#outbox.remove(id);
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
    this.#outbox.add({ kind: "event", event: failureEvent(ulid(nowMs), alert, target, answer) }, nowMs, nowMs);
    const { defaultTarget } = this.#config;
    if (!defaultTarget) return;
    const notice = noticeOfFailure(alert, target, answer, nowMs);
    const owed: OwedAlert = { kind: "alert", alert: { id: ulid(nowMs), ...notice }, target: defaultTarget };
    if (laneOf(owed) !== laneOf({ kind: "alert", alert, target })) this.#outbox.add(owed, nowMs, nowMs);
  }
}
