import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { tells } from "../system/support/alerts.ts";
import { killGroup, waitUntilGone } from "../system/support/processes.ts";
import { copyProject } from "../system/support/project.ts";
import { type ProviderStub, startProviderStub } from "../system/support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import { findProcesses, median, NAMES, type Name, type Use, useOf } from "./processes.ts";

/** So many times faster than life: 24 hours in 6 minutes. */
const SPEED = 240;
const HOUR_MS = 3_600_000 / SPEED;
/** Services that pulse every minute of their life, in turn. */
const STEADY = 60;
/** What a steady service promises: with a second of grace, long enough for a busy machine. */
const NEXT_IN = 8;
/** Services that keep a promise of minutes, so that a death among them is taken for one. */
const LIVING = 100;
/** Their life: wrangler.toml's ten minutes are 2.5 seconds. */
const CRON_SECONDS = 2;
/** Events and looks in an hour. */
const EVENTS = 200;
const LOOKS = 20;

/** What was seen of one process. */
interface ProcessFigures {
  /** Medians of the second, the third and the last quarter: the first is for warming up. */
  memoryMib: [number, number, number];
  files: [number, number, number];
}

/** What a day brought. */
export interface DayFigures {
  hours: number;
  pulses: number;
  /** Requests that were not answered with 200. */
  refused: number;
  events: number;
  looks: number;
  deaths: number;
  /** Services whose pulses did not get through in time, since the machine had too much to do. */
  late: number;
  /** Services that were told dead though they pulsed. */
  falseDeaths: string[];
  cronRuns: number;
  /** By how much a cron trigger's run came after its second, in milliseconds. */
  cronLagMs: { median: number; longest: number };
  processes: Record<Name, ProcessFigures>;
}

/** Lives through so many hours of a small place's life with a watchTower under `npm start`, from a cold start. */
export async function liveThrough(hours: number, print: (text: string) => void): Promise<DayFigures> {
  await using stub = await startProviderStub();
  using project = copyProject();
  const toml = readFileSync(`${project.dir}/wrangler.toml`, "utf8");
  project.write("wrangler.toml", toml.replace(/crons = .*/, `crons = ["*/${CRON_SECONDS} * * * * *"]`));
  await using tower = await startWatchTower({
    project,
    env: {
      GRACE_SECONDS: "1",
      DEFAULT_ALERT_TYPE: "webhook",
      DEFAULT_ALERT_TARGET: `${stub.url}/alerts`,
      WATCHDOG_URL: `${stub.url}/watchdog`,
    },
  });
  // A run that is broken off leaves nothing behind.
  process.once("exit", () => killGroup(tower.group));
  const day = new Day(tower, stub, hours);
  await day.live(print);
  const figures = day.figures();
  // It may end in any way: nothing is left.
  process.kill(tower.group, "SIGKILL");
  await waitUntilGone(tower.group);
  return figures;
}

class Day {
  readonly #tower: WatchTower;
  readonly #stub: ProviderStub;
  readonly #hours: number;
  readonly #pids: Record<Name, number>;
  readonly #uses: Record<Name, Use[]> = { node: [], workerd: [] };
  readonly #mortal: string[] = [];
  readonly #lastMs = new Map<string, number>();
  /** Steady services whose pulses did not get through in time, on a machine with too much to do. */
  readonly #late = new Set<string>();
  readonly #cronLagsMs: number[] = [];
  #read = 0;
  #pulses = 0;
  #refused = 0;
  #events = 0;
  #looks = 0;
  readonly #over = new AbortController();

  constructor(tower: WatchTower, stub: ProviderStub, hours: number) {
    this.#tower = tower;
    this.#stub = stub;
    this.#hours = hours;
    this.#pids = findProcesses(tower.processes());
  }

  async live(print: (text: string) => void): Promise<void> {
    const end = delay(this.#hours * HOUR_MS).then(() => this.#over.abort());
    const lives = [
      ...Array.from({ length: STEADY }, (_, i) => this.#every(60_000, () => this.#pulse(`steady ${i}`, NEXT_IN))),
      ...Array.from({ length: LIVING }, (_, i) => this.#every(6 * 3_600_000, () => this.#pulse(`living ${i}`, 290))),
      this.#every(3_600_000 / EVENTS, () => this.#event()),
      this.#every(3_600_000 / LOOKS, () => this.#look()),
      this.#every(3_600_000 / 8, () => this.#measure()),
      this.#every(5_000, () => this.#watchCron()),
      this.#every(3_600_000, (hour) => this.#dieAndRevive(hour, print)),
    ];
    await Promise.all([end, ...lives]);
  }

  /** Does something at so many milliseconds of life, the first time somewhere within them; never twice at once. */
  async #every(ms: number, act: (count: number) => Promise<void>): Promise<void> {
    const realMs = ms / SPEED;
    let nextMs = Date.now() + Math.random() * Math.min(realMs, 1_000);
    for (let count = 0; ; count++) {
      await delay(Math.max(0, nextMs - Date.now()), undefined, { signal: this.#over.signal }).catch(() => undefined);
      if (this.#over.signal.aborted) return;
      await act(count);
      // What was missed is not made up for.
      nextMs = Math.max(nextMs + realMs, Date.now());
    }
  }

  async #ask(path: string, init: RequestInit = {}): Promise<void> {
    const response = await this.#tower.fetch(path, init);
    await response.text();
    if (response.status !== 200) this.#refused++;
  }

  async #pulse(service: string, nextIn: number): Promise<void> {
    this.#pulses++;
    await this.#ask("/heartbeat", { method: "POST", body: JSON.stringify({ service, nextIn }) });
    const nowMs = Date.now();
    const gapMs = nowMs - (this.#lastMs.get(service) ?? nowMs);
    this.#lastMs.set(service, nowMs);
    // Longer than it promised, with grace: it is dead, and rightly so.
    if (nextIn === NEXT_IN && gapMs > NEXT_IN * 1_000) this.#late.add(service);
  }

  async #event(): Promise<void> {
    const event = { service: `steady ${this.#events % STEADY}`, level: this.#events % 6, message: "x".repeat(200) };
    this.#events++;
    await this.#ask("/event", { method: "POST", body: JSON.stringify(event) });
  }

  async #look(): Promise<void> {
    const paths = [
      "/heartbeats",
      "/events?level=warning",
      "/alerts",
      "/health",
      "/hello",
      "/docs",
      "/heartbeat/living%201",
    ];
    await this.#ask(paths[this.#looks++ % paths.length] ?? "/");
  }

  /** A service breaks its promise, is told dead, pulses, and is told alive. */
  async #dieAndRevive(hour: number, print: (text: string) => void): Promise<void> {
    const service = `mortal ${hour}`;
    this.#mortal.push(service);
    await this.#pulse(service, 1);
    await this.#stub.waitFor(tells(service, "dead"), { timeoutMs: 60_000 });
    // It rests for the rest of the day.
    await this.#pulse(service, 86_400);
    await this.#stub.waitFor(tells(service, "alive"), { timeoutMs: 60_000 });
    const uses = NAMES.map((name) => this.#uses[name].at(-1));
    print(
      `hour ${hour + 1}: ${this.#pulses} pulses; ${uses.map((use) => `${use?.memoryKib} KiB, ${use?.files} files`).join("; ")}`,
    );
  }

  /** Each run of the cron trigger ends with this line: the alarm that the last one set to prove itself is not due yet. */
  async #watchCron(): Promise<void> {
    const output = this.#tower.output();
    const runs = output.slice(this.#read).match(/"watchdog\.withheld".*\n/g)?.length ?? 0;
    this.#read = output.lastIndexOf("\n") + 1;
    for (let run = 0; run < runs; run++) this.#cronLagsMs.push(Date.now() % (CRON_SECONDS * 1_000));
  }

  async #measure(): Promise<void> {
    for (const name of NAMES) this.#uses[name].push(useOf(this.#pids[name]));
  }

  figures(): DayFigures {
    const lags = this.#cronLagsMs;
    const told = (kind: "dead" | "alive") => (service: string) =>
      this.#stub.requests.filter(tells(service, kind)).length;
    const twice = this.#mortal.filter((service) => told("dead")(service) !== 1 || told("alive")(service) !== 1);
    if (twice.length > 0) throw new Error(`Not told once: ${twice}`);
    const others = [...Array(STEADY).keys()].map((i) => `steady ${i}`);
    return {
      hours: this.#hours,
      pulses: this.#pulses,
      refused: this.#refused,
      events: this.#events,
      looks: this.#looks,
      deaths: this.#mortal.length,
      late: this.#late.size,
      falseDeaths: others.filter((service) => told("dead")(service) > 0 && !this.#late.has(service)),
      cronRuns: this.#cronLagsMs.length,
      cronLagMs: { median: median(lags), longest: Math.max(...lags) },
      processes: { node: quarters(this.#uses.node), workerd: quarters(this.#uses.workerd) },
    };
  }
}

function quarters(uses: readonly Use[]): ProcessFigures {
  const length = Math.floor(uses.length / 4);
  const of = (value: (use: Use) => number) =>
    [1, 2, 3].map((quarter) => median(uses.slice(quarter * length, (quarter + 1) * length).map(value)));
  const [a = 0, b = 0, c = 0] = of(({ memoryKib }) => Math.round(memoryKib / 102.4) / 10);
  const [d = 0, e = 0, f = 0] = of(({ files }) => files);
  return { memoryMib: [a, b, c], files: [d, e, f] };
}
