import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { killGroup } from "../system/support/processes.ts";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import { findProcesses, NAMES, type Name, type Use, useOf } from "./processes.ts";

/** What so many services take. */
export interface SizeFigures {
  services: number;
  processes: Record<Name, Use>;
  diskKib: number;
}

const SENDERS = 128;
/** Objects that rest are put away after ten seconds. */
const REST_MS = 30_000;

/** Measures a watchTower at its start, and when so many services have pulsed and it rests. */
export async function measureSizes(sizes: readonly number[], print: (text: string) => void): Promise<SizeFigures[]> {
  await using tower = await startWatchTower();
  // A run that is broken off leaves nothing behind.
  process.once("exit", () => killGroup(tower.group));
  const figures: SizeFigures[] = [];
  let known = 0;
  for (const size of [0, ...sizes]) {
    await pulseAll(tower, known, size);
    const busy = useAll(tower);
    if (size > 0) print(`${size} services, just now: ${JSON.stringify(busy)}`);
    known = size;
    await delay(REST_MS);
    const figure = { services: size, processes: useAll(tower), diskKib: diskOf(tower.stateDir) };
    print(JSON.stringify(figure));
    figures.push(figure);
  }
  return figures;
}

async function pulseAll(tower: WatchTower, from: number, to: number): Promise<void> {
  let next = from;
  async function send(): Promise<void> {
    while (next < to) {
      const service = `service-${next++}`;
      const response = await tower.post("/heartbeat", { service, nextIn: 86_400 });
      if (response.status !== 200) throw new Error(`${service}: ${response.status} ${await response.text()}`);
      await response.text();
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, send));
}

function useAll(tower: WatchTower): Record<Name, Use> {
  const pids = findProcesses(tower.processes());
  return Object.fromEntries(NAMES.map((name) => [name, useOf(pids[name])])) as Record<Name, Use>;
}

function diskOf(folder: string): number {
  return Number(execFileSync("du", ["-sk", folder], { encoding: "utf8" }).split("\t")[0]);
}
