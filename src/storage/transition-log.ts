import { sql } from "drizzle-orm";
import type { TransitionRecord } from "../domain/record.ts";
import { toSeconds } from "../domain/time.ts";
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
