import type { Config, Env } from "./config.ts";
import { DAY_MS, MINUTE_MS } from "./domain/time.ts";
import { groupsOf, type LevelGroup, pruneLevels } from "./level-retention.ts";
import { log } from "./log.ts";
import { type Database, openDatabase } from "./storage/database.ts";
import { type DatedTable, deleteOldest, oldestMs } from "./storage/prune.ts";
import { alerts, events, transitions } from "./storage/schema.ts";

/** A delete of so many rows is short, so that it never holds up those who add events. */
const CHUNK_ROWS = 1_000;
/** A run comes every ten minutes, so with this it gains on what grows too old, at half the speed at which that came in. */
const SLICE_MS = 15 * MINUTE_MS;

/** The paid plan has no quota a day that matters here: a run ends when nothing is left, or after so many deletes. */
const PAID_CHUNKS = 100;
/** So many rows of levels that are kept for a shorter time does a run delete there. */
const PAID_LEVEL_ROWS = 40_000;

/** What a run may delete of a table on the free plan, beyond which the next run goes on. */
interface Bounds {
  /**
   * However old: a day of 144 such runs costs about half of the 100,000 rows that the free plan lets D1 write, so that a
   * shorter retention does not keep new events out.
   */
  rows: number;
  /** Of what came within a slice of time, in chunks; a row costs one query a chunk, of 50 that the free plan allows. */
  chunksOfSlice: number;
}

const TABLES = {
  events: { table: events, bounds: { rows: 100, chunksOfSlice: 10 } },
  transitions: { table: transitions, bounds: { rows: 10, chunksOfSlice: 1 } },
  alerts: { table: alerts, bounds: { rows: 10, chunksOfSlice: 1 } },
} satisfies Record<string, { table: DatedTable; bounds: Bounds }>;

/**
 * Deletes what is older than its retention, within bounds.
 * @returns how many rows of each table were deleted
 */
export async function prune(env: Env, config: Config, nowMs: number): Promise<Record<keyof typeof TABLES, number>> {
  const db = openDatabase(env.DB);

  async function pruned(name: keyof typeof TABLES, days: number, groups: readonly LevelGroup[] = []): Promise<number> {
    const { table, bounds } = TABLES[name];
    const limitMs = nowMs - days * DAY_MS;
    const isPaid = config.plan === "paid";
    const oldest = isPaid
      ? await pruneChunks(db, table, limitMs, PAID_CHUNKS)
      : await pruneTable(db, table, limitMs, bounds);
    const most = isPaid ? PAID_LEVEL_ROWS : Math.max(0, bounds.rows - oldest);
    const rows = oldest + (groups.length > 0 ? await pruneLevels(db, groups, config.plan, nowMs, most) : 0);
    if (rows > 0) log("info", `${name}.pruned`, { rows });
    return rows;
  }

  const { longestDays, groups } = groupsOf(config);
  return {
    events: await pruned("events", longestDays, groups),
    transitions: await pruned("transitions", config.recordsRetentionDays),
    alerts: await pruned("alerts", config.recordsRetentionDays),
  };
}

/**
 * Deletes the oldest slice, which keeps up with whatever came in; then, if that was little, more up to a number of rows.
 * @returns how many rows were deleted
 */
async function pruneTable(db: Database, table: DatedTable, limitMs: number, bounds: Bounds): Promise<number> {
  const fromMs = await oldestMs(db, table);
  if (fromMs === undefined || fromMs >= limitMs) return 0;
  const sliceEndMs = Math.min(limitMs, fromMs + SLICE_MS);
  const deleted = await pruneChunks(db, table, sliceEndMs, bounds.chunksOfSlice);
  if (deleted >= bounds.rows || sliceEndMs === limitMs) return deleted;
  return deleted + (await deleteOldest(db, table, limitMs, bounds.rows - deleted));
}

/** Deletes what is older than a moment, oldest first, by at most so many deletes, each of which is short. */
async function pruneChunks(db: Database, table: DatedTable, limitMs: number, chunks: number): Promise<number> {
  let deleted = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const rows = await deleteOldest(db, table, limitMs, CHUNK_ROWS);
    deleted += rows;
    if (rows < CHUNK_ROWS) break;
  }
  return deleted;
}
