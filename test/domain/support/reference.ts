import type { Outcome } from "../../../src/domain/retry.ts";
import type { Target } from "../../../src/domain/service.ts";
import { type Facts, type Happening, isPulse, type Story, storyOf, type Told } from "./told.ts";

const CLAIM_MS = 15_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** One thing that was ever owed. */
export interface Thing {
  lane: string;
  label: string;
  /** Whether it tells of a death, also again, or of a return. */
  about: "death" | "return" | "other";
  fate: "owed" | "delivered" | "overtaken" | "target removed" | "given up";
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

/** The lane of a target: mail is mail, whatever it is called. */
const laneOf = ({ type, target }: Target) => `${type === "email" ? "mail" : type}:${target}`;

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
  /** The deliveries under way, while the alarm runs, and what it waits for besides them. */
  run: { startedMs: number; underWay: Thing[]; hasRoom: boolean; wakeMs: number } | undefined;
  #alarmMs: number | null = null;
  #story: Story = storyOf([]);
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
    return { service: this.#story.service, lanes, alarmMs: this.#alarmMs, arrived: this.#arrived, rows: this.#rows };
  }

  get status(): string | undefined {
    return this.#story.service?.status;
  }

  get remindEverySeconds(): number {
    return this.#story.service?.remindEverySeconds ?? 0;
  }

  get isEmpty(): boolean {
    return this.#owed().length === 0;
  }

  get alarmMs(): number | null {
    return this.#alarmMs;
  }

  hear(said: Told["said"]): void {
    if (!isPulse(said) && !this.status) return;
    const isNews = this.#learn(said);
    if (isNews) this.#sendRows();
    this.#arm();
    // The deadline may be nearer now than the run expects.
    if ((isNews || isPulse(said)) && this.run?.hasRoom) this.#work();
  }

  event(levelName: string, level: number): void {
    this.#oweRow(`event ${level}@${this.nowMs}`);
    this.#oweAlert("other", `${this.#name}: ${levelName}`, this.nowMs, this.#defaultTarget);
    this.#sendRows();
    this.#arm();
    if (this.run?.hasRoom) this.#work();
  }

  /** Time passes: a run that waits for answers has set itself a timer. */
  tick(ms: number): void {
    this.nowMs += ms;
    if (ms > 0 && this.run?.hasRoom && this.nowMs >= this.run.wakeMs) this.#work();
  }

  beginAlarm(): void {
    this.run = { startedMs: this.nowMs, underWay: [], hasRoom: false, wakeMs: Infinity };
    this.#work();
  }

  settle(lane: string, outcome: Outcome): void {
    if (!this.run) throw new Error("no alarm is running");
    const thing = this.run.underWay.find((one) => one.lane === lane) as Thing;
    this.#settle(thing, outcome);
    this.run.underWay = this.run.underWay.filter((one) => one !== thing);
    this.#arm();
    this.#work();
  }

  abandon(hasArrived: boolean): void {
    for (const thing of this.run?.underWay ?? []) if (hasArrived) this.#arrived.push(`${thing.lane} ${thing.label}`);
    this.run = undefined;
  }

  /** Adds to what was told; says whether anybody must hear of it. */
  #learn(said: Told["said"]): boolean {
    const index = this.told.push({ atMs: this.nowMs, said }) - 1;
    const before = this.#story;
    this.#story = storyOf(this.told);
    const news = this.#story.happenings.filter((happening) => happening.index === index);
    for (const happening of news) this.#follow(happening);
    const isNews = news.length > 0 || before.settings !== this.#story.settings;
    if (isNews) this.#oweRow("directory");
    // A look that found nothing may as well not have been.
    else if (said === "look" && before.nextMs === this.#story.nextMs) this.told.pop();
    return isNews;
  }

  #follow(happening: Happening): void {
    switch (happening.what) {
      case "status":
        this.#oweRow(`transition ${happening.status}@${happening.atMs}`);
        break;
      case "event":
        this.#oweRow(`event ${happening.level}@${happening.atMs}`);
        break;
      case "news": {
        const { kind, atMs, targets } = happening;
        const title = `Service ${this.#name} ${kind === "dead" ? "has not pulsed" : "is pulsing again"}`;
        for (const target of targets) this.#oweAlert(kind === "dead" ? "death" : "return", title, atMs, target);
        break;
      }
      case "reminder": {
        const { atMs, targets, earlier } = happening;
        const title = `Service ${this.#name} is still not pulsing (${earlier})`;
        for (const target of targets) {
          const hasNotHeard = this.#owed().some(({ about, lane }) => about === "death" && lane === laneOf(target));
          if (!hasNotHeard) this.#oweAlert("death", title, atMs, target);
        }
        break;
      }
      case "overtaken":
        this.#drop("overtaken", ({ about }) => about === "death");
        break;
      case "removed":
        for (const target of happening.targets) {
          this.#drop("target removed", ({ about, lane }) => about !== "other" && lane === laneOf(target));
        }
    }
  }

  #drop(fate: "overtaken" | "target removed", isMeant: (thing: Thing) => boolean): void {
    for (const thing of this.#owed().filter(isMeant)) {
      thing.fate = fate;
      this.#oweRow(`record ${thing.label} dropped ${thing.tries}`);
    }
  }

  #owed(): Thing[] {
    return this.things.filter(({ fate }) => fate === "owed");
  }

  #owe(lane: string, label: string, nextMs: number, about: Thing["about"] = "other"): void {
    const untried = { tries: 0, firstMs: 0, delayMs: 0, ours: false };
    this.things.push({ lane, label, about, fate: "owed", nextMs, ...untried });
  }

  #oweRow(label: string): void {
    this.#owe("d1", label, this.run ? this.nowMs : this.nowMs + CLAIM_MS);
  }

  #oweAlert(about: Thing["about"], title: string, dateMs: number, target: Target): void {
    const label = `${title}@${dateMs}`;
    this.#owe(laneOf(target), label, this.nowMs, about);
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
    times.push(Math.max(this.nowMs + 1, this.#story.nextMs));
    const nextMs = Math.min(...times);
    this.#alarmMs = nextMs === Infinity ? null : nextMs;
  }

  /** The run does what there is to do, until it can only wait. */
  #work(): void {
    const { run } = this;
    if (!run) return;
    for (let isBusy = true; isBusy && this.#isYoung(); ) {
      if (this.status) this.#learn("look");
      this.#arm();
      isBusy = this.#startDue(run.underWay);
    }
    run.hasRoom = this.#isYoung() && run.underWay.length < 4;
    const startable = this.#heads().filter(({ lane }) => !run.underWay.some((one) => one.lane === lane));
    run.wakeMs = Math.min(this.#story.nextMs, ...startable.map(({ nextMs }) => nextMs));
    if (run.underWay.length > 0) return;
    this.run = undefined;
    this.#arm();
  }

  #isYoung(): boolean {
    return this.run !== undefined && this.nowMs - this.run.startedMs < 60_000;
  }

  /** Starts what is due; what goes to D1 takes its place among the four, but is over at once. */
  #startDue(underWay: Thing[]): boolean {
    const due = this.#heads()
      .filter(({ lane, nextMs }) => nextMs <= this.nowMs && !underWay.some((one) => one.lane === lane))
      .sort((a, b) => a.nextMs - b.nextMs || this.things.indexOf(a) - this.things.indexOf(b))
      .slice(0, 4 - underWay.length);
    for (const thing of due) {
      if (thing.lane === "d1") {
        this.#sendBatch();
        continue;
      }
      if (thing.tries === 0) thing.firstMs = this.nowMs;
      thing.tries++;
      thing.nextMs = this.nowMs + CLAIM_MS;
      underWay.push(thing);
    }
    return due.length > 0;
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
      if (lane !== defaultLane) this.#oweAlert("other", title, this.nowMs, this.#defaultTarget);
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
