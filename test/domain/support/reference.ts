import type { Outcome } from "../../../src/domain/retry.ts";
import type { Target } from "../../../src/domain/service.ts";
import { type Chapter, type Facts, storyOf, type Told } from "./told.ts";

const CLAIM_MS = 15_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** One thing that was ever owed. */
export interface Thing {
  lane: string;
  label: string;
  isDeath: boolean;
  fate: "owed" | "delivered" | "dropped" | "given up";
  nextMs: number;
  tries: number;
  firstMs: number;
  delayMs: number;
  /** Whether our credentials were ever at fault. */
  ours: boolean;
}

/** How a service looks from outside. */
export interface View {
  service: Facts | undefined;
  /** What is owed, by lane, oldest first: what it is, how often it was tried, and when it is tried next. */
  lanes: Record<string, [label: string, tries: number, nextMs: number][]>;
  alarmMs: number | null;
  /** What arrived at providers, and at D1. */
  arrived: string[];
  rows: string[];
}

/** The lane of a target. */
const laneOf = (target: Target) => `${target.type}:${target.target}`;

/**
 * What must be true, the naive way: a plain list of what was told, from which everything is found out anew each time, and
 * a plain list of what is owed. It shares types with the code under test, and nothing else.
 */
export class Reference {
  nowMs: number;
  d1IsUp = true;
  /** Everything that was ever owed, oldest first. */
  readonly things: Thing[] = [];
  readonly told: Told[] = [];
  /** The deliveries under way, while the alarm runs. */
  run: { startedMs: number; underWay: Thing[] } | undefined;
  #alarmMs: number | null = null;
  readonly #arrived: string[] = [];
  readonly #rows: string[] = [];
  readonly #name: string;
  readonly #defaultTarget: Target;

  constructor(nowMs: number, name: string, defaultTarget: Target) {
    this.nowMs = nowMs;
    this.#name = name;
    this.#defaultTarget = defaultTarget;
  }

  view(): View {
    const lanes: View["lanes"] = {};
    for (const { lane, label, tries, nextMs } of this.#owed()) {
      lanes[lane] ??= [];
      lanes[lane].push([label, tries, nextMs]);
    }
    const { service } = storyOf(this.told);
    return { service, lanes, alarmMs: this.#alarmMs, arrived: this.#arrived, rows: this.#rows };
  }

  get isKnown(): boolean {
    return this.told.length > 0;
  }

  get status(): string | undefined {
    return storyOf(this.told).service?.status;
  }

  get alarmMs(): number | null {
    return this.#alarmMs;
  }

  hear(said: Told["said"]): void {
    if (typeof said === "string" && !this.isKnown) return;
    const isNews = this.#learn(said);
    if (isNews) this.#sendRows();
    this.#arm();
  }

  event(levelName: string, level: number): void {
    this.#oweRow(`event ${level}@${this.nowMs}`);
    this.#oweAlert("event", `${this.#name}: ${levelName}`, this.nowMs, this.#defaultTarget);
    this.#sendRows();
    this.#arm();
  }

  beginAlarm(): void {
    this.run = { startedMs: this.nowMs, underWay: [] };
    if (this.isKnown) this.#learn("look");
    for (let worker = 0; worker < 4; worker++) this.#work();
    this.#endIfDone();
  }

  settle(lane: string, outcome: Outcome): void {
    if (!this.run) throw new Error("no alarm is running");
    const thing = this.run.underWay.find((one) => one.lane === lane) as Thing;
    this.#settle(thing, outcome);
    this.run.underWay = this.run.underWay.filter((one) => one !== thing);
    this.#work();
    this.#endIfDone();
  }

  abandon(hasArrived: boolean): void {
    for (const thing of this.run?.underWay ?? []) if (hasArrived) this.#arrived.push(`${thing.lane} ${thing.label}`);
    this.run = undefined;
  }

  /** Adds to what was told; says whether anybody must hear of it. */
  #learn(said: Told["said"]): boolean {
    const index = this.told.push({ atMs: this.nowMs, said }) - 1;
    const { chapters } = storyOf(this.told);
    const current = chapters.at(-1) as Chapter;
    const previous = current.index === index ? chapters.at(-2) : current;
    const hasDied = previous?.diedAt === index;
    const hasRevived = current.index === index && previous?.diedAt !== undefined && previous.cancelledAt === undefined;
    const isCancelled = current.cancelledAt === index;
    const isNewlyAlive = current.index === index && (!previous || previous.cancelledAt !== undefined);
    const hasOtherTargets =
      current.index === index && JSON.stringify(previous?.said.targets) !== JSON.stringify(current.said.targets);
    if (previous && hasDied) {
      const title = `Service ${this.#name} has not pulsed`;
      for (const target of previous.said.targets) this.#oweAlert("dead", title, previous.deadlineMs, target);
      this.#oweRow(`event 4@${previous.deadlineMs}`);
    }
    if (hasRevived || isCancelled) {
      for (const thing of this.#owed().filter(({ isDeath }) => isDeath)) {
        thing.fate = "dropped";
        this.#oweRow(`record ${thing.label} dropped ${thing.tries}`);
      }
    }
    if (hasRevived) {
      const title = `Service ${this.#name} is pulsing again`;
      for (const target of current.said.targets) this.#oweAlert("alive", title, this.nowMs, target);
      this.#oweRow(`event 2@${this.nowMs}`);
    }
    const isNews = hasDied || hasRevived || isCancelled || isNewlyAlive || hasOtherTargets;
    if (isNews) this.#oweRow("directory");
    return isNews;
  }

  #owed(): Thing[] {
    return this.things.filter(({ fate }) => fate === "owed");
  }

  #owe(lane: string, label: string, nextMs: number, isDeath = false): void {
    const untried = { tries: 0, firstMs: 0, delayMs: 0, ours: false };
    this.things.push({ lane, label, isDeath, fate: "owed", nextMs, ...untried });
  }

  #oweRow(label: string): void {
    this.#owe("d1", label, this.run ? this.nowMs : this.nowMs + CLAIM_MS);
  }

  #oweAlert(kind: "dead" | "alive" | "event", title: string, dateMs: number, target: Target): void {
    const label = `${title}@${dateMs}`;
    this.#owe(laneOf(target), label, this.nowMs, kind === "dead");
    this.#oweRow(`record ${label} pending 0`);
  }

  #heads(): Thing[] {
    const owed = this.#owed();
    return owed.filter((thing) => owed.find(({ lane }) => lane === thing.lane) === thing);
  }

  #arm(): void {
    const times: number[] = [];
    const earliestMs = Math.min(...this.#heads().map(({ nextMs }) => nextMs));
    // What is due while deliveries are under way is being done already, unless they are cut short.
    if (earliestMs > this.nowMs) times.push(earliestMs);
    else times.push(this.run ? this.nowMs + CLAIM_MS : this.nowMs + 1);
    const { chapters, service } = storyOf(this.told);
    if (service?.status === "alive") times.push(Math.max(this.nowMs + 1, (chapters.at(-1) as Chapter).deadlineMs));
    const nextMs = Math.min(...times);
    this.#alarmMs = nextMs === Infinity ? null : nextMs;
  }

  #work(): void {
    if (!this.run) return;
    const { startedMs, underWay } = this.run;
    while (this.nowMs - startedMs < 60_000) {
      const due = this.#heads().filter(
        ({ lane, nextMs }) => nextMs <= this.nowMs && !underWay.some((one) => one.lane === lane),
      );
      const first = due.find(({ nextMs }) => due.every((other) => nextMs <= other.nextMs));
      if (!first) return;
      if (first.lane === "d1") {
        this.#sendBatch();
        continue;
      }
      if (first.tries === 0) first.firstMs = this.nowMs;
      first.tries++;
      first.nextMs = this.nowMs + CLAIM_MS;
      underWay.push(first);
      return;
    }
  }

  #endIfDone(): void {
    if (this.run?.underWay.length === 0) this.run = undefined;
    this.#arm();
  }

  #settle(thing: Thing, outcome: Outcome): void {
    const { lane, label, tries, firstMs } = thing;
    if (outcome.kind === "delivered") {
      this.#arrived.push(`${lane} ${label}`);
      if (thing.fate === "owed") thing.fate = "delivered";
      this.#oweRow(`record ${label} delivered ${tries}`);
      return;
    }
    if (thing.fate !== "owed") return;
    if (outcome.kind === "credentials") thing.ours = true;
    const isTooLate = this.nowMs >= firstMs + (thing.ours ? 7 * DAY_MS : DAY_MS);
    if (outcome.kind === "permanent" || isTooLate) {
      thing.fate = "given up";
      this.#oweRow(`record ${label} failed ${tries}`);
      this.#oweRow(`event 4@${this.nowMs}`);
      const title = `Alert given up: ${label.slice(0, label.lastIndexOf("@"))}`;
      const defaultLane = laneOf(this.#defaultTarget);
      if (lane !== defaultLane) this.#owe(defaultLane, `${title}@${this.nowMs}`, this.nowMs);
      return;
    }
    let delayMs = 5_000;
    for (let i = 1; i < tries && delayMs < HOUR_MS; i++) delayMs *= 2;
    const askedMs = outcome.kind === "credentials" ? HOUR_MS : (outcome.retryAfterMs ?? 0);
    thing.delayMs = Math.min(HOUR_MS, Math.max(delayMs, askedMs, thing.delayMs));
    thing.nextMs = this.nowMs + thing.delayMs;
    this.#oweRow(`record ${label} pending ${tries}`);
  }

  /** What a request owes to D1 goes there at once, unless D1 failed lately. */
  #sendRows(): void {
    for (;;) {
      const head = this.#owed().find(({ lane }) => lane === "d1");
      if (!head || head.tries > 0) return;
      this.#sendBatch();
    }
  }

  #sendBatch(): void {
    const rows = this.#owed().filter(({ lane }) => lane === "d1");
    const head = rows[0] as Thing;
    if (!this.d1IsUp) {
      head.tries++;
      head.nextMs = this.nowMs + Math.min(600_000, 5_000 * 2 ** (head.tries - 1));
      return;
    }
    for (const row of head.tries > 0 ? [head] : rows.slice(0, 100)) {
      row.fate = "delivered";
      this.#rows.push(row.label);
    }
  }
}
