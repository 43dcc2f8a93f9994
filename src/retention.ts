import type { Config, Env } from "./config.ts";
import { DAY_MS } from "./domain/time.ts";
import { log } from "./log.ts";
import { openDatabase } from "./storage/database.ts";
import { pruneTable } from "./storage/prune.ts";
import { alerts, events, transitions } from "./storage/schema.ts";

/** A delete of so many rows is short, so that it never holds up those who add events. */
const CHUNK_ROWS = 1_000;
/** The free plan allows 50 queries an invocation; what is left is pruned by the next run. */
const MOST_CHUNKS = { events: 20, transitions: 10, alerts: 10 };

/**
 * Deletes what is older than its retention, in bounded chunks.
 * @returns how many rows of each table were deleted
 */
export async function prune(
  env: Env,
  config: Config,
  nowMs: number,
): Promise<Record<keyof typeof MOST_CHUNKS, number>> {
  const db = openDatabase(env.DB);
  const { eventsRetentionDays, recordsRetentionDays } = config;

  async function pruneAll(
    name: keyof typeof MOST_CHUNKS,
    table: typeof events | typeof transitions | typeof alerts,
    days: number,
  ): Promise<number> {
    let pruned = 0;
    for (let chunk = 0; chunk < MOST_CHUNKS[name]; chunk++) {
      const deleted = await pruneTable(db, table, nowMs - days * DAY_MS, CHUNK_ROWS);
      pruned += deleted;
      if (deleted < CHUNK_ROWS) break;
    }
    if (pruned > 0) log("info", `${name}.pruned`, { rows: pruned });
    return pruned;
  }

  return {
    events: await pruneAll("events", events, eventsRetentionDays),
    transitions: await pruneAll("transitions", transitions, recordsRetentionDays),
    alerts: await pruneAll("alerts", alerts, recordsRetentionDays),
  };
}
