import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SECOND_MS } from "../../src/domain/time.ts";
import { accept, HOOK, interceptProviders, MINUTELY, monitorOf } from "../support/monitor.ts";

// On the real clock: on one that stands still, an alarm that is set again and again is always the same.
afterEach(() => vi.restoreAllMocks());

const HELD_UP_MS = 500;

/** Counts what the object writes from now on, and how often anything sets itself a timer. */
async function watch(service: string) {
  const writes = await runInDurableObject(monitorOf(service), (_, { storage }) => [
    vi.spyOn(storage, "setAlarm"),
    vi.spyOn(storage, "deleteAlarm"),
    vi.spyOn(storage.kv, "put"),
    vi.spyOn(storage.sql, "exec"),
  ]);
  const timers = vi.spyOn(globalThis, "setTimeout");
  return () => ({
    writes: writes.reduce((count, { mock }) => count + mock.calls.length, 0),
    timers: timers.mock.calls.length,
  });
}

describe("a run that waits for a slow provider", () => {
  it("sleeps, also while something is due in the very lane in which it waits", async () => {
    const service = "held up";
    const { promise: answer, resolve } = Promise.withResolvers<void>();
    const received = interceptProviders(async ({ body }) => {
      if (body.kind === "dead") await answer;
      return accept();
    });
    await monitorOf(service).pulse({ ...MINUTELY, nextInSeconds: 1, graceSeconds: 0 });
    // The platform runs the alarm by itself.
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 10 * SECOND_MS });
    // The notice under way is dropped, so the one of the return is the oldest of its lane, and due.
    await monitorOf(service).pulse(MINUTELY);
    const counts = await watch(service);
    await scheduler.wait(HELD_UP_MS);
    const { writes, timers } = counts();
    expect(writes).toBe(0);
    expect(timers, "it looks neither").toBeLessThan(10);
    resolve();
    await vi.waitFor(() => expect(received.map(({ body }) => body.kind)).toEqual(["dead", "alive"]));
    expect(received.map(({ url }) => url)).toEqual([HOOK.target, HOOK.target]);
    await monitorOf(service).forget();
  });
});
