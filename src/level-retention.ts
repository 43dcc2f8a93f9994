import type { Config } from "./config.ts";
import { OLDEST_EVENT_SECONDS } from "./domain/limits.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "./domain/time.ts";
import { lowestUlid, ulidTimeMs } from "./domain/ulid.ts";
import type { Database } from "./storage/database.ts";
import {
  deleteOfLevels,
  deleteProgress,
  type Levels,
  lookAhead,
  readProgress,
  writeProgress,
} from "./storage/prune.ts";

/*
 * Levels that are kept for a shorter time than others. No index knows levels, since it would cost a written row for each
 * event. So the ids are walked, each once: what has grown too old since the last run lies behind where that one ended.
 */

const RUN_EVERY_MS = 10 * MINUTE_MS;
/** A step looks at so many events, and deletes those that are of its levels. */
const STEP_ROWS = 1_000;
/** How many steps a run makes, by all groups of levels together; each has up to three queries. */
const STEPS = { free: 4, paid: 40 };
/** What came within so long may be deleted whatever it is, so that a run keeps up; beyond it there is a bound. */
const SLICE_MS = 15 * MINUTE_MS;
/**
 * Events may come when the walk has passed their date. A second walk, a slow one, finds them. It begins anew each day
 * where it has come to its end, twice as far back as an event may be dated: those that came behind it are found then.
 */
const AGAIN_FROM_MS = 2 * OLDEST_EVENT_SECONDS * SECOND_MS;

/** Levels that are kept equally long, and for a shorter time than others. */
export interface LevelGroup {
  days: number;
  levels: Levels;
}

/** For how long the longest kept are kept, in days, and the levels that are not. */
export function groupsOf(config: Config): { longestDays: number; groups: LevelGroup[] } {
  const { eventsRetentionDays, eventsRetentionDaysOf } = config;
  const longestDays = Math.max(eventsRetentionDays, ...eventsRetentionDaysOf.values());
  const own = Map.groupBy(eventsRetentionDaysOf, ([, days]) => days);
  const groups = [...own].map(([days, levels]) => ({ days, levels: { only: levels.map(([level]) => level) } }));
  const others = { days: eventsRetentionDays, levels: { allBut: [...eventsRetentionDaysOf.keys()] } };
  return { longestDays, groups: [...groups, others].filter(({ days }) => days < longestDays) };
}

/**
 * Deletes what is too old of levels that are kept for a shorter time than others, within bounds; the next run goes on.
 * @param most so many may be deleted beyond what came within a slice of time
 * @returns how many were deleted
 */
export async function pruneLevels(
  db: Database,
  groups: readonly LevelGroup[],
  plan: Config["plan"],
  nowMs: number,
  most: number,
): Promise<number> {
  const before = await readProgress(db);
  const after = new Map<string, string>();
  let deleted = 0;

  async function walk(job: string, from: string, { days, levels }: LevelGroup, steps: number): Promise<void> {
    const limit = lowestUlid(nowMs - days * DAY_MS);
    let at = before.get(job) ?? from;
    let sliceEnd: string | undefined;
    for (let step = 0; step < steps; step++) {
      const ahead = await lookAhead(db, at, limit, STEP_ROWS);
      if (!ahead) {
        if (at < limit) at = limit;
        break;
      }
      const end = ahead.nextId ?? limit;
      sliceEnd ??= lowestUlid(ulidTimeMs(ahead.firstId) + SLICE_MS);
      if (at < sliceEnd) {
        const cut = end < sliceEnd ? end : sliceEnd;
        deleted += await deleteOfLevels(db, at, cut, levels, STEP_ROWS);
        at = cut;
      }
      if (at >= end) continue;
      const room = Math.min(STEP_ROWS, most - deleted);
      if (room <= 0) break;
      const rows = await deleteOfLevels(db, at, end, levels, room);
      deleted += rows;
      // There may be more of them in this step.
      if (rows === room && room < STEP_ROWS) break;
      at = end;
    }
    after.set(job, at);
  }

  const steps = Math.max(1, Math.floor(STEPS[plan] / groups.length));
  for (const group of groups) await walk(jobOf(group), lowestUlid(0), group, steps);
  const late = groups.filter(({ days }) => days * DAY_MS < OLDEST_EVENT_SECONDS * SECOND_MS);
  const begin = lowestUlid(nowMs - AGAIN_FROM_MS);
  if (nowMs % DAY_MS < RUN_EVERY_MS) {
    for (const group of late) {
      const done = lowestUlid(nowMs - group.days * DAY_MS - DAY_MS);
      const again = `${jobOf(group)} again`;
      if ((before.get(again) ?? "") >= done) before.set(again, begin);
    }
  }
  const turn = late[Math.floor(nowMs / RUN_EVERY_MS) % late.length];
  if (turn) await walk(`${jobOf(turn)} again`, begin, turn, Math.ceil(STEPS[plan] / 10));

  const jobs = new Set(groups.flatMap((group) => [jobOf(group), `${jobOf(group)} again`]));
  const stale = [...before.keys()].filter((job) => !jobs.has(job));
  if (stale.length > 0) await deleteProgress(db, stale);
  await writeProgress(db, new Map([...after].filter(([job, at]) => before.get(job) !== at)));
  return deleted;
}

/** Other levels, or another time, are another walk. */
function jobOf({ days, levels }: LevelGroup): string {
  const which = "only" in levels ? levels.only.join(",") : `all but ${levels.allBut.join(",")}`;
  return `retention: ${days} days of ${which}`;
}
