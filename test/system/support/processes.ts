import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** A process as `ps` shows it. */
export interface Process {
  pid: number;
  command: string;
}

/** The living processes of a process group, which also holds those whose parents are gone. */
export function processesOfGroup(group: number): Process[] {
  const listing = execFileSync("ps", ["-A", "-o", "pid=,pgid=,stat=,args="], { encoding: "utf8" });
  return listing.split("\n").flatMap((line) => {
    const [, pid, pgid, stat, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)/.exec(line) ?? [];
    // A zombie only waits for its parent to look.
    return Number(pgid) === group && !stat?.startsWith("Z") ? [{ pid: Number(pid), command: command ?? "" }] : [];
  });
}

/** Waits until nothing is left of a process group; rejects with what is left. */
export async function waitUntilGone(group: number, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = processesOfGroup(group);
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`Still running: ${left.map(({ command }) => command).join(" | ")}`);
    await delay(50);
  }
}

/** Kills a whole process group with SIGKILL; one that is gone already is fine. */
export function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
