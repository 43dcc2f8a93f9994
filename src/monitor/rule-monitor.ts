import { DurableObject } from "cloudflare:workers";
import { configOf, type Env } from "../config.ts";
import {
  type Circumstances,
  claim,
  expire,
  follow,
  handed,
  isOver,
  type Matches,
  nextWatchMs,
  observe,
  postponed,
  type Rule,
  type Watch,
} from "../domain/rule.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { ulid } from "../domain/ulid.ts";
import { errorText, log } from "../log.ts";
import { openDatabase } from "../storage/database.ts";
import { findRule } from "../storage/rules.ts";
import { CLAIM_MS } from "./ledger.ts";
import { spend, withMeter } from "./spending.ts";
import { within } from "./within.ts";

const KEY = "watch";
/** How long it is waited for D1 to say whether a rule still holds; then what is known of it does. */
const LONGEST_WAIT_FOR_D1_MS = 2 * SECOND_MS;
const LONGEST_WAIT_FOR_SERVICE_MS = 10 * SECOND_MS;
const LONGEST_ALARM_BACKOFF_MS = 10 * MINUTE_MS;

/** What the object's work costs, about: docs/deploy.md has it more exactly. */
const COST = { matches: { objectRequests: 1, objectRows: 2 }, alarm: { objectRequests: 2, objectRows: 3 } };

/**
 * One alert rule: counts the events that match it, and hands an alert to a service's object where they are enough.
 * Addressed by the rule's name. Nothing is only in memory; `alarm()` alone hands over.
 */
export class RuleMonitor extends DurableObject<Env> {
  readonly #circumstances: Circumstances = { timeZone: configOf(this.env).timeZone, newId: ulid };
  #watch = this.ctx.storage.kv.get<Watch>(KEY);
  #armedMs: number | undefined;
  #failedAlarms = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      this.#armedMs = (await ctx.storage.getAlarm()) ?? undefined;
    });
  }

  /** Counts events that matched a rule, each once; durable when it returns. */
  async observe(rule: Rule, matches: Matches): Promise<void> {
    spend(this.env, COST.matches);
    const nowMs = Date.now();
    const watch = follow(this.#watch, rule);
    // A later rule is known here, and where this came from soon.
    if (!watch) return;
    this.#keep(observe(watch, matches, this.#circumstances, nowMs), nowMs);
  }

  /** The rule was deleted: nothing is kept of it. */
  async forget(): Promise<void> {
    spend(this.env, COST.matches);
    if (this.#watch) this.#forget();
  }

  /** Never throws: after a few failures in a row the platform would delete the alarm, silently. */
  override async alarm(): Promise<void> {
    this.#armedMs = undefined;
    try {
      await this.#wakeUp();
      this.#failedAlarms = 0;
    } catch (error) {
      this.#failedAlarms++;
      const delayMs = Math.min(LONGEST_ALARM_BACKOFF_MS, 5 * SECOND_MS * 2 ** Math.min(this.#failedAlarms, 10));
      log("error", "rule.failed", { rule: this.#watch?.rule.name, error: errorText(error), retryInMs: delayMs });
      this.#arm(Date.now() + delayMs);
    }
  }

  async #wakeUp(): Promise<void> {
    spend(this.env, COST.alarm);
    const nowMs = Date.now();
    if (!this.#watch) return;
    const watch = expire(this.#watch, this.#circumstances, nowMs);
    const { raised } = watch;
    if (raised && raised.nextMs <= nowMs) {
      // If this run is cut short, another goes on in its place.
      this.#keep(claim(watch, nowMs + CLAIM_MS), nowMs);
      await this.#handOver(raised.alert.id);
    } else if (isOver(watch, nowMs)) this.#forget();
    else this.#keep(watch, nowMs);
  }

  /** Hands the alert of an id to the object of the service of its newest event, which delivers it. */
  async #handOver(alertId: string): Promise<void> {
    await this.#checkRule();
    const watch = this.#watch;
    // Whoever changed the rule meanwhile may have made the alert pointless.
    if (!watch || watch.raised?.alert.id !== alertId) return;
    const { alert } = watch.raised;
    const { rule } = watch;
    try {
      const monitor = this.env.SERVICE_MONITOR.getByName(alert.service);
      await within(LONGEST_WAIT_FOR_SERVICE_MS, monitor.takeAlert(alert, rule.target));
      log("info", "rule.raised", { rule: rule.name, service: alert.service, alert: alert.id });
      this.#change((current) => handed(current, alertId));
    } catch (error) {
      log("warn", "rule.retry", { rule: rule.name, service: alert.service, error: errorText(error) });
      this.#change((current) => postponed(current, alertId, Date.now()));
    }
  }

  /** Looks whether the rule still holds: nothing is told of one that was deleted or looks for other events now. */
  async #checkRule(): Promise<void> {
    const asked = this.#watch?.rule;
    if (!asked) return;
    let rule: Rule | undefined;
    try {
      rule = await within(LONGEST_WAIT_FOR_D1_MS, findRule(openDatabase(withMeter(this.env).DB), asked.name));
    } catch (error) {
      log("warn", "rule.unchecked", { rule: asked.name, error: errorText(error) });
      return;
    }
    // One that was written while this was asked is right.
    if (!rule && this.#watch?.rule.writtenMs === asked.writtenMs) this.#forget();
    else if (rule) this.#change((current) => follow(current, rule) ?? current);
  }

  #change(verb: (watch: Watch) => Watch): void {
    const nowMs = Date.now();
    if (this.#watch) this.#keep(expire(verb(this.#watch), this.#circumstances, nowMs), nowMs);
  }

  /** Stores what is remembered, and sets the alarm that goes with it: one step. */
  #keep(watch: Watch, nowMs: number): void {
    try {
      if (watch !== this.#watch) this.ctx.storage.kv.put(KEY, watch);
    } catch (error) {
      this.#reset(error);
      throw error;
    }
    this.#watch = watch;
    const { atMs, isOnlyTidying } = nextWatchMs(watch);
    const isEarlyEnough = this.#armedMs !== undefined && this.#armedMs <= atMs && this.#armedMs > nowMs;
    if (isOnlyTidying && isEarlyEnough) return;
    this.#arm(Math.max(atMs, nowMs + 1));
  }

  #arm(atMs: number): void {
    if (atMs === this.#armedMs) return;
    this.#armedMs = atMs;
    this.ctx.storage.setAlarm(atMs).catch((error) => this.#reset(error));
  }

  #forget(): void {
    this.#watch = undefined;
    this.#armedMs = undefined;
    this.ctx.storage.deleteAll().catch((error) => this.#reset(error));
  }

  /** A write was refused: the next request starts from what is stored. */
  #reset(error: unknown): void {
    log("error", "rule.storage-failed", { rule: this.#watch?.rule.name, error: errorText(error) });
    this.ctx.abort("a write was refused");
  }
}
