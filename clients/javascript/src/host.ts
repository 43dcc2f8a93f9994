/** What there is of Node's `process`; nothing elsewhere. */
interface HostProcess {
  on?(event: "beforeExit", listener: () => void): unknown;
  off?(event: "beforeExit", listener: () => void): unknown;
}

/**
 * Calls a listener when the host program has nothing more to do, which a crash, a signal and `process.exit` are not.
 * @returns what takes it back
 */
export function onCleanExit(listener: () => void): () => void {
  const { process } = globalThis as { process?: HostProcess };
  process?.on?.("beforeExit", listener);
  return () => process?.off?.("beforeExit", listener);
}

/** A timer that does not keep the host program alive, where the platform has such. */
export function backgroundTimer(run: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(run, ms);
  (timer as { unref?: () => void }).unref?.();
  return timer;
}
