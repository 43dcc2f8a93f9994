import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

/** A Worker that runs, in a process of its own. */
export interface Worker {
  url: URL;
  /** Of its workerd. */
  pid: number;
  stop(): Promise<void>;
}

/** What to run: the folder of a wrangler.toml, where its state is, and its variables. */
export interface Setup {
  root: string;
  stateDir: string;
  variables?: Record<string, string>;
}

/** The folder of the product, and those of the floors. */
export const ROOTS = {
  product: resolve(import.meta.dirname, ".."),
  pulse: join(import.meta.dirname, "floor-pulse"),
  event: join(import.meta.dirname, "floor-event"),
  hono: join(import.meta.dirname, "floor-hono"),
};

const PASSWORD = "a password of the usual length";
/** What every request to the product carries. */
export const HEADERS = { password: PASSWORD };

/** As `npm start` sets them: nothing is counted, and alerts go to a webhook. */
export const VARIABLES = {
  PASSWORD,
  PLAN: "paid",
  DEFAULT_ALERT_TYPE: "webhook",
  DEFAULT_ALERT_TARGET: "http://127.0.0.1:9/unused",
  ALLOW_PRIVATE_WEBHOOKS: "true",
};

/**
 * The CPU time that the threads of a process have used so far, in milliseconds. The scheduler counts it in nanoseconds;
 * what `/proc/…/stat` says has steps of 10 ms. workerd ends none of its threads before itself.
 */
export function cpuMs(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}

/** The memory that a process has, in bytes. */
export function memoryBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+) kB/)?.[1]) * 1_024;
}

/** What a folder takes on disk, in bytes: whole blocks. Files may come and go meanwhile. */
export function diskBytes(dir: string): number {
  return readdirSync(dir, { recursive: true }).reduce(
    (sum, name) => sum + (statSync(join(dir, String(name)), { throwIfNoEntry: false })?.blocks ?? 0) * 512,
    0,
  );
}
