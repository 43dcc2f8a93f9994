import type { Env } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { type Event, isSameEvent } from "../domain/event.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { addEvents, findEvents } from "../storage/add-events.ts";
import { openDatabase } from "../storage/database.ts";
import { bufferEvents } from "./buffers.ts";
import { callMonitor } from "./call-monitor.ts";
import { tellRules } from "./rule-book.ts";
import { within } from "./within.ts";

/** So long does a request wait for D1; what comes through later is not doubled. */
const TIMEOUT_MS = 5 * SECOND_MS;

/** What became of events. */
export interface Stored {
  /** Why some are not stored, by their index in what was given. */
  refused: Map<number, AppError>;
  /** Whether some wait in a buffer for D1: they are durable, and in no list yet. */
  isQueued: boolean;
}

/**
 * Stores events, each once, alerts the default target of those that ask for it, and tells the rules that they match; all
 * of it is durable when it returns. An id that has other content already is refused. Throws an {@link AppError} (unavailable) where nothing is stored.
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
  await tellRules(
    env,
    events.filter((_, index) => !stored.refused.has(index)),
  );
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
  const notAlerted = await storeAlerts(
    env,
    unique.filter(({ alert }) => alert),
    givenIds,
  );
  const refused = new Map<number, AppError>();
  for (const [index, event] of events.entries()) {
    const isOther = plain.otherIds.has(event.id) || !isSameEvent(byId.get(event.id) ?? event, event);
    const error = isOther ? otherContent() : notAlerted.get(event.id);
    if (error) refused.set(index, error);
  }
  return { refused, isQueued: plain.isQueued };
}

function otherContent(): AppError {
  return new AppError(
    "invalid_input",
    "There is another event with this id; a repeated event must be the same in all its fields.",
  );
}

/**
 * Stores events in D1, or, where that fails, in a buffer that brings them there later.
 * @returns also the ids of those that D1 has with other content
 */
async function storePlain(
  env: Env,
  events: readonly Event[],
): Promise<{ otherIds: ReadonlySet<string>; isQueued: boolean }> {
  if (events.length === 0) return { otherIds: new Set(), isQueued: false };
  try {
    return { otherIds: await within(TIMEOUT_MS, addEvents(openDatabase(env.DB), events)), isQueued: false };
  } catch (error) {
    log("warn", "events.queued", { rows: events.length, error: errorText(error) });
    await bufferEvents(env, events);
    return { otherIds: new Set(), isQueued: true };
  }
}

/**
 * The service's object owes both, the row and the alert: so neither is lost when the other fails.
 * @returns why some are not stored, by their ids
 */
async function storeAlerts(
  env: Env,
  events: readonly Event[],
  givenIds: ReadonlySet<string>,
): Promise<Map<string, AppError>> {
  const before = await findBefore(
    env,
    events.filter(({ id }) => givenIds.has(id)),
  );
  const refused = new Map<string, AppError>();
  for (const event of events) {
    if (!isSameEvent(before.get(event.id) ?? event, event)) refused.set(event.id, otherContent());
  }
  const toTell = Object.groupBy(
    events.filter(({ id }) => !before.has(id)),
    ({ service }) => service,
  );
  await Promise.all(
    Object.entries(toTell).map(async ([service, own = []]) => {
      try {
        const others = await callMonitor(env, service, (monitor) => monitor.alertOf(own));
        for (const id of others) refused.set(id, otherContent());
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        for (const { id } of own) refused.set(id, error);
      }
    }),
  );
  return refused;
}

/** Which of some events D1 has. Where it can't say, they count as new: rather alerted twice than not at all. */
async function findBefore(env: Env, events: readonly Event[]): Promise<Map<string, Event>> {
  if (events.length === 0) return new Map();
  const ids = events.map(({ id }) => id);
  try {
    return await within(TIMEOUT_MS, findEvents(openDatabase(env.DB), ids));
  } catch (error) {
    log("warn", "events.not-compared", { rows: ids.length, error: errorText(error) });
    return new Map();
  }
}
