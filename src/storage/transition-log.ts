import { and, desc, eq, gte, lt, sql } from "drizzle-orm";
import type { StatusChange } from "../domain/history.ts";
import type { TransitionRecord } from "../domain/record.ts";
import { toSeconds } from "../domain/time.ts";
import { lowestUlid, ulidTimeMs } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
import { limitOf } from "./page.ts";
import { transitions } from "./schema.ts";

/** The statement that stores transitions, each once, however often it is repeated. */
export function insertTransitions(db: Database, records: readonly TransitionRecord[]) {
  const rows = records.map(({ lastMs, expectedMs, ...record }) => ({
    ...record,
    last: lastMs === undefined ? null : toSeconds(lastMs),
    expected: expectedMs === undefined ? null : toSeconds(expectedMs),
  }));
  return db
    .insert(transitions)
    .select(
      sql`select value ->> 'id', value ->> 'service', value ->> 'status', value ->> 'last', value ->> 'expected'
          from json_each(${JSON.stringify(rows)}) where true`,
    )
    .onConflictDoNothing();
}

/** A change of status as it was recorded; dates are seconds since the epoch. */
export interface TransitionRow extends StatusChange {
  id: string;
  service: string;
}

const { id, service, status, expected } = transitions;
const COLUMNS = { id, service, status, expected };

function toRow(row: Omit<TransitionRow, "at">): TransitionRow {
  return { ...row, at: toSeconds(ulidTimeMs(row.id)) };
}

/** The newest changes of status of all services from a moment on, newest first. */
export async function listTransitions(db: Database, fromMs: number, limit: number): Promise<TransitionRow[]> {
  const rows = await db
    .select(COLUMNS)
    .from(transitions)
    .where(gte(id, lowestUlid(fromMs)))
    .orderBy(desc(id))
    .limit(limitOf(limit));
  return rows.map(toRow);
}

/**
 * The newest changes of status of each of some services from a moment on, newest first: at most so many of each, whatever
 * the others have, and at most so many of all.
 */
export async function listTransitionsOf(
  db: Database,
  names: readonly string[],
  { fromMs, each, limit }: { fromMs: number; each: number; limit: number },
): Promise<TransitionRow[]> {
  if (names.length === 0) return [];
  const from = lowestUlid(fromMs);
  // Not by a window function: that reads all rows, and six for each. The join is a cross join for its order.
  const rows = await db.all<Omit<TransitionRow, "at">>(
    sql`with named as materialized
          (select value as name,
                  (select ${id} from ${transitions} where ${service} = value and ${id} >= ${from}
                   order by ${id} desc limit 1 offset ${each - 1}) as oldest
           from json_each(${JSON.stringify(names)}))
        select ${id}, ${service}, ${status}, ${expected}
        from named cross join ${transitions} on ${service} = named.name and ${id} >= coalesce(named.oldest, ${from})
        order by ${id} desc limit ${limit}`,
  );
  return rows.map(toRow);
}

/** A page of the changes of a service, newest first; `nextId` is where the next one begins. */
export async function pageOfTransitions(
  db: Database,
  name: string,
  { limit, beforeId }: { limit: number; beforeId?: string | undefined },
): Promise<{ rows: TransitionRow[]; nextId: string | undefined }> {
  const rows = await db
    .select(COLUMNS)
    .from(transitions)
    .where(and(eq(service, name), beforeId === undefined ? undefined : lt(id, beforeId)))
    .orderBy(desc(id))
    .limit(limitOf(limit + 1));
  const shown = rows.slice(0, limit);
  return { rows: shown.map(toRow), nextId: rows.length > limit ? shown.at(-1)?.id : undefined };
}

/** The statuses that services had at a moment, where one is recorded, by their names. */
export async function statusesAt(
  db: Database,
  names: readonly string[],
  ms: number,
): Promise<Map<string, TransitionRecord["status"]>> {
  if (names.length === 0) return new Map();
  const rows = await db.all<{ service: string; status: TransitionRecord["status"] | null }>(
    sql`select named.value as service,
               (select ${status} from ${transitions} where ${service} = named.value and ${id} < ${lowestUlid(ms)}
                order by ${id} desc limit 1) as status
        from json_each(${JSON.stringify(names)}) as named`,
  );
  return new Map(rows.flatMap(({ service, status }) => (status === null ? [] : [[service, status]])));
}
