import type { Env } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { Event } from "../domain/event.ts";
import { HOUR_MS, SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { listsOf } from "../storage/add-events.ts";
import type { EventBuffer } from "./event-buffer.ts";
import type { Owed } from "./owed-calls.ts";
import { within } from "./within.ts";

/** Several share the load of a day on which D1 fails, and stand in for one another. */
const NAMES = ["buffer 0", "buffer 1", "buffer 2", "buffer 3"];
/** After so long another one is tried; if both take the events, they are stored once all the same. */
const TIMEOUT_MS = 2 * SECOND_MS;

/** Keeps events until D1 takes them; durable when it returns. Throws an {@link AppError} where no buffer takes them. */
export async function bufferEvents(env: Env, events: readonly Event[]): Promise<void> {
  const lists = listsOf(events);
  if (await anyBuffer(env, (buffer) => buffer.add(lists))) return;
  throw new AppError("unavailable", "Events can't be stored now; please try again.", { "Retry-After": "10" });
}

/** Keeps what other objects could not be told, until they can be; durable when it returns. Returns false where no buffer takes it. */
export async function bufferCalls(env: Env, calls: readonly Owed[]): Promise<boolean> {
  return anyBuffer(env, (buffer) => buffer.owe(calls));
}

/** Asks one buffer after the other to take something, until one does. */
async function anyBuffer(
  env: Env,
  take: (buffer: DurableObjectStub<EventBuffer>) => Promise<boolean>,
): Promise<boolean> {
  const first = Math.floor(Math.random() * NAMES.length);
  for (let tries = 0; tries < NAMES.length; tries++) {
    const name = NAMES[(first + tries) % NAMES.length] as string;
    try {
      if (await within(TIMEOUT_MS, take(bufferOf(env, name)))) return true;
      log("error", "buffer.full", { buffer: name });
    } catch (error) {
      log("error", "buffer.failed", { buffer: name, error: errorText(error) });
    }
  }
  return false;
}

function bufferOf(env: Env, name: string): DurableObjectStub<EventBuffer> {
  return env.EVENT_BUFFER.getByName(name);
}

/** A buffer that holds events for longer, though it tries every ten minutes, is stuck, or D1 is. */
const STUCK_AFTER_MS = HOUR_MS;

/**
 * Asks all buffers, which makes those set their alarm again that have lost it.
 * @returns whether nothing waits longer than it should
 */
export async function wakeBuffers(env: Env): Promise<boolean> {
  const held = await Promise.all(NAMES.map((name) => bufferOf(env, name).wake()));
  return held.every(({ sinceMs }) => sinceMs === undefined || Date.now() - sinceMs < STUCK_AFTER_MS);
}
