import { readdirSync, readFileSync } from "node:fs";
import type { Process } from "../system/support/processes.ts";

/** What a process uses at a moment. */
export interface Use {
  /** Resident memory, in KiB. */
  memoryKib: number;
  /** Open file descriptors. */
  files: number;
}

/** The two processes that stay. */
export const NAMES = ["node", "workerd"] as const;
export type Name = (typeof NAMES)[number];

/** Finds them among the processes of a watchTower. */
export function findProcesses(processes: readonly Process[]): Record<Name, number> {
  function find(pattern: RegExp): number {
    const found = processes.find(({ command }) => pattern.test(command));
    if (found === undefined) throw new Error(`No process matches ${pattern}`);
    return found.pid;
  }
  return { node: find(/^node scripts\/start\.ts/), workerd: find(/workerd serve/) };
}

/** Measures a process (Linux only). */
export function useOf(pid: number): Use {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    memoryKib: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]),
    files: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
