import { configOf } from "../config.ts";
import { roundBuckets } from "../domain/histogram.ts";
import { SECOND_MS, toSeconds } from "../domain/time.ts";
import { openDatabase } from "../storage/database.ts";
import { type EventCount, MOST_COUNTED, statsOfEvents } from "../storage/event-counts.ts";
import type { AppContext } from "./context.ts";
import { dateWriter } from "./dates.ts";
import { eventFilterOf } from "./event-filter.ts";
import { parseFields, readQuery } from "./fields.ts";
import { lastDay, positionOf, RANGE_HINT } from "./paging.ts";
import { eventStatsSchema } from "./schemas.ts";

/** How many events there are: of each level, of each service, and over time. */
export async function getEventStats(c: AppContext): Promise<Response> {
  const given = readQuery(c.req.url);
  const query = parseFields(eventStatsSchema, given);
  const range = positionOf(query, lastDay(toSeconds(Date.now())), RANGE_HINT);
  const filter = eventFilterOf(query, given, range);
  const config = configOf(c.env);
  const buckets = roundBuckets(range, query.buckets);
  const { counts, services, serviceCount, countedFrom } = await statsOfEvents(
    openDatabase(c.env.DB),
    filter,
    buckets,
    MOST_COUNTED[config.plan],
  );
  const writeDate = dateWriter(query.humanDates, config);
  const ofBucket = Map.groupBy(counts, ({ bucket }) => bucket);
  const total = summed(counts);
  return c.json({
    result: 200,
    from: writeDate(range.fromSeconds),
    to: writeDate(range.toSeconds),
    ...(countedFrom !== undefined && { countedFrom: writeDate(countedFrom) }),
    ...total,
    services,
    otherServices: {
      services: serviceCount - services.length,
      count: total.count - services.reduce((sum, { count }) => sum + count, 0),
    },
    bucketSeconds: buckets.widthMs / SECOND_MS,
    buckets: Array.from({ length: buckets.count }, (_, i) => ({
      from: writeDate(toSeconds(buckets.startMs + i * buckets.widthMs)),
      ...summed(ofBucket.get(i) ?? []),
    })),
  });
}

/** How many there are, and how many of each level. */
function summed(counts: readonly EventCount[]): { count: number; levels: { level: number; count: number }[] } {
  const ofLevel = new Map<number, number>();
  for (const { level, count } of counts) ofLevel.set(level, (ofLevel.get(level) ?? 0) + count);
  const levels = [...ofLevel].map(([level, count]) => ({ level, count })).sort((a, b) => a.level - b.level);
  return { count: counts.reduce((sum, { count }) => sum + count, 0), levels };
}
