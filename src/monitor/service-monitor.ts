import { DurableObject } from "cloudflare:workers";
import { type Config, configOf, type Env } from "../config.ts";
import { type Alert, noticeOfTest } from "../domain/alert.ts";
import type { Event } from "../domain/event.ts";
import type { OutageSign } from "../domain/outage.ts";
import { type ByKey, type DevicePulse, type KeyGrant, pulseByKey } from "../domain/pulse-key.ts";
import type { Change, Pulse, Service, Target } from "../domain/service.ts";
import { isRefreshDue, refreshPhaseSeconds, type Snapshot, snapshotOf } from "../domain/snapshot.ts";
import { toldTargets } from "../domain/target.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { adopt } from "../domain/transfer.ts";
import { ulid } from "../domain/ulid.ts";
import { cancel, expire, forget, pause, pulse } from "../domain/verbs.ts";
import { errorText, log } from "../log.ts";
import { openDatabase } from "../storage/database.ts";
import { D1Lane } from "./d1-lane.ts";
import { Dispatcher } from "./dispatcher.ts";
import { EventAlerts } from "./event-alerts.ts";
import { Inquiry } from "./inquiry.ts";
import { Ledger } from "./ledger.ts";
import { Outbox } from "./outbox.ts";
import { Projection } from "./projection.ts";
import { refusedMs, rememberRefusal } from "./refusals.ts";
import { AlertSender } from "./send-alert.ts";
import { spend, withMeter } from "./spending.ts";
import { StateStore } from "./state-store.ts";

const LONGEST_ALARM_BACKOFF_MS = 10 * MINUTE_MS;

/** What the object's work costs, about: docs/deploy.md has it more exactly. */
const COST = {
  steadyPulse: { objectRequests: 1, objectRows: 1 },
  look: { objectRequests: 1 },
  change: { objectRequests: 1, objectRows: 8 },
  /** With what is asked of the sentinel and of a messenger. */
  alarm: { objectRequests: 3, objectRows: 12 },
};

/** One service: its truth, its alarm clock, and what it owes the world. Addressed by the service's name. */
export class ServiceMonitor extends DurableObject<Env> {
  readonly #name: string;
  readonly #config: Config;
  readonly #projection: Projection;
  readonly #inquiry: Inquiry;
  readonly #eventAlerts: EventAlerts;
  #ledger!: Ledger;
  #dispatcher!: Dispatcher;
  #failedAlarms = 0;
  #pulsedMs = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#name = ctx.id.name ?? "";
    this.#config = configOf(env);
    const db = openDatabase(withMeter(env).DB);
    const outbox = new Outbox(ctx.storage);
    const d1Lane = new D1Lane(outbox, db, this.#name, () => this.#snapshot(Date.now()));
    this.#projection = new Projection(this.#name, db, d1Lane, (work) => ctx.waitUntil(work));
    this.#inquiry = new Inquiry(env, this.#name);
    this.#eventAlerts = new EventAlerts(this.#config);
    const reset = (error: unknown) => this.#reset(error);
    void ctx.blockConcurrencyWhile(async () => {
      const store = await StateStore.open(ctx.storage, () => this.#projection.assumeLastMs(), reset);
      const { timeZone, alertsEnabled } = this.#config;
      const circumstances = { service: this.#name, timeZone, alertsEnabled, newId: ulid };
      const nudge = () => this.#dispatcher.nudge();
      const excused = (sign: OutageSign, sinceMs: number) => ctx.waitUntil(this.#inquiry.excused(sign, sinceMs));
      const owner = { nudge, reset, refusedMs: () => refusedMs(this.#name), excused };
      this.#ledger = new Ledger(ctx.storage, store, outbox, circumstances, owner);
      const sender = new AlertSender(env, this.#config);
      const send = (alerts: readonly Alert[], target: Target) => sender.send(alerts, target);
      this.#dispatcher = new Dispatcher(outbox, d1Lane, this.#config, this.#ledger, send);
    });
  }

  /** Registers a sign of life; durable when it returns. */
  async pulse(said: Pulse): Promise<Snapshot> {
    const nowMs = Date.now();
    this.#pulsedMs = nowMs;
    this.#ledger.excuseDoubtful(nowMs);
    const before = this.#ledger.service;
    const change = pulse(before, said, this.#config, nowMs);
    const isNews = this.#ledger.commit(change, nowMs);
    // The deadline may be nearer now than a run that is under way expects.
    this.#dispatcher.nudge();
    spend(this.env, isNews ? COST.change : COST.steadyPulse);
    if (isNews) await this.#projection.flushBriefly(this.#ledger);
    else if (before && isRefreshDue(before.lastMs, nowMs, refreshPhaseSeconds(this.#name))) {
      this.ctx.waitUntil(this.#projection.refresh(this.#ledger, this.#snapshotOf(change.service, nowMs)));
    }
    return this.#snapshotOf(change.service, nowMs);
  }

  /** Registers a sign of life by a pulse key, as far as the key allows; durable when it returns. */
  async pulseByKey(version: number, said: DevicePulse): Promise<ByKey<Snapshot>> {
    const { grant, service } = this.#ledger;
    const allowed = pulseByKey(grant, version, said, service, this.#config, Date.now());
    if ("done" in allowed) return { done: await this.pulse(allowed.done) };
    spend(this.env, COST.look);
    return allowed;
  }

  /** Cancels by a pulse key. */
  async cancelByKey(version: number): Promise<ByKey<Snapshot | null>> {
    if (this.#ledger.grant?.version === version) return { done: await this.cancel() };
    spend(this.env, COST.look);
    return { refused: { why: "revoked" } };
  }

  /** Gives the service a pulse key in place of the one before; returns its version. */
  async issueKey(maxNextInSeconds: number): Promise<number> {
    spend(this.env, COST.steadyPulse);
    return this.#ledger.issueKey(maxNextInSeconds, Date.now());
  }

  /** Takes the service's pulse key away, if it has one. */
  async revokeKey(): Promise<void> {
    spend(this.env, COST.steadyPulse);
    this.#ledger.revokeKey(Date.now());
  }

  /** The service is no longer needed; null where it was never heard of. */
  async cancel(): Promise<Snapshot | null> {
    return this.#change(cancel);
  }

  /** Cancels the service and forgets it, but for its events and transitions; null where it was never heard of. */
  async forget(): Promise<Snapshot | null> {
    const nowMs = Date.now();
    const cancelled = this.#ledger.service && cancel(this.#ledger.service, nowMs).service;
    const last = cancelled ? this.#snapshotOf(cancelled, nowMs) : null;
    // Of a service that never pulsed there may be a key, or what a rule has told.
    if (!cancelled) {
      this.#ledger.revokeKey(nowMs);
      this.#ledger.forgetHanded(nowMs);
    }
    // One step: a pulse that came between two would be acknowledged, and then forgotten.
    await this.#change(forget);
    return last;
  }

  /** The service as it is now; null where it was never heard of. */
  async snapshot(): Promise<Snapshot | null> {
    return this.#change(expire);
  }

  /** All that is kept of the service, for another watchTower; null where it was never heard of. */
  async held(): Promise<{ state: Service; key?: KeyGrant } | null> {
    await this.snapshot();
    const { service, grant } = this.#ledger;
    return service ? { state: service, ...(grant && { key: grant }) } : null;
  }

  /** Takes over what another watchTower kept of the service, unless it is known better here; returns whether it did. */
  async adopt(state: Service, key: KeyGrant | undefined): Promise<boolean> {
    const nowMs = Date.now();
    const isNewKey = key !== undefined && this.#ledger.adoptKey(key, nowMs);
    const change = adopt(state, this.#ledger.service, nowMs);
    if (!change) return isNewKey;
    this.#ledger.adopt(change, nowMs);
    spend(this.env, COST.change);
    await this.#projection.flushBriefly(this.#ledger);
    return true;
  }

  /** Keeps alerts back until a moment, or ends that where it is past; null where the service was never heard of. */
  async pause(untilMs: number): Promise<Snapshot | null> {
    return this.#change((service, nowMs) => pause(service, untilMs, nowMs));
  }

  /** Sends a test to all who are told of this service; durable when it returns. Nobody is told of an unknown one. */
  async sendTest(): Promise<void> {
    const { service } = this.#ledger;
    if (!service) return;
    const nowMs = Date.now();
    this.#ledger.transaction(nowMs, () => {
      for (const target of toldTargets(service)) {
        const alert = { id: ulid(nowMs), ...noticeOfTest(this.#name, nowMs) };
        this.#ledger.owe({ kind: "alert", alert, target }, nowMs);
      }
    });
    await this.#projection.flushBriefly(this.#ledger);
  }

  /** Sends an alert once more that was given up after `attempts` attempts; durable when it returns. */
  async sendAgain(alert: Alert, target: Target, attempts: number): Promise<void> {
    const nowMs = Date.now();
    this.#ledger.transaction(nowMs, () => this.#ledger.oweAgain({ kind: "alert", alert, target }, attempts, nowMs));
    await this.#projection.flushBriefly(this.#ledger);
  }

  /** Stores an event and alerts the default target of it; both are owed durably when it returns. */
  async alert(event: Event): Promise<void> {
    await this.alertOf([event]);
  }

  /**
   * Stores events and alerts the default target of each; all is owed durably when it returns. One that came before is
   * left as it was.
   * @returns the ids of those that came before with other content
   */
  async alertOf(events: readonly Event[]): Promise<string[]> {
    const { isNews, otherIds } = this.#eventAlerts.owe(this.#ledger, events, Date.now());
    if (isNews) await this.#projection.flushBriefly(this.#ledger);
    return otherIds;
  }

  /** Takes an alert over that a rule has raised, once, however often it is handed over; owed durably when it returns. */
  async takeAlert(alert: Alert, target: Target): Promise<void> {
    spend(this.env, COST.change);
    if (this.#config.alertsEnabled) this.#ledger.oweHanded({ kind: "alert", alert, target }, Date.now());
    await this.#projection.flushBriefly(this.#ledger);
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
      this.#ledger.armFor(nowMs + delayMs, nowMs);
    }
  }

  async #wakeUp(): Promise<void> {
    spend(this.env, COST.alarm);
    this.#ledger.beginRun();
    try {
      this.#ledger.excuseDoubtful(Date.now());
      await this.#inquiry.hold(this.#ledger);
      const nowMs = Date.now();
      // Before anything is awaited, the state is stored with its deadline, and a recovery alarm is set.
      this.#ledger.applyDue(nowMs);
      await this.#dispatcher.run(nowMs);
    } finally {
      this.#ledger.endRun();
    }
    this.#ledger.arm(Date.now());
    this.#ledger.retire();
  }

  async #change(verb: (service: Service, nowMs: number) => Change): Promise<Snapshot | null> {
    const nowMs = Date.now();
    this.#ledger.excuseDoubtful(nowMs);
    const before = this.#ledger.service;
    if (!before) {
      // It may owe something all the same, and have lost its alarm.
      this.#ledger.arm(nowMs);
      return null;
    }
    const { service, transitions } = verb(before, nowMs);
    const isNews = this.#ledger.commit({ service, transitions }, nowMs);
    spend(this.env, isNews ? COST.change : COST.look);
    if (isNews) await this.#projection.flushBriefly(this.#ledger);
    return service ? this.#snapshotOf(service, nowMs) : null;
  }

  #snapshot(nowMs: number): Snapshot | undefined {
    const service = this.#ledger.service;
    return service && this.#snapshotOf(service, nowMs);
  }

  #snapshotOf(service: Service, nowMs: number): Snapshot {
    return snapshotOf(this.#name, service, this.#ledger.revision, nowMs);
  }

  #reset(error: unknown): void {
    if (this.#pulsedMs > 0) rememberRefusal(this.#name, this.#pulsedMs);
    log("error", "storage.failed", { service: this.#name, error: errorText(error) });
    this.ctx.abort("a write was refused");
  }
}
