import type { Env } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { Event } from "../domain/event.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { findEvents, listsOf } from "../storage/add-events.ts";
import { openDatabase } from "../storage/database.ts";
import { bufferCalls } from "./buffers.ts";
import { callMonitor } from "./call-monitor.ts";
import { within } from "./within.ts";

/*
 * Events that alert go through their service's object, which owes both, the row and the alert: so neither is lost when the
 * other fails.
 */

/** So long is D1 asked what it has. */
const TIMEOUT_MS = 5 * SECOND_MS;

/** What became of events that alert. */
interface Alerting {
  /** Those that D1 has already, by their ids; they are not told again. */
  known: Map<string, Event>;
  /** Why some are not stored, by their ids. */
  refused: Map<string, AppError>;
  /** Whether some wait in a buffer for their service's object. */
  isQueued: boolean;
}

/**
 * Gives events to their services' objects, or, where one can't be reached, to a buffer that does so later; durable when it returns.
 * @param events each id only once
 * @param givenIds the ids that come from outside, so that their events may come repeatedly
 */
export async function storeAlerting(
  env: Env,
  events: readonly Event[],
  givenIds: ReadonlySet<string>,
): Promise<Alerting> {
  const known = await findBefore(
    env,
    events.filter(({ id }) => givenIds.has(id)),
  );
  const refused = new Map<string, AppError>();
  let isQueued = false;
  const toTell = Object.groupBy(
    events.filter(({ id }) => !known.has(id)),
    ({ service }) => service,
  );
  await Promise.all(
    Object.entries(toTell).map(async ([service, own = []]) => {
      try {
        const otherIds = await callMonitor(env, service, (monitor) => monitor.alertOf(own));
        for (const id of otherIds) refused.set(id, otherContent());
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const owed = listsOf(own).map((list) => ({ kind: "alerting" as const, service, events: list }));
        if (await bufferCalls(env, owed)) {
          isQueued = true;
          log("warn", "alerting.queued", { service, events: own.length });
        } else for (const { id } of own) refused.set(id, error);
      }
    }),
  );
  return { known, refused, isQueued };
}

/** Gives events to a service's object that could not be reached before. What it got all the same is told once; throws where it can't be reached. */
export async function alertAgain(env: Env, service: string, events: readonly Event[]): Promise<void> {
  const before = await findBefore(env, events);
  const missing = events.filter(({ id }) => !before.has(id));
  if (missing.length > 0) await callMonitor(env, service, (monitor) => monitor.alertOf(missing));
}

/** Says that an id is taken. */
export function otherContent(): AppError {
  return new AppError(
    "invalid_input",
    "There is another event with this id; a repeated event must be the same in all its fields.",
  );
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
