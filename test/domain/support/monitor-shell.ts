import { type DeliveryState, failureEvent, noticeOfEvent, noticeOfFailure } from "../../../src/domain/alert.ts";
import type { Event } from "../../../src/domain/event.ts";
import {
  D1_LANE,
  dueDeliveries,
  laneOf,
  type OutboxEntry,
  type Owed,
  type OwedAlert,
} from "../../../src/domain/outbox.ts";
import { type Attempts, beginAttempt, databaseDelayMs, decide, type Outcome } from "../../../src/domain/retry.ts";
import type { Change, Pulse, Service, Target } from "../../../src/domain/service.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";
import { ulid } from "../../../src/domain/ulid.ts";
import { cancel, expire, forget, pause, pulse } from "../../../src/domain/verbs.ts";
import { CLAIM_MS, Ledger } from "../../../src/monitor/ledger.ts";
import { Outbox } from "../../../src/monitor/outbox.ts";
import { StateStore } from "../../../src/monitor/state-store.ts";
import { START_MS } from "./arbitraries.ts";
import { FakeStorage } from "./fake-storage.ts";
import { DEFAULTS } from "./story.ts";

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
  /** The names of all that happened, in order. */
  readonly happened: string[] = [];
  /** Whether a run was cut short which had nothing left to do but to remove the empty table. */
  leavesTable = false;
  /** How often the service was excused. */
  excused = 0;
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
 * The object and its dispatcher, without the platform: each method is what they do between two awaits, so that a test can
 * put anything else in between. What is written is written by the real ledger. D1 answers at once; what providers answer,
 * the test says.
 */
export class MonitorShell {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #outbox: Outbox;
  /** The run of the alarm, if there is one; while it waits for answers, it may wait for a timer and a nudge, too. */
  #run: { startedMs: number; underWay: Map<string, UnderWay>; hasRoom: boolean; wakeMs: number } | undefined;
  #isNudged = false;

  constructor(world: World, store: StateStore, outbox: Outbox) {
    this.#world = world;
    this.#outbox = outbox;
    const circumstances = { service: NAME, timeZone: "UTC", alertsEnabled: true, newId: world.newId };
    this.#ledger = new Ledger(world.storage, store, outbox, circumstances, {
      nudge: () => {
        this.#isNudged = true;
      },
      reset: (error) => {
        throw error;
      },
      refusedMs: () => undefined,
      excused: () => {
        world.excused++;
      },
    });
  }

  get service(): Service | undefined {
    return this.#ledger.service;
  }

  get revision(): number {
    return this.#ledger.revision;
  }

  get entries(): OutboxEntry[] {
    return [...this.#outbox.entries];
  }

  /** The lanes in which a delivery is under way, in the order in which they were begun; undefined without a run. */
  get busyLanes(): string[] | undefined {
    return this.#run && [...this.#run.underWay.keys()];
  }

  /** When a run that waits for answers looks again by itself; undefined without one. */
  get timerMs(): number | undefined {
    return this.#run?.hasRoom ? this.#run.wakeMs : undefined;
  }

  pulse(said: Pulse): void {
    const { nowMs } = this.#world;
    this.#ledger.excuseDoubtful(nowMs);
    const isNews = this.#ledger.commit(pulse(this.service, said, DEFAULTS, nowMs), nowMs);
    this.#isNudged = true;
    this.#answer(isNews);
  }

  cancel(): void {
    this.#change(cancel);
  }

  forget(): void {
    this.#change(forget);
  }

  pause(untilMs: number): void {
    this.#change((service, nowMs) => pause(service, untilMs, nowMs));
  }

  look(): void {
    this.#change(expire);
  }

  /** An event that is to be told. */
  alert(level: number): void {
    const { nowMs, newId } = this.#world;
    const event: Event = { id: newId(nowMs), service: NAME, level, message: "something", alert: true };
    this.#ledger.transaction(nowMs, () => {
      this.#ledger.owe({ kind: "event", event }, nowMs);
      const alert = { id: newId(nowMs), ...noticeOfEvent(event, nowMs) };
      this.#ledger.owe({ kind: "alert", alert, target: DEFAULT_TARGET }, nowMs);
    });
    this.#answer(true);
  }

  /** Time has passed: a run that waits may have set itself a timer. */
  tick(): void {
    if (this.#run?.hasRoom && this.#world.nowMs >= this.#run.wakeMs) this.#work();
  }

  /** The alarm goes off, and every delivery that may begin is begun. */
  beginAlarm(): void {
    const { storage, nowMs } = this.#world;
    storage.beginAlarm();
    this.#ledger.beginRun();
    this.#run = { startedMs: nowMs, underWay: new Map(), hasRoom: false, wakeMs: Infinity };
    this.#ledger.applyDue(nowMs);
    this.#work();
  }

  /** The answer to a delivery that is under way comes in. */
  settle(lane: string, outcome: Outcome): void {
    const underWay = this.#run?.underWay.get(lane);
    if (!this.#run || !underWay) throw new Error(`nothing is under way to ${lane}`);
    if (outcome.kind === "delivered") this.#world.arrived.push(underWay.owed);
    this.#ledger.transaction(this.#world.nowMs, () => this.#settle(underWay, outcome));
    this.#run.underWay.delete(lane);
    this.#work();
  }

  /** What was under way when the object was killed, and whether it arrived all the same. */
  abandon(hasArrived: boolean): void {
    for (const { owed } of this.#run?.underWay.values() ?? []) if (hasArrived) this.#world.arrived.push(owed);
    this.#world.storage.kill();
  }

  #change(verb: (service: Service, nowMs: number) => Change): void {
    const { nowMs } = this.#world;
    this.#ledger.excuseDoubtful(nowMs);
    if (this.service) this.#answer(this.#ledger.commit(verb(this.service, nowMs), nowMs));
  }

  /** Before the answer leaves, what is owed to D1 goes there; a run that has room looks whether it was nudged. */
  #answer(isNews: boolean): void {
    if (isNews) this.#flushBriefly();
    if (this.#isNudged && this.#run?.hasRoom) this.#work();
  }

  /** The loop of the dispatcher, until it waits for an answer or is done. */
  #work(): void {
    const { nowMs, storage } = this.#world;
    const run = this.#run;
    if (!run) return;
    const mayStart = nowMs - run.startedMs < LONGEST_RUN_MS;
    while (mayStart) {
      this.#ledger.applyDue(nowMs);
      if (!this.#startDue(run.underWay)) break;
    }
    this.#isNudged = false;
    run.hasRoom = mayStart && run.underWay.size < MOST_AT_ONCE;
    run.wakeMs = this.#ledger.nextWakeMs(new Set(run.underWay.keys())) ?? Infinity;
    if (run.underWay.size > 0) return;
    this.#run = undefined;
    this.#ledger.endRun();
    this.#ledger.arm(nowMs);
    this.#ledger.retire();
    storage.endAlarm();
  }

  /** Starts what is due and has room; says whether there was anything. */
  #startDue(underWay: Map<string, UnderWay>): boolean {
    const { nowMs } = this.#world;
    const due = dueDeliveries(this.#outbox.entries, new Set(underWay.keys()), nowMs);
    const started = due.slice(0, MOST_AT_ONCE - underWay.size);
    for (const entry of started) {
      if (entry.owed.kind !== "alert") {
        this.#flush(entry);
        continue;
      }
      const attempts = beginAttempt(entry.attempts, nowMs);
      this.#ledger.transaction(nowMs, () => this.#outbox.postpone(entry.id, nowMs + CLAIM_MS, attempts));
      underWay.set(entry.lane, { entry, owed: entry.owed, attempts });
    }
    return started.length > 0;
  }

  #settle({ entry: { id }, owed, attempts }: UnderWay, outcome: Outcome): void {
    const { nowMs, newId } = this.#world;
    const { alert, target } = owed;
    const verdict = decide(attempts, outcome, nowMs);
    const record = (state: DeliveryState) =>
      this.#ledger.owe({ kind: "record", record: { alert, target, state, attempts: attempts.count } }, nowMs);
    const isDropped = this.#outbox.get(id) === undefined;
    if (verdict.kind === "done") {
      // Where the service was forgotten meanwhile, not even the table may be left.
      if (!isDropped) this.#outbox.remove(id);
      record("delivered");
    } else if (!isDropped && verdict.kind === "again") {
      this.#outbox.postpone(id, verdict.atMs, verdict.attempts);
      record("pending");
    } else if (!isDropped) {
      this.#outbox.remove(id);
      record("failed");
      this.#ledger.owe({ kind: "event", event: failureEvent(newId(nowMs), alert, target, outcome.answer) }, nowMs);
      const notice = { id: newId(nowMs), ...noticeOfFailure(alert, target, outcome.answer, nowMs) };
      const news: OwedAlert = { kind: "alert", alert: notice, target: DEFAULT_TARGET };
      if (laneOf(news) !== laneOf(owed)) this.#ledger.owe(news, nowMs);
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
    if (head()?.attempts) return;
    for (let next = head(); next && !next.attempts; next = head()) this.#flush();
    this.#ledger.arm(this.#world.nowMs);
    this.#ledger.retire();
  }
}
