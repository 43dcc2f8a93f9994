import { and, desc, type SQL, sql } from "drizzle-orm";
import { type EventFilter, idRange } from "../domain/event.ts";
import type { Buckets } from "../domain/histogram.ts";
import { ERROR_LEVEL, LEVEL_NAMES } from "../domain/level.ts";
import { SECOND_MS, toSeconds } from "../domain/time.ts";
import { lowestUlid, ulidTimeMs } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
import { conditionsOf, literal } from "./event-search.ts";
import { limitOf } from "./page.ts";
import { events } from "./schema.ts";

/**
 * Counting looks at no more than so many events, the newest: D1 counts the rows that it reads, two for each of them, and
 * two more where services are counted. The free plan has five million a day.
 */
export const MOST_COUNTED = { free: 10_000, paid: 200_000 };

/** How many services are counted by name. */
const MOST_SERVICES = 100;

/** How many events of a level there are in a bucket. */
export interface EventCount {
  bucket: number;
  level: number;
  count: number;
}

/** How many events there are, in what time, of which level; those of which there are none are left out. */
export interface Histogram {
  counts: EventCount[];
  /** The oldest that was looked at, in seconds since the epoch, where there were too many to look at all. */
  countedFrom: number | undefined;
}

/** How many events there are, also by service. */
export interface Stats extends Histogram {
  /** Those that have the most. */
  services: { service: string; count: number }[];
  /** How many services there are that have any. */
  serviceCount: number;
}

/** Counts the events that match, by time and level. */
export async function countEvents(
  db: Database,
  filter: EventFilter,
  buckets: Buckets,
  most = MOST_COUNTED.free,
): Promise<Histogram> {
  const oldestId = await oldestLookedAt(db, filter, most);
  const ranges = idRangesOf(filter, buckets, oldestId);
  const { counts, others } = readByTime(await byTime(db, filter, ranges));
  // What came between the two is in one of them: here no sum depends on it.
  const unnamed = others > 0 ? await ofUnnamedLevels(db, filter, ranges) : [];
  return { counts: [...counts, ...unnamed], countedFrom: secondsOf(oldestId) };
}

/** Counts the events that match, by time and level, and by service: both of the same moment, so that their sums agree. */
export async function statsOfEvents(db: Database, filter: EventFilter, buckets: Buckets, most: number): Promise<Stats> {
  const oldestId = await oldestLookedAt(db, filter, most);
  const ranges = idRangesOf(filter, buckets, oldestId);
  const countedFrom = secondsOf(oldestId);
  const [times, services] = await db.batch([byTime(db, filter, ranges), byService(db, filter, oldestId)]);
  const { counts, others } = readByTime(times);
  if (others === 0) return { counts, ...readByService(services), countedFrom };
  const all = await db.batch([
    byTime(db, filter, ranges),
    ofUnnamedLevels(db, filter, ranges),
    byService(db, filter, oldestId),
  ]);
  return { counts: [...readByTime(all[0]).counts, ...all[1]], ...readByService(all[2]), countedFrom };
}

function secondsOf(id: string | undefined): number | undefined {
  return id === undefined ? undefined : toSeconds(ulidTimeMs(id));
}

/** The oldest event that is counted, if there are as many as are looked at. */
async function oldestLookedAt(db: Database, filter: EventFilter, most: number): Promise<string | undefined> {
  const [oldest] = await db
    .select({ id: events.id })
    .from(events)
    .where(conditionsOf(filter).candidates)
    .orderBy(desc(events.id))
    .limit(limitOf(1))
    .offset(most - 1);
  return oldest?.id;
}

interface TimeRow {
  bucket: number;
  /** A JSON list: how many there are of all levels, and of each that has a name. */
  found: string;
}

/**
 * Each bucket is a range of ids, and counts for itself: to tell times from ids, and to group by them, takes three times
 * as long, and twice as many read rows.
 */
function byTime(db: Database, filter: EventFilter, ranges: readonly IdRange[]) {
  const ofLevels = sql.join(
    LEVEL_NAMES.map((_, level) => sql`sum(level = ${literal(level)})`),
    sql`, `,
  );
  return db
    .select({
      bucket: sql<number>`bucket`,
      found: sql<string>`(select json_array(count(*), ${ofLevels}) from ${events} where ${inBucket(filter)})`,
    })
    .from(bucketed(ranges));
}

/** @returns also how many events have a level that has no name */
function readByTime(rows: readonly TimeRow[]): { counts: EventCount[]; others: number } {
  const counts: EventCount[] = [];
  let others = 0;
  for (const { bucket, found } of rows) {
    const [all = 0, ...ofLevel] = JSON.parse(found) as (number | null)[];
    others += all ?? 0;
    for (const [level, count] of ofLevel.entries()) {
      if (count) counts.push({ bucket, level, count });
      others -= count ?? 0;
    }
  }
  return { counts, others };
}

/** Few have levels that have no name, and all of these are errors. */
function ofUnnamedLevels(db: Database, filter: EventFilter, ranges: readonly IdRange[]) {
  const isUnnamed = sql`level >= ${literal(ERROR_LEVEL)} and level >= ${literal(LEVEL_NAMES.length)}`;
  return db
    .select({ bucket: sql<number>`bucket`, level: sql<number>`level`, count: sql<number>`count(*)` })
    .from(sql`${bucketed(ranges)} cross join ${events}`)
    .where(inBucket(filter, isUnnamed))
    .groupBy(sql`bucket`, sql`level`);
}

function bucketed(ranges: readonly IdRange[]): SQL {
  return sql`(select value ->> 'bucket' as bucket, value ->> 'lowest' as lowest, value ->> 'highest' as highest from json_each(${JSON.stringify(ranges)}))`;
}

function inBucket(filter: EventFilter, more?: SQL): SQL | undefined {
  const { indexed, search } = conditionsOf(filter);
  return and(sql`id >= lowest and id < highest`, indexed, search, more);
}

interface IdRange {
  bucket: number;
  lowest: string;
  /** The first that is not in it any more. */
  highest: string;
}

/** The ids of each bucket that has any of the range, from the lowest on, and up to before the highest. */
function idRangesOf(
  filter: EventFilter,
  { startMs, widthMs, count }: Buckets,
  oldestId = idRange(filter).lowest,
): IdRange[] {
  const firstMs = ulidTimeMs(oldestId);
  const endMs = (filter.toSeconds + 1) * SECOND_MS;
  return Array.from({ length: count }, (_, bucket) => {
    const fromMs = Math.max(firstMs, Math.ceil(startMs + bucket * widthMs));
    // Rounding shall not lose what is at the end of the last one.
    const toMs = bucket === count - 1 ? endMs : Math.min(endMs, Math.ceil(startMs + (bucket + 1) * widthMs));
    const lowest = fromMs === firstMs ? oldestId : lowestUlid(fromMs);
    return { bucket, lowest, highest: lowestUlid(toMs) };
  }).filter(({ lowest, highest }) => lowest < highest);
}

interface ServiceRow {
  /** Null where it is the number of all services. */
  service: string | null;
  count: number;
}

function byService(db: Database, filter: EventFilter, oldestId: string | undefined) {
  const { lowest, highest } = idRange(filter);
  const { indexed, search } = conditionsOf(filter);
  const wanted = and(sql`id >= ${oldestId ?? lowest} and id <= ${highest}`, indexed, search);
  // The sign keeps SQLite from reading the whole index of services for the sake of its order.
  return db.select({ service: sql<string | null>`service`, count: sql<number>`count` }).from(sql`(
    with counted as materialized (select +service as service, count(*) as count from ${events} where ${wanted} group by 1)
    select service, count from (
      select service, count from counted order by count desc, service limit ${literal(MOST_SERVICES)}
    )
    union all select null, count(*) from counted)`);
}

function readByService(rows: readonly ServiceRow[]): Pick<Stats, "services" | "serviceCount"> {
  return {
    services: rows.flatMap(({ service, count }) => (service === null ? [] : [{ service, count }])),
    serviceCount: rows.find(({ service }) => service === null)?.count ?? 0,
  };
}
