import { DurableObject } from "cloudflare:workers";
import { type Config, configOf, type Env } from "../config.ts";
import type { Alert } from "../domain/alert.ts";
import { digestOf, lengthInDigest, type Message, roomInDigest } from "../domain/digest.ts";
import { hashOf } from "../domain/hash.ts";
import { admit, isUnhurried, type Pace, told, UNHURRIED, withoutDigests } from "../domain/pace.ts";
import type { Outcome } from "../domain/retry.ts";
import type { Target } from "../domain/service.ts";
import { addressOf } from "../domain/target.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { ulid } from "../domain/ulid.ts";
import { log } from "../log.ts";
import { longestText, send } from "../providers/index.ts";
import { Connections } from "./connections.ts";

/** Pushover allows two connections at once (pushover.net/api#friendly); the others don't say. */
const MOST_CONNECTIONS = 2;
/** So long does an alert wait for a connection: with what a provider may take it is less than a service waits. */
const LONGEST_WAIT_MS = 2 * SECOND_MS;
/** A digest waits so long for more that belongs into it. */
const COLLECT_MS = SECOND_MS;
const MOST_IN_A_DIGEST = 200;
/** A webhook gets the whole text of each alert, which may have 64 KiB. */
const MOST_CHARACTERS_IN_A_DIGEST = 262_144;
/** One who refuses our credentials is not bothered with them by each alert: Pushover blocks those who do. */
const REFUSED_FOR_MS = MINUTE_MS;
/** Where too many wait for a connection, they come again one after the other, so far apart. */
const APART_MS = 200;

/** What came of the wish to send an alert: what the provider said, or when to come again without having tried. */
export type Delivery = Outcome | { kind: "later"; atMs: number };

/** Alerts that go out together. */
interface Batch {
  target: Target;
  alerts: Alert[];
  /** How many more characters there is room for, in the text and in all. */
  room: { text: number; all: number };
  sent: PromiseWithResolvers<Delivery>;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * Sends the alerts of all services to one provider, or to one webhook: one by one while they are few, in digests when
 * they are many, over few connections, and none while the provider asks for patience. It owes nothing: the service's
 * object does, until it hears from here that an alert was delivered; what is forgotten here is asked for again.
 */
export class Messenger extends DurableObject<Env> {
  readonly #config: Config;
  readonly #connections = new Connections(MOST_CONNECTIONS);
  /** By the target's address. */
  readonly #paces: Map<string, Pace>;
  readonly #batches = new Map<string, Batch>();
  /** Until then the provider is not called: it has asked for patience, or has refused our credentials. */
  #patience: { untilMs: number; kind: "retry" | "credentials"; answer: string } | undefined;
  /** The last turn that was given to one of those who found no connection. */
  #turnMs = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = configOf(env);
    this.#paces = ctx.storage.kv.get<Map<string, Pace>>("paces") ?? new Map();
  }

  /** Sends an alert, by itself or together with others. Never throws; takes at most 13 seconds. */
  async deliver(alert: Alert, target: Target): Promise<Delivery> {
    const nowMs = Date.now();
    const patience = this.#patience;
    if (patience && nowMs < patience.untilMs && patience.untilMs - nowMs <= HOUR_MS) {
      const { kind, answer, untilMs } = patience;
      return kind === "retry" ? { kind, answer, retryAfterMs: untilMs - nowMs } : { kind, answer };
    }
    const address = addressOf(target);
    const before = this.#paces.get(address) ?? UNHURRIED;
    const { pace, admission } = admit(before, alert, nowMs);
    this.#paces.set(address, pace);
    // Those who wait for a digest leave this object idle, and so evicted, until they come: it must know them then.
    if (pace.digest && pace.digest.fromMs !== before.digest?.fromMs) this.#keepPaces(nowMs);
    switch (admission.kind) {
      case "later":
        return admission;
      case "single": {
        this.#keepPaces(nowMs);
        const outcome = await this.#transmit(alert, target);
        if (outcome.kind === "delivered") this.#heard(address, [alert]);
        return outcome;
      }
      case "digest": {
        const delivery = await this.#join(alert, target, address);
        return delivery ?? this.deliver(alert, target);
      }
    }
  }

  /** Puts an alert into the next digest; undefined where the target takes none. */
  async #join(alert: Alert, target: Target, address: string): Promise<Delivery | undefined> {
    const full = this.#batches.get(address);
    if (full && !hasRoom(full, alert)) this.#close(address, full);
    const batch = this.#batches.get(address) ?? this.#open(target, address);
    batch.room.text -= lengthInDigest(alert);
    batch.room.all -= alert.message.length;
    batch.alerts.push(alert);
    const delivery = await batch.sent.promise;
    // One that was alone was no digest.
    const isRefused = delivery.kind === "permanent" && batch.alerts.length > 1;
    return isRefused ? undefined : delivery;
  }

  #open(target: Target, address: string): Batch {
    const batch: Batch = {
      target,
      alerts: [],
      room: { text: roomInDigest(longestText(target)), all: MOST_CHARACTERS_IN_A_DIGEST },
      sent: Promise.withResolvers<Delivery>(),
      timer: setTimeout(() => this.#close(address, batch), COLLECT_MS),
    };
    this.#batches.set(address, batch);
    return batch;
  }

  #close(address: string, batch: Batch): void {
    clearTimeout(batch.timer);
    this.#batches.delete(address);
    this.#sendBatch(address, batch).then(batch.sent.resolve, batch.sent.reject);
  }

  async #sendBatch(address: string, { target, alerts }: Batch): Promise<Delivery> {
    const nowMs = Date.now();
    const [only] = alerts;
    const isDigest = only === undefined || alerts.length > 1;
    const message = isDigest ? digestOf(ulid(nowMs), alerts, this.#config.timeZone) : only;
    const outcome = await this.#transmit(message, target);
    if (outcome.kind === "delivered") this.#heard(address, alerts);
    if (!isDigest || outcome.kind === "later") return outcome;
    const fields = { type: target.type, alerts: alerts.length, outcome: outcome.kind };
    if (outcome.kind === "delivered") log("info", "digest.sent", fields);
    else log("warn", "digest.refused", fields);
    // It may take them one by one.
    if (outcome.kind === "permanent") this.#change(address, (pace) => withoutDigests(pace, Date.now()));
    return { ...outcome, answer: `${outcome.answer} (in a digest of ${alerts.length})` };
  }

  /** Sends a message as soon as there is a connection, unless that takes too long. */
  async #transmit(message: Message, target: Target): Promise<Delivery> {
    if (!(await this.#connections.take(LONGEST_WAIT_MS))) {
      this.#turnMs = Math.max(this.#turnMs, Date.now() + LONGEST_WAIT_MS) + APART_MS;
      return { kind: "later", atMs: this.#turnMs };
    }
    try {
      const outcome = await send(message, target, this.#config);
      this.#learnPatience(outcome, Date.now());
      return outcome;
    } finally {
      this.#connections.giveBack();
    }
  }

  #learnPatience(outcome: Outcome, nowMs: number): void {
    const answer = `not tried, since before: ${outcome.answer}`;
    if (outcome.kind === "retry" && outcome.retryAfterMs !== undefined) {
      this.#patience = { untilMs: nowMs + Math.min(outcome.retryAfterMs, HOUR_MS), kind: "retry", answer };
    } else if (outcome.kind === "credentials") {
      this.#patience = { untilMs: nowMs + REFUSED_FOR_MS, kind: "credentials", answer };
    } else if (outcome.kind === "delivered") {
      this.#patience = undefined;
    }
  }

  #heard(address: string, alerts: readonly Alert[]): void {
    const nowMs = Date.now();
    this.#change(address, (pace) => alerts.reduce((before, alert) => told(before, alert, nowMs), pace));
  }

  #change(address: string, change: (pace: Pace) => Pace): void {
    const before = this.#paces.get(address) ?? UNHURRIED;
    const after = change(before);
    if (after === before) return;
    this.#paces.set(address, after);
    this.#keepPaces(Date.now());
  }

  /** A crash or an eviction should not make ten more messages of a minute. */
  #keepPaces(nowMs: number): void {
    for (const [address, pace] of this.#paces) if (isUnhurried(pace, nowMs)) this.#paces.delete(address);
    this.ctx.storage.kv.put("paces", this.#paces);
  }
}

function hasRoom({ alerts, room }: Batch, alert: Alert): boolean {
  if (alerts.length === MOST_IN_A_DIGEST) return false;
  return room.text >= lengthInDigest(alert) && room.all >= alert.message.length;
}

/**
 * The messenger's name for a target: one for each webhook, so that a slow one holds up no other, and one for all who are
 * told by the same provider, whose connections and quota they share.
 */
export function messengerName(target: Target): string {
  const address = addressOf(target);
  // That two webhooks may share one does no harm.
  return target.type === "webhook" ? `webhook:${hashOf(address)}` : address.slice(0, address.indexOf(":"));
}
