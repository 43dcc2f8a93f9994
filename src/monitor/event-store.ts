import type { Env } from "../config.ts";
import type { AppError } from "../domain/errors.ts";
import { type Event, isSameEvent } from "../domain/event.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { addEvents } from "../storage/add-events.ts";
import { openDatabase } from "../storage/database.ts";
import { otherContent, storeAlerting } from "./alerting-events.ts";
import { bufferEvents } from "./buffers.ts";
import { ruleBook } from "./rule-book.ts";
import { within } from "./within.ts";

/** So long does a request wait for D1; what comes through later is not doubled. */
const TIMEOUT_MS = 5 * SECOND_MS;

/** What became of events. */
export interface Stored {
  /** Why some are not stored, by their index in what was given. */
  refused: Map<number, AppError>;
  /** Whether some wait in a buffer: they are durable, and in no list yet. */
  isQueued: boolean;
}

/**
 * Stores events, each once, alerts the default target of those that ask for it, and tells the rules that they match; all
 * of it is durable when it returns. An id that has other content already is refused. Throws an {@link AppError}
 * (unavailable) where nothing is stored, and where some can't be while all have ids from outside.
 * @param givenIds the ids that come from outside, so that their events may come repeatedly; all others are new
 */
export async function storeEvents(
  env: Env,
  events: readonly Event[],
  givenIds: ReadonlySet<string> = new Set(),
): Promise<Stored> {
  const stored = await store(env, events, givenIds);
  // Rules count each id once: so what comes again is told again, in case it was not told before. Nobody is told of what
  // was refused.
  await ruleBook.tell(
    env,
    events.filter((_, index) => !stored.refused.has(index)),
  );
  const unavailable = [...stored.refused.values()].find(({ code }) => code === "unavailable");
  // To come again with all of it is harmless then, and is what a program does by itself.
  if (unavailable && events.every(({ id }) => givenIds.has(id))) throw unavailable;
  return stored;
}

async function store(env: Env, events: readonly Event[], givenIds: ReadonlySet<string>): Promise<Stored> {
  const byId = new Map<string, Event>();
  for (const event of events) if (!byId.has(event.id)) byId.set(event.id, event);
  const unique = [...byId.values()];
  const plain = await storePlain(
    env,
    unique.filter(({ alert }) => !alert),
  );
  const alerting = await storeAlerting(
    env,
    unique.filter(({ alert }) => alert),
    givenIds,
  );
  const refused = new Map<number, AppError>();
  for (const [index, event] of events.entries()) {
    const first = plain.known.get(event.id) ?? alerting.known.get(event.id) ?? byId.get(event.id) ?? event;
    const error = isSameEvent(first, event) ? alerting.refused.get(event.id) : otherContent();
    if (error) refused.set(index, error);
  }
  return { refused, isQueued: plain.isQueued || alerting.isQueued };
}

/**
 * Stores events in D1, or, where that fails, in a buffer that brings them there later.
 * @returns also what D1 is known to have of them, by ids
 */
async function storePlain(
  env: Env,
  events: readonly Event[],
): Promise<{ known: ReadonlyMap<string, Event>; isQueued: boolean }> {
  if (events.length === 0) return { known: new Map(), isQueued: false };
  try {
    return { known: await within(TIMEOUT_MS, addEvents(openDatabase(env.DB), events)), isQueued: false };
  } catch (error) {
    log("warn", "events.queued", { rows: events.length, error: errorText(error) });
    await bufferEvents(env, events);
    return { known: new Map(), isQueued: true };
  }
}
