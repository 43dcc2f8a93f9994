import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Statement } from "./local-child.ts";
import type { Setup, Worker } from "./worker.ts";

/** A Worker under what `npm start` uses, whose D1 can be asked from outside. */
export interface LocalWorker extends Worker {
  query(sql: string, ...parameters: Statement["parameters"]): Promise<Record<string, unknown>[]>;
}

/** Starts a Worker under what `npm start` uses: Miniflare. */
export async function startLocal({ root, stateDir, variables = {} }: Setup): Promise<LocalWorker> {
  mkdirSync(stateDir, { recursive: true });
  const log = openSync(join(stateDir, "log"), "a");
  const child = fork(join(import.meta.dirname, "local-child.ts"), { stdio: ["ignore", log, log, "ipc"] });
  const exited = once(child, "exit");
  const ended = exited.then(() => Promise.reject(new Error(`The Worker has ended: see ${join(stateDir, "log")}`)));
  ended.catch(() => undefined);
  const ask = async (message: object) => {
    const answered = once(child, "message");
    child.send(message);
    const [answer] = await Promise.race([answered, ended]);
    return answer;
  };
  const { url } = (await ask({ root, stateDir, variables })) as { url: string };
  return {
    url: new URL(url),
    pid: workerdOf(child.pid as number),
    async query(sql, ...parameters) {
      return ((await ask({ sql, parameters } satisfies Statement)) as { results: Record<string, unknown>[] }).results;
    },
    async stop() {
      child.send("stop");
      await exited;
    },
  };
}

/** The newest workerd that a process has started. */
function workerdOf(parent: number): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.findLast((pid) => {
    try {
      const [, name, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").match(/\((.*)\) \S (\d+)/) ?? [];
      return name === "workerd" && Number(rest) === parent;
    } catch {
      return false;
    }
  });
  return Number(found);
}
