import { and, desc, gte, sql } from "drizzle-orm";
import type { StatusChange } from "../domain/history.ts";
import type { TransitionRecord } from "../domain/record.ts";
import { toSeconds } from "../domain/time.ts";
import { lowestUlid, ulidTimeMs } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
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
  service: string;
}

/** The newest changes of status from a moment on, newest first: of all services, or of those of these names. */
export async function listTransitions(
  db: Database,
  { fromMs, names, limit }: { fromMs: number; names?: readonly string[]; limit: number },
): Promise<TransitionRow[]> {
  const { id, service, status, expected } = transitions;
  const isNamed = names && sql`${service} in (select value from json_each(${JSON.stringify(names)}))`;
  const rows = await db
    .select({ id, service, status, expected })
    .from(transitions)
    .where(and(gte(id, lowestUlid(fromMs)), isNamed))
    .orderBy(desc(id))
    .limit(limit);
  return rows.map(({ id, ...row }) => ({ ...row, at: toSeconds(ulidTimeMs(id)) }));
}

/** The statuses that services had at a moment, where one is recorded, by their names. */
export async function statusesAt(
  db: Database,
  names: readonly string[],
  ms: number,
): Promise<Map<string, TransitionRecord["status"]>> {
  if (names.length === 0) return new Map();
  const { id, service, status } = transitions;
  const rows = await db.all<{ service: string; status: TransitionRecord["status"] | null }>(
    sql`select named.value as service,
               (select ${status} from ${transitions} where ${service} = named.value and ${id} < ${lowestUlid(ms)}
                order by ${id} desc limit 1) as status
        from json_each(${JSON.stringify(names)}) as named`,
  );
  return new Map(rows.flatMap(({ service, status }) => (status === null ? [] : [[service, status]])));
}
