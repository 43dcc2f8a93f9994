import { failureEvent, noticeOfEvent, noticeOfFailure } from "../../../src/domain/alert.ts";
import { consequencesOf } from "../../../src/domain/consequences.ts";
import type { Event } from "../../../src/domain/event.ts";
import {
  D1_LANE,
  dueDeliveries,
  isDeathNotice,
  laneOf,
  nextDeliveryMs,
  type OutboxEntry,
  type Owed,
  type OwedAlert,
} from "../../../src/domain/outbox.ts";
import { type Attempts, beginAttempt, databaseDelayMs, decide, type Outcome } from "../../../src/domain/retry.ts";
import {
  type Change,
  cancel,
  expire,
  type Pulse,
  pulse,
  type Service,
  type Target,
} from "../../../src/domain/service.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";
import { ulid } from "../../../src/domain/ulid.ts";
import { nextWake } from "../../../src/domain/wake.ts";
import { Outbox } from "../../../src/monitor/outbox.ts";
import { StateStore } from "../../../src/monitor/state-store.ts";
import { START_MS } from "./arbitraries.ts";
import { FakeStorage } from "./fake-storage.ts";
import { DEFAULTS } from "./story.ts";

const CLAIM_MS = 15 * SECOND_MS;
const MOST_AT_ONCE = 4;
const LONGEST_RUN_MS = MINUTE_MS;
const MOST_ROWS = 100;

/** The service that all stories are about. */
export const NAME = "backup";
/** Where news goes that is nobody's own: it may be a service's target as well. */
export const DEFAULT_TARGET: Target = { type: "webhook", target: "https://default.example/hook" };

/** What is outside of the object, and outlives it. */
export class World {
  nowMs = START_MS;
  /** The latest moment that the clock ever showed. */
  latestMs = START_MS;
  readonly storage = new FakeStorage(() => this.nowMs);
  /** What providers received, in the order of arrival; a message whose answer got lost arrived, too. */
  readonly arrived: OwedAlert[] = [];
  /** What D1 received. */
  readonly rows: Owed[] = [];
  d1IsUp = true;
  shell!: MonitorShell;
  #ids = 0;

  static async create(): Promise<World> {
    const world = new World();
    await world.load();
    return world;
  }

  /** Makes the object anew from what is stored. */
  async load(): Promise<void> {
    const neverLost = () => Promise.reject(new Error("the deadline was taken for lost"));
    const store = await StateStore.open(this.storage, neverLost, (error) => {
      throw error;
    });
    this.shell = new MonitorShell(this, store, new Outbox(this.storage));
  }

  /** Ids that differ, but not from one run to the next. */
  newId = (ms: number): string => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(12, ++this.#ids);
    return ulid(ms, () => bytes);
  };
}

/** A delivery that was begun and not yet answered. */
interface UnderWay {
  entry: OutboxEntry;
  owed: OwedAlert;
  attempts: Attempts;
}

/**
 * The steps of the object and its dispatcher, without the platform: each method is what they do between two awaits, so
 * that a test can put anything else in between. D1 answers at once; what providers answer, the test says.
 */
export class MonitorShell {
  readonly #world: World;
  readonly #store: StateStore;
  readonly #outbox: Outbox;
  /** The run of the alarm, if there is one. */
  #run: { startedMs: number; underWay: Map<string, UnderWay> } | undefined;

  constructor(world: World, store: StateStore, outbox: Outbox) {
    this.#world = world;
    this.#store = store;
    this.#outbox = outbox;
  }

  get service(): Service | undefined {
    return this.#store.service;
  }

  get revision(): number {
    return this.#store.revision;
  }

  get entries(): OutboxEntry[] {
    return [...this.#outbox.entries];
  }

  /** The lanes in which a delivery is under way, in the order in which they were begun; undefined without a run. */
  get busyLanes(): string[] | undefined {
    return this.#run && [...this.#run.underWay.keys()];
  }

  pulse(said: Pulse): void {
    this.#request(pulse(this.#store.service, said, DEFAULTS, this.#world.nowMs));
  }

  cancel(): void {
    if (this.#store.service) this.#request(cancel(this.#store.service, this.#world.nowMs));
  }

  look(): void {
    if (this.#store.service) this.#request(expire(this.#store.service, this.#world.nowMs));
  }

  /** An event that is to be told. */
  alert(level: number): void {
    const { nowMs, newId } = this.#world;
    const event: Event = { id: newId(nowMs), service: NAME, level, message: "something", alert: true };
    this.#transaction(() => {
      this.#owe({ kind: "event", event });
      const alert = { id: newId(nowMs), ...noticeOfEvent(event, nowMs) };
      this.#owe({ kind: "alert", alert, target: DEFAULT_TARGET });
    });
    this.#flushBriefly();
  }

  /** The alarm goes off, and every delivery that may begin is begun. */
  beginAlarm(): void {
    const { storage, nowMs } = this.#world;
    storage.beginAlarm();
    this.#store.spendAlarm();
    this.#run = { startedMs: nowMs, underWay: new Map() };
    const service = this.#store.service;
    if (service) this.#commit(expire(service, nowMs));
    else this.#write(service);
    for (let i = 0; i < MOST_AT_ONCE; i++) this.#work();
    this.#endIfDone();
  }

  /** The answer to a delivery that is under way comes in. */
  settle(lane: string, outcome: Outcome): void {
    const underWay = this.#run?.underWay.get(lane);
    if (!this.#run || !underWay) throw new Error(`nothing is under way to ${lane}`);
    if (outcome.kind === "delivered") this.#world.arrived.push(underWay.owed);
    this.#transaction(() => this.#settle(underWay, outcome));
    this.#run.underWay.delete(lane);
    this.#work();
    this.#endIfDone();
  }

  /** What was under way when the object was killed, and whether it arrived all the same. */
  abandon(hasArrived: boolean): void {
    for (const { owed } of this.#run?.underWay.values() ?? []) if (hasArrived) this.#world.arrived.push(owed);
    this.#world.storage.kill();
  }

  #request(change: Change): void {
    if (this.#commit(change)) this.#flushBriefly();
  }

  #commit(change: Change): boolean {
    const { service, transitions } = change;
    const { newId } = this.#world;
    const before = this.#store.service;
    const isNews = transitions.length > 0 || JSON.stringify(before?.targets) !== JSON.stringify(service.targets);
    if (!isNews) {
      this.#write(service);
      return false;
    }
    this.#transaction(() => {
      const circumstances = { service: NAME, timeZone: "UTC", alertsEnabled: true, newId };
      for (const consequence of consequencesOf(transitions, circumstances)) {
        if (consequence.kind === "drop-deaths") this.#dropDeaths();
        else this.#owe(consequence);
      }
      this.#owe({ kind: "directory" });
    }, service);
    return true;
  }

  #owe(owed: Owed): void {
    const { nowMs } = this.#world;
    const claimedMs = owed.kind !== "alert" && !this.#run ? CLAIM_MS : 0;
    this.#outbox.add(owed, nowMs + claimedMs, nowMs);
    if (owed.kind !== "alert") return;
    this.#owe({ kind: "record", record: { alert: owed.alert, target: owed.target, state: "pending", attempts: 0 } });
  }

  #dropDeaths(): void {
    for (const { id, owed, attempts } of this.entries.filter(isDeathNotice)) {
      const { alert, target } = owed;
      this.#outbox.remove(id);
      this.#owe({ kind: "record", record: { alert, target, state: "dropped", attempts: attempts?.count ?? 0 } });
    }
  }

  #transaction(work: () => void, service = this.#store.service): void {
    this.#world.storage.transactionSync(work);
    this.#write(service);
  }

  #write(service: Service | undefined): void {
    const { nowMs } = this.#world;
    const deliveryMs = nextDeliveryMs(this.#outbox.entries);
    // While deliveries are under way, the alarm is there for those that are due only in case they are cut short.
    const isClaimed = this.#run !== undefined && deliveryMs !== undefined && deliveryMs <= nowMs;
    this.#store.write(service, nextWake(service, isClaimed ? nowMs + CLAIM_MS : deliveryMs), nowMs);
  }

  /** One worker of the dispatcher, until it waits for an answer or finds nothing to do. */
  #work(): void {
    const { nowMs } = this.#world;
    const run = this.#run;
    while (run && nowMs - run.startedMs < LONGEST_RUN_MS) {
      const [entry] = dueDeliveries(this.#outbox.entries, new Set(run.underWay.keys()), nowMs);
      if (!entry) return;
      if (entry.owed.kind !== "alert") {
        this.#flush(entry);
        this.#write(this.#store.service);
        continue;
      }
      const attempts = beginAttempt(entry.attempts, nowMs);
      this.#transaction(() => this.#outbox.postpone(entry.id, nowMs + CLAIM_MS, attempts));
      run.underWay.set(entry.lane, { entry, owed: entry.owed, attempts });
      return;
    }
  }

  #endIfDone(): void {
    if (!this.#run || this.#run.underWay.size > 0) return;
    this.#run = undefined;
    this.#write(this.#store.service);
    this.#world.storage.endAlarm();
  }

  #settle({ entry: { id }, owed, attempts }: UnderWay, outcome: Outcome): void {
    const { nowMs, newId } = this.#world;
    const { alert, target } = owed;
    const verdict = decide(attempts, outcome, nowMs);
    const record = (state: "pending" | "delivered" | "failed") =>
      this.#owe({ kind: "record", record: { alert, target, state, attempts: attempts.count } });
    const isDropped = this.#outbox.get(id) === undefined;
    if (verdict.kind === "done") {
      this.#outbox.remove(id);
      record("delivered");
    } else if (!isDropped && verdict.kind === "again") {
      this.#outbox.postpone(id, verdict.atMs, verdict.attempts);
      record("pending");
    } else if (!isDropped) {
      this.#outbox.remove(id);
      record("failed");
      this.#owe({ kind: "event", event: failureEvent(newId(nowMs), alert, target, outcome.answer) });
      const notice = { id: newId(nowMs), ...noticeOfFailure(alert, target, outcome.answer, nowMs) };
      const news: OwedAlert = { kind: "alert", alert: notice, target: DEFAULT_TARGET };
      if (laneOf(news) !== laneOf(owed)) this.#outbox.add(news, nowMs, nowMs);
    }
  }

  /** Brings one batch to D1. */
  #flush(due?: OutboxEntry): void {
    const { nowMs, d1IsUp, rows } = this.#world;
    const entries = this.entries.filter(({ lane }) => lane === D1_LANE);
    const [head] = entries;
    if (!head) return;
    if (due && due.id !== head.id) throw new Error("the head of the lane is not its oldest entry");
    const attempts = beginAttempt(head.attempts, nowMs);
    if (!d1IsUp) {
      this.#outbox.postpone(head.id, nowMs + databaseDelayMs(attempts.count), attempts);
      return;
    }
    for (const { id, owed } of entries.slice(0, head.attempts ? 1 : MOST_ROWS)) {
      rows.push(owed);
      this.#outbox.remove(id);
    }
  }

  #flushBriefly(): void {
    const head = () => this.entries.find(({ lane }) => lane === D1_LANE);
    for (let next = head(); next && !next.attempts; next = head()) this.#flush();
    this.#write(this.#store.service);
  }
}
