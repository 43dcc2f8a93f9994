import { DurableObject } from "cloudflare:workers";
import { type Config, configOf, type Env } from "../config.ts";
import { type DeliveryState, noticeOfEvent } from "../domain/alert.ts";
import { type Consequence, consequencesOf } from "../domain/consequences.ts";
import { dateMs, type Event } from "../domain/event.ts";
import {
  isDeathNotice,
  isStatusNoticeTo,
  nextDeliveryMs,
  type OutboxEntry,
  type Owed,
  type OwedAlert,
} from "../domain/outbox.ts";
import {
  type Change,
  cancel,
  expire,
  forget,
  isSameTarget,
  type Pulse,
  pulse,
  type Service,
} from "../domain/service.ts";
import { assumedLastMs, isRefreshDue, refreshPhaseSeconds, type Snapshot, snapshotOf } from "../domain/snapshot.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { ulid } from "../domain/ulid.ts";
import { nextWake } from "../domain/wake.ts";
import { errorText, log } from "../log.ts";
import { type Database, openDatabase } from "../storage/database.ts";
import { findService, upsertServices } from "../storage/directory.ts";
import { D1Lane } from "./d1-lane.ts";
import { CLAIM_MS, Dispatcher } from "./dispatcher.ts";
import { Outbox } from "./outbox.ts";
import { StateStore } from "./state-store.ts";
import { within } from "./within.ts";

/** So long does a request wait for D1 at the most; what did not arrive by then stays owed. */
const LONGEST_WAIT_FOR_D1_MS = 2 * SECOND_MS;
const LONGEST_ALARM_BACKOFF_MS = 10 * MINUTE_MS;

/** One service: its truth, its alarm clock, and what it owes the world. Addressed by the service's name. */
export class ServiceMonitor extends DurableObject<Env> {
  readonly #name: string;
  readonly #config: Config;
  readonly #db: Database;
  readonly #outbox: Outbox;
  readonly #d1Lane: D1Lane;
  readonly #dispatcher: Dispatcher;
  #store!: StateStore;
  #isDelivering = false;
  #failedAlarms = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#name = ctx.id.name ?? "";
    this.#config = configOf(env);
    this.#db = openDatabase(env.DB);
    this.#outbox = new Outbox(ctx.storage);
    this.#d1Lane = new D1Lane(this.#outbox, this.#db, this.#name, () => this.#snapshot(Date.now()));
    this.#dispatcher = new Dispatcher(this.#outbox, this.#d1Lane, this.#config, {
      transaction: (work) => this.#transaction(work),
      owe: (owed, nowMs) => this.#owe(owed, nowMs),
      applyDue: (nowMs) => this.#applyDue(nowMs),
      nextWakeMs: (busyLanes) => {
        const waiting = [...this.#outbox.entries].filter(({ lane }) => !busyLanes.has(lane));
        return nextWake(this.#store.service, nextDeliveryMs(waiting));
      },
    });
    void ctx.blockConcurrencyWhile(async () => {
      this.#store = await StateStore.open(
        ctx.storage,
        () => this.#assumeLastMs(),
        (error) => this.#reset(error),
      );
    });
  }

  /** Registers a sign of life; durable when it returns. */
  async pulse(said: Pulse): Promise<Snapshot> {
    const nowMs = Date.now();
    const before = this.#store.service;
    const change = pulse(before, said, this.#config, nowMs);
    const isNews = this.#commit(change, nowMs);
    // The deadline may be nearer now than a run that is under way expects.
    this.#dispatcher.nudge();
    if (isNews) await this.#flushBriefly();
    else if (before && isRefreshDue(before.lastMs, nowMs, refreshPhaseSeconds(this.#name))) {
      this.ctx.waitUntil(this.#refreshDirectory());
    }
    return this.#snapshotOf(change.service, nowMs);
  }

  /** The service is no longer needed; null where it was never heard of. */
  async cancel(): Promise<Snapshot | null> {
    return this.#change(cancel);
  }

  /** Cancels the service and forgets it, but for its events and transitions; null where it was never heard of. */
  async forget(): Promise<Snapshot | null> {
    const nowMs = Date.now();
    const cancelled = this.#store.service && cancel(this.#store.service, nowMs).service;
    const last = cancelled ? this.#snapshotOf(cancelled, nowMs) : null;
    // One step: a pulse that came between two would be acknowledged, and then forgotten.
    await this.#change(forget);
    return last;
  }

  /** The service as it is now; null where it was never heard of. */
  async snapshot(): Promise<Snapshot | null> {
    return this.#change(expire);
  }

  /** Stores an event and alerts the default target of it; both are owed durably when it returns. */
  async alert(event: Event): Promise<void> {
    const nowMs = Date.now();
    this.#transaction(() => {
      this.#owe({ kind: "event", event }, nowMs);
      const { defaultTarget, alertsEnabled } = this.#config;
      if (!defaultTarget || !alertsEnabled) return;
      const alert = { id: ulid(dateMs(event)), ...noticeOfEvent(event, dateMs(event)) };
      this.#owe({ kind: "alert", alert, target: defaultTarget }, nowMs);
    });
    await this.#flushBriefly();
  }

  /** Never throws: after a few failures in a row the platform would delete the alarm, silently. */
  override async alarm(): Promise<void> {
    try {
      await this.#wakeUp();
      this.#failedAlarms = 0;
    } catch (error) {
      this.#failedAlarms++;
      const delayMs = Math.min(LONGEST_ALARM_BACKOFF_MS, 5 * SECOND_MS * 2 ** Math.min(this.#failedAlarms, 10));
      log("error", "alarm.failed", { service: this.#name, error: errorText(error), retryInMs: delayMs });
      // If not even this can be stored, the platform's own retries are all that is left: then it may throw.
      const nowMs = Date.now();
      this.#store.write(this.#store.service, nowMs + delayMs, nowMs);
    }
  }

  async #wakeUp(): Promise<void> {
    const nowMs = Date.now();
    this.#store.spendAlarm();
    this.#isDelivering = true;
    try {
      // Before anything is awaited, the state is stored with its deadline, and a recovery alarm is set.
      this.#applyDue(nowMs);
      await this.#dispatcher.run(nowMs);
    } finally {
      this.#isDelivering = false;
    }
    this.#arm(Date.now());
    this.#retire();
  }

  /** Where there is neither a service nor anything owed, nothing is kept. */
  #retire(): void {
    if (this.#store.service || !this.#outbox.isEmpty) return;
    this.ctx.storage.deleteAll().catch((error) => this.#reset(error));
    this.#outbox.forgetTable();
  }

  async #change(verb: (service: Service, nowMs: number) => Change): Promise<Snapshot | null> {
    const nowMs = Date.now();
    const before = this.#store.service;
    if (!before) return null;
    const { service, transitions } = verb(before, nowMs);
    if (this.#commit({ service, transitions }, nowMs)) await this.#flushBriefly();
    return service ? this.#snapshotOf(service, nowMs) : null;
  }

  #applyDue(nowMs: number): void {
    const service = this.#store.service;
    if (service) this.#commit(expire(service, nowMs), nowMs);
    else this.#arm(nowMs);
  }

  /**
   * Saves a change, owes what follows from it, and arms the alarm, as one atomic step.
   * @returns whether the directory must hear of it: a new status, or other targets and the like
   */
  #commit(change: Change, nowMs: number): boolean {
    const { service, transitions } = change;
    const isNews = transitions.length > 0 || !sameSettings(this.#store.service, service);
    if (!isNews) {
      this.#write(service, nowMs);
      return false;
    }
    this.#transaction(
      () => {
        const { timeZone, alertsEnabled } = this.#config;
        const circumstances = { service: this.#name, timeZone, alertsEnabled, newId: ulid };
        for (const consequence of consequencesOf(transitions, circumstances)) {
          this.#apply(consequence, nowMs);
        }
        this.#owe({ kind: "directory" }, nowMs);
      },
      () => service,
    );
    for (const { kind } of transitions) log("info", `service.${kind}`, { service: this.#name });
    return true;
  }

  #owe(owed: Owed, nowMs: number): void {
    // A request sends what goes to D1 itself, at once: the alarm is to do it only if that fails.
    const claimedMs = owed.kind !== "alert" && !this.#isDelivering ? CLAIM_MS : 0;
    this.#outbox.add(owed, nowMs + claimedMs, nowMs);
    if (owed.kind === "alert") this.#oweRecord(owed, "pending", 0, nowMs);
  }

  #oweRecord({ alert, target }: OwedAlert, state: DeliveryState, attempts: number, nowMs: number): void {
    this.#owe({ kind: "record", record: { alert, target, state, attempts } }, nowMs);
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
        if (!isReminder || !isWaiting) this.#owe({ kind: "alert", alert, target }, nowMs);
        break;
      }
      case "event":
      case "transition":
        this.#owe(consequence, nowMs);
    }
  }

  #drop(entries: (OutboxEntry & { owed: OwedAlert })[], nowMs: number): void {
    for (const entry of entries) {
      this.#outbox.remove(entry.id);
      this.#oweRecord(entry.owed, "dropped", entry.attempts?.count ?? 0, nowMs);
    }
  }

  /** Runs synchronous writes as one step with the saved service and the alarm; if it fails, nothing has happened. */
  #transaction(work: () => void, serviceAfter = () => this.#store.service): void {
    const nowMs = Date.now();
    try {
      this.ctx.storage.transactionSync(work);
      this.#write(serviceAfter(), nowMs);
      this.#dispatcher.nudge();
    } catch (error) {
      // Part of the step may have been done in memory already: the next request starts from what is stored.
      this.#reset(error);
      throw error;
    }
  }

  #arm(nowMs: number): void {
    this.#write(this.#store.service, nowMs);
  }

  #write(service: Service | undefined, nowMs: number): void {
    const deliveryMs = nextDeliveryMs(this.#outbox.entries);
    // What is due while a run delivers is the run's; the alarm is there only in case it is cut short.
    const isTakenUp = this.#isDelivering && deliveryMs !== undefined && deliveryMs <= nowMs;
    this.#store.write(service, nextWake(service, isTakenUp ? nowMs + CLAIM_MS : deliveryMs), nowMs);
  }

  /** Brings what is owed to D1 before the caller gets its answer, unless D1 is slow or failing: then it stays owed. */
  async #flushBriefly(): Promise<void> {
    if (this.#d1Lane.isBackingOff) return;
    const flushed = this.#d1Lane.flushAll(CLAIM_MS).then(() => {
      this.#arm(Date.now());
      this.#retire();
    });
    this.ctx.waitUntil(flushed);
    try {
      await within(LONGEST_WAIT_FOR_D1_MS, flushed);
    } catch (error) {
      log("warn", "d1.slow", { service: this.#name, error: errorText(error) });
    }
  }

  async #refreshDirectory(): Promise<void> {
    const snapshot = this.#snapshot(Date.now());
    if (!snapshot) return;
    try {
      await upsertServices(this.#db, [snapshot]);
    } catch (error) {
      // The next period's pulse does it again; until then lists ask this object.
      log("warn", "directory.refresh-failed", { service: this.#name, error: errorText(error) });
    }
    if (this.#store.service) return;
    // The service was forgotten meanwhile: a row that came after that must not stay.
    this.#transaction(() => this.#owe({ kind: "directory" }, Date.now()));
    await this.#flushBriefly();
  }

  #snapshot(nowMs: number): Snapshot | undefined {
    const service = this.#store.service;
    return service && this.#snapshotOf(service, nowMs);
  }

  #snapshotOf(service: Service, nowMs: number): Snapshot {
    return snapshotOf(this.#name, service, this.#store.revision, nowMs);
  }

  async #assumeLastMs(): Promise<number> {
    let row: Snapshot | undefined;
    try {
      row = await within(LONGEST_WAIT_FOR_D1_MS, findService(this.#db, this.#name));
    } catch (error) {
      log("warn", "d1.failed", { service: this.#name, error: errorText(error) });
    }
    log("error", "alarm.lost", { service: this.#name, foundInDirectory: row !== undefined });
    return assumedLastMs(row, Date.now());
  }

  #reset(error: unknown): void {
    log("error", "storage.failed", { service: this.#name, error: errorText(error) });
    this.ctx.abort("a write was refused");
  }
}

/** Whether nothing differs that people have set and that a list must show as it is; a promise may differ every time. */
function sameSettings(before: Service | undefined, after: Service | undefined): boolean {
  const settings = (service: Service | undefined) =>
    service && [
      service.targets,
      service.graceIsOwn && service.graceSeconds,
      service.remindEverySeconds,
      service.pauseUntilMs,
    ];
  return JSON.stringify(settings(before)) === JSON.stringify(settings(after));
}
