import { type ChildProcess, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

// Waits on a pipe from us: a line releases it, the end of the pipe means that we are gone.
const GUARD = 'trap "" INT TERM HUP; read -r released || kill -9 "$1"';

/** A hand on workerd's process, which Miniflare does not give out. */
export interface RuntimeGuard {
  /** Resolves with its number when it has been spawned. */
  pid: Promise<number>;
  /** Resolves when workerd ends, with what ended it. */
  ended: Promise<string>;
  /**
   * Tells workerd to end in good order: it takes no more connections, closes those that wait, answers the requests
   * under way, and ends. `atEnd` is called at that very moment, before anybody else reacts to it.
   */
  finish(atEnd: () => void): void;
}

/**
 * Sees to it that the next workerd to be spawned does not outlive this process, even if this one is killed. Miniflare
 * doesn't.
 */
export function guardNextRuntime(): RuntimeGuard {
  const pid = Promise.withResolvers<number>();
  let runtime: ChildProcess | undefined;
  let onEnd: (() => void) | undefined;
  const ended = new Promise<string>((resolve) => {
    subscribe("child_process", function meet(message) {
      const child = (message as { process: ChildProcess }).process;
      child.once("spawn", () => {
        if (!/workerd(\.exe)?$/.test(child.spawnfile)) return;
        unsubscribe("child_process", meet);
        runtime = child;
        pid.resolve(child.pid as number);
        const guard = spawn("sh", ["-c", GUARD, "guard", String(child.pid)], { stdio: ["pipe", "ignore", "ignore"] });
        // Without sh (Windows) only this net is missing.
        guard.on("error", () => undefined);
        guard.stdin.on("error", () => undefined);
        child.once("exit", (code, signal) => {
          onEnd?.();
          guard.stdin.end("released\n");
          resolve(signal ?? `exit code ${code}`);
        });
      });
    });
  });
  return {
    pid: pid.promise,
    ended,
    finish(atEnd) {
      onEnd = atEnd;
      runtime?.kill("SIGTERM");
    },
  };
}
