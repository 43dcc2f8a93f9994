import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { EventBuffer } from "../../src/monitor/event-buffer.ts";

type Buffer = DurableObjectStub<EventBuffer>;

/** When a buffer's alarm is set to come; null where it is not. */
export function bufferAlarmOf(buffer: Buffer): Promise<number | null> {
  return runInDurableObject(buffer, (_, { storage }) => storage.getAlarm());
}

/** Moves the clock to a buffer's alarm and lets it run; returns whether there was one. */
export async function runBufferAlarm(buffer: Buffer): Promise<boolean> {
  const ms = await bufferAlarmOf(buffer);
  if (ms === null) return false;
  vi.setSystemTime(Math.max(ms, Date.now()));
  return runDurableObjectAlarm(buffer);
}
