import { type ChildProcess, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

// Waits on a pipe from us: a line releases it, the end of the pipe means that we are gone.
const GUARD = 'trap "" INT TERM HUP; read -r released || kill -9 "$1"';

/** The workerd that was spawned. */
export interface GuardedRuntime {
  /** Resolves when it has been spawned. */
  pid: Promise<number>;
  /** Resolves when it ends, with what ended it. */
  ended: Promise<string>;
}

/**
 * Sees to it that the next workerd to be spawned does not outlive this process, even if this one is killed, and tells of
 * it. Miniflare does neither, nor does it hand out the process.
 */
export function guardNextRuntime(): GuardedRuntime {
  const pid = Promise.withResolvers<number>();
  const ended = new Promise<string>((resolve) => {
    subscribe("child_process", function meet(message) {
      const child = (message as { process: ChildProcess }).process;
      child.once("spawn", () => {
        if (!/workerd(\.exe)?$/.test(child.spawnfile)) return;
        unsubscribe("child_process", meet);
        pid.resolve(child.pid as number);
        const guard = spawn("sh", ["-c", GUARD, "guard", String(child.pid)], { stdio: ["pipe", "ignore", "ignore"] });
        // Without sh (Windows) only this net is missing.
        guard.on("error", () => undefined);
        guard.stdin.on("error", () => undefined);
        child.once("exit", (code, signal) => {
          guard.stdin.end("released\n");
          resolve(signal ?? `exit code ${code}`);
        });
      });
    });
  });
  return { pid: pid.promise, ended };
}
