import { readFileSync } from "node:fs";

// Read when the module is loaded: npm may be gone by the time the service is ready.
const parent = process.ppid;
const shellsParent = isShell(parent) ? parentOf(parent) : undefined;
const wasGone = isInit(shellsParent ?? parent);

const INTERVAL_MS = 250;

/**
 * Tells when the npm that started this process is gone, however it ended: it does not take its scripts along when it
 * is killed. What started npm may end, as after `nohup npm start &`.
 */
export function watchLauncher(onGone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const timer = setInterval(() => {
    const isThere = process.ppid === parent && (shellsParent === undefined || parentOf(parent) === shellsParent);
    if (isThere && !wasGone) return;
    clearInterval(timer);
    onGone();
  }, INTERVAL_MS);
}

/** Whether npm's `sh -c` stands in between, as on Linux; elsewhere it makes way for the command that it runs. */
function isShell(pid: number): boolean {
  return readProc(pid, "cmdline")?.split("\0").includes("-c") ?? false;
}

/** Whether a process is the system's first, which adopts orphans. In a container that may be npm itself. */
function isInit(pid: number): boolean {
  return pid === 1 && !/npm|yarn|bun|node/.test(readProc(pid, "cmdline") ?? "npm");
}

function parentOf(pid: number): number | undefined {
  // "pid (name) state ppid …", where the name may hold anything.
  const stat = readProc(pid, "stat");
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}
