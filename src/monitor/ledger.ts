import type { DeliveryState } from "../domain/alert.ts";
import { type Circumstances, type Consequence, consequencesOf } from "../domain/consequences.ts";
import type { Event } from "../domain/event.ts";
import { doubtOf, excuse, hold, type OutageSign } from "../domain/outage.ts";
import {
  isDeathNotice,
  isStatusNoticeTo,
  nextDeliveryMs,
  type OutboxEntry,
  type Owed,
  type OwedAlert,
} from "../domain/outbox.ts";
import type { KeyGrant } from "../domain/pulse-key.ts";
import { attemptsAgain } from "../domain/retry.ts";
import { type Change, deadlineMs, expectedMs, type Service } from "../domain/service.ts";
import { sameSettings } from "../domain/snapshot.ts";
import { isSameTarget } from "../domain/target.ts";
import { SECOND_MS } from "../domain/time.ts";
import { expire } from "../domain/verbs.ts";
import { nextWake } from "../domain/wake.ts";
import { log } from "../log.ts";
import type { Outbox } from "./outbox.ts";
import type { StateStore } from "./state-store.ts";

/** An attempt under way is not begun again for so long, which is more than a provider may take. */
export const CLAIM_MS = 15 * SECOND_MS;

/** What a ledger needs of the object's storage. */
export interface LedgerStorage {
  transactionSync(work: () => void): void;
  deleteAll(): Promise<void>;
}

/** What a ledger tells the object that it belongs to. */
export interface LedgerOwner {
  /** Something more may be due. */
  nudge(): void;
  /** A write was refused: what is in memory may not be what is stored. */
  reset(error: unknown): void;
  /** When a pulse could not be stored last, where that is known. */
  refusedMs(): number | undefined;
  /** The service was excused: it has been waited for since a moment. */
  excused(sign: OutageSign, sinceMs: number): void;
}

/**
 * The service, what it owes, and the alarm that goes with both: whatever changes is written here, and every change is
 * one synchronous, atomic step.
 */
export class Ledger {
  readonly #storage: LedgerStorage;
  readonly #store: StateStore;
  readonly #outbox: Outbox;
  readonly #circumstances: Circumstances;
  readonly #owner: LedgerOwner;
  #isDelivering = false;

  constructor(
    storage: LedgerStorage,
    store: StateStore,
    outbox: Outbox,
    circumstances: Circumstances,
    owner: LedgerOwner,
  ) {
    this.#storage = storage;
    this.#store = store;
    this.#outbox = outbox;
    this.#circumstances = circumstances;
    this.#owner = owner;
  }

  /** The service; undefined before its first pulse, and once it is forgotten. */
  get service(): Service | undefined {
    return this.#store.service;
  }

  /** Rises with every change of anything but the deadline; 0 before the first. */
  get revision(): number {
    return this.#store.revision;
  }

  /** What the service's pulse key allows; undefined where it has none. */
  get grant(): KeyGrant | undefined {
    return this.#store.keys.grant;
  }

  /** Gives the service a pulse key in place of the one before; returns its version. */
  issueKey(maxNextInSeconds: number, nowMs: number): number {
    let version = 0;
    this.transaction(nowMs, () => {
      version = this.#store.keys.issue(maxNextInSeconds, nowMs).version;
    });
    return version;
  }

  /** Takes over a service as another watchTower kept it. */
  adopt(change: Change, nowMs: number): void {
    if (!this.commit(change, nowMs)) this.transaction(nowMs, () => this.owe({ kind: "directory" }, nowMs));
  }

  /** Takes over a pulse key that another watchTower has issued, unless it is older than one here; returns whether it did. */
  adoptKey(key: KeyGrant, nowMs: number): boolean {
    if (!this.#store.keys.isNewer(key)) return false;
    this.transaction(nowMs, () => this.#store.keys.adopt(key));
    return true;
  }

  /** Takes the pulse key away; where it was all that was kept, nothing is. */
  revokeKey(nowMs: number): void {
    if (!this.grant) return;
    this.transaction(nowMs, () => this.#store.keys.revoke());
    this.retire();
  }

  /** To be called first in `alarm()`: what becomes due from now on is the run's. */
  beginRun(): void {
    this.#store.spendAlarm();
    this.#isDelivering = true;
  }

  /** To be called when a run of `alarm()` delivers no more, however it ended. */
  endRun(): void {
    this.#isDelivering = false;
  }

  /** Excuses the service where its silence may be ours; to be called before time is applied. */
  excuseDoubtful(nowMs: number): void {
    const { service } = this;
    const sign = service && doubtOf(service, this.#owner.refusedMs(), nowMs);
    if (sign) this.excuse(sign, 0, nowMs);
  }

  /** Excuses an alive service for a while, and for so much more, in which it does not die. */
  excuse(sign: OutageSign, waitMs: number, nowMs: number): void {
    const { service } = this;
    if (service?.status !== "alive") return;
    const excused = excuse(service, sign, waitMs, nowMs);
    this.#write(excused, nowMs);
    log("warn", "service.excused", { service: this.#circumstances.service, sign, forMs: deadlineMs(excused) - nowMs });
    this.#owner.excused(sign, expectedMs(service));
  }

  /** Lets an alive service wait, until it is known how many others fall silent; `isUnheard` where nobody could say. */
  hold(waitMs: number, isUnheard: boolean, nowMs: number): void {
    const { service } = this;
    if (service?.status !== "alive") return;
    this.#write(hold(service, waitMs, isUnheard, nowMs), nowMs);
    log("info", "service.held", { service: this.#circumstances.service, forMs: waitMs });
  }

  /** Applies what time alone has done: while a run waits for a provider, the service may die. */
  applyDue(nowMs: number): void {
    this.excuseDoubtful(nowMs);
    const { service } = this;
    if (service) this.commit(expire(service, nowMs), nowMs);
    else this.arm(nowMs);
  }

  /**
   * Saves a change, owes what follows from it, and arms the alarm.
   * @returns whether the directory must hear of it: a new status, or other targets and the like
   */
  commit({ service, transitions }: Change, nowMs: number): boolean {
    const isNews = transitions.length > 0 || !sameSettings(this.service, service);
    if (!isNews) {
      this.#write(service, nowMs);
      return false;
    }
    this.#step(nowMs, service, () => {
      for (const consequence of consequencesOf(transitions, this.#circumstances)) this.#apply(consequence, nowMs);
      this.owe({ kind: "directory" }, nowMs);
    });
    for (const { kind } of transitions) log("info", `service.${kind}`, { service: this.#circumstances.service });
    return true;
  }

  /** Runs synchronous writes as one step, and re-arms the alarm in it; if it fails, nothing has happened. */
  transaction(nowMs: number, work: () => void): void {
    this.#step(nowMs, this.service, work);
  }

  /** Owes something more; to be called in a transaction. */
  owe(owed: Owed, nowMs: number): void {
    // A request sends what goes to D1 itself, at once: the alarm is to do it only if that fails.
    const claimedMs = owed.kind !== "alert" && !this.#isDelivering ? CLAIM_MS : 0;
    this.#outbox.add(owed, nowMs + claimedMs, nowMs);
    if (owed.kind === "alert") this.#oweRecord(owed, "pending", 0, nowMs);
  }

  /**
   * Owes an alert again that was given up after `attempts` attempts; to be called in a transaction. One that is under way
   * still, or again, stays as it is.
   */
  oweAgain(owed: OwedAlert, attempts: number, nowMs: number): void {
    const isOwed = ({ owed: other }: OutboxEntry) => other.kind === "alert" && other.alert.id === owed.alert.id;
    if ([...this.#outbox.entries].some(isOwed)) return;
    this.#outbox.add(owed, nowMs, nowMs, attemptsAgain(attempts, nowMs));
    this.#oweRecord(owed, "pending", attempts, nowMs);
  }

  /** The event of an id that is owed to D1; undefined where there is none. */
  eventOwed(id: string): Event | undefined {
    for (const { owed } of this.#outbox.entries) if (owed.kind === "event" && owed.event.id === id) return owed.event;
    return undefined;
  }

  /** Owes an alert that a rule hands over, once, however often it does; what it hands is remembered in the same step. */
  oweHanded(owed: OwedAlert, nowMs: number): void {
    const { handed } = this.#store;
    if (handed.has(owed.alert.id)) return;
    this.transaction(nowMs, () => {
      this.owe(owed, nowMs);
      handed.add(owed.alert.id);
    });
  }

  /** Forgets what rules have handed over; where it was all that was kept, nothing is. */
  forgetHanded(nowMs: number): void {
    if (this.#store.handed.isEmpty) return;
    this.transaction(nowMs, () => this.#store.handed.clear());
    this.retire();
  }

  /** When something can next happen by itself, but for the lanes in which a delivery is under way. */
  nextWakeMs(busyLanes: ReadonlySet<string>): number | undefined {
    const waiting = [...this.#outbox.entries].filter(({ lane }) => !busyLanes.has(lane));
    return nextWake(this.service, nextDeliveryMs(waiting));
  }

  /** Sets the alarm for what comes next. */
  arm(nowMs: number): void {
    this.#write(this.service, nowMs);
  }

  /** Sets the alarm for a moment, whatever comes next. */
  armFor(wakeMs: number, nowMs: number): void {
    this.#store.write(this.service, wakeMs, nowMs);
  }

  /** Where there is neither a service nor a key, and nothing is owed or remembered of rules, nothing is kept. */
  retire(): void {
    if (this.service || this.grant || !this.#outbox.isEmpty || !this.#store.handed.isEmpty) return;
    this.#storage.deleteAll().catch((error) => this.#owner.reset(error));
    this.#outbox.forgetTable();
  }

  #step(nowMs: number, serviceAfter: Service | undefined, work: () => void): void {
    this.#orReset(() => this.#storage.transactionSync(work));
    this.#write(serviceAfter, nowMs);
    this.#owner.nudge();
  }

  #orReset(work: () => void): void {
    try {
      work();
    } catch (error) {
      // Part of it may have been done in memory already: the next request starts from what is stored.
      this.#owner.reset(error);
      throw error;
    }
  }

  #write(service: Service | undefined, nowMs: number): void {
    const deliveryMs = nextDeliveryMs(this.#outbox.entries);
    // What is due while a run delivers is the run's; the alarm is there only in case it is cut short.
    const isTakenUp = this.#isDelivering && deliveryMs !== undefined && deliveryMs <= nowMs;
    const wakeMs = nextWake(service, isTakenUp ? nowMs + CLAIM_MS : deliveryMs);
    this.#orReset(() => this.#store.write(service, wakeMs, nowMs));
  }

  #apply(consequence: Consequence, nowMs: number): void {
    const entries = [...this.#outbox.entries];
    switch (consequence.kind) {
      case "drop-deaths":
        this.#drop(entries.filter(isDeathNotice), nowMs);
        break;
      case "drop-target": {
        const { target } = consequence;
        this.#drop(
          entries.filter((entry) => isStatusNoticeTo(entry, target)),
          nowMs,
        );
        break;
      }
      case "alert": {
        const { isReminder, alert, target } = consequence;
        const isWaiting = entries.some((entry) => isDeathNotice(entry) && isSameTarget(entry.owed.target, target));
        if (!isReminder || !isWaiting) this.owe({ kind: "alert", alert, target }, nowMs);
        break;
      }
      case "event":
      case "transition":
        this.owe(consequence, nowMs);
    }
  }

  #drop(entries: (OutboxEntry & { owed: OwedAlert })[], nowMs: number): void {
    for (const entry of entries) {
      this.#outbox.remove(entry.id);
      this.#oweRecord(entry.owed, "dropped", entry.attempts?.count ?? 0, nowMs);
    }
  }

  #oweRecord({ alert, target }: OwedAlert, state: DeliveryState, attempts: number, nowMs: number): void {
    this.owe({ kind: "record", record: { alert, target, state, attempts } }, nowMs);
  }
}
