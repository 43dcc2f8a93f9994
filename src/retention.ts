import type { Config, Env } from "./config.ts";
import { DAY_MS } from "./domain/time.ts";
import { log } from "./log.ts";
import { openDatabase } from "./storage/database.ts";
import { pruneEvents } from "./storage/event-log.ts";

/** A delete of so many rows is short, so that it never holds up those who add events. */
const CHUNK_ROWS = 1_000;
/** The free plan allows 50 queries an invocation; what is left is pruned by the next run. */
const MOST_CHUNKS = 20;

/**
 * Deletes events that are older than the retention, in bounded chunks.
 * @returns how many were deleted
 */
export async function prune(env: Env, config: Config, nowMs: number): Promise<number> {
  const db = openDatabase(env.DB);
  const beforeMs = nowMs - config.eventsRetentionDays * DAY_MS;
  let pruned = 0;
  for (let chunk = 0; chunk < MOST_CHUNKS; chunk++) {
    const deleted = await pruneEvents(db, beforeMs, CHUNK_ROWS);
    pruned += deleted;
    if (deleted < CHUNK_ROWS) break;
  }
  if (pruned > 0) log("info", "events.pruned", { rows: pruned });
  return pruned;
}
