import { WatchTowerError } from "./error.ts";
import { linesOf, messagesOf } from "./stream.ts";
import type { TailOptions, WatchTowerEvent } from "./types.ts";

/** How long is waited before the next connection, where the server says nothing of it. */
const RETRY_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** What following needs of its surroundings. */
export interface Tailing {
  /** Opens the stream, with headers. */
  open: (headers: Record<string, string>) => Promise<AsyncIterable<string>>;
  sleep: (ms: number) => Promise<void>;
  /** From 0 to 1. */
  random: () => number;
}

/** The events of a stream that is opened again whenever it ends, each once. It ends by a signal, or an error for good. */
export async function* tailOf(
  { open, sleep, random }: Tailing,
  { lastEventId, signal, onError, onOpen }: TailOptions,
): AsyncGenerator<WatchTowerEvent, void, undefined> {
  let lastId = lastEventId;
  let retryMs = RETRY_MS;
  let failures = 0;
  while (!signal?.aborted) {
    let askedSeconds = 0;
    try {
      const chunks = await open(lastId === undefined ? {} : { "last-event-id": lastId });
      onOpen?.();
      for await (const { id, data, retryMs: asked } of messagesOf(linesOf(chunks))) {
        failures = 0;
        retryMs = asked ?? retryMs;
        // Where it goes on from: the server also tells so where nothing matched.
        lastId = id ?? lastId;
        if (data !== undefined) yield eventOf(data);
        if (signal?.aborted) return;
      }
      // It ended as the server wanted.
      failures = 0;
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof WatchTowerError) || !error.isTemporary) throw error;
      onError?.(error);
      failures++;
      askedSeconds = error.retryAfter ?? 0;
    }
    // Not all who were cut off shall come back at the same moment.
    const pauseMs = retryMs * 2 ** Math.max(0, failures - 1) * (1 + random() / 2);
    await sleep(Math.min(Math.max(pauseMs, askedSeconds * 1_000), LONGEST_PAUSE_MS));
  }
}

function eventOf(data: string): WatchTowerEvent {
  try {
    return JSON.parse(data) as WatchTowerEvent;
  } catch {
    throw new WatchTowerError("GET /events/tail", 200, "", "The answer is not watchTower's.");
  }
}
