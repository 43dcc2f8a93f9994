import { sql } from "drizzle-orm";
import type { AlertRecord } from "../domain/alert.ts";
import { toSeconds } from "../domain/time.ts";
import type { Database } from "./database.ts";
import { excluded } from "./excluded.ts";
import { alerts } from "./schema.ts";

/** The statement that brings the delivery log up to date: a row only moves forward, so an old record never overtakes. */
export function upsertAlerts(db: Database, records: readonly AlertRecord[]) {
  const rows = records.map(({ alert, target, state, attempts, lastAnswer, nextAttemptMs }) => ({
    id: alert.id,
    service: alert.service,
    date: toSeconds(alert.dateMs),
    kind: alert.kind,
    type: target.type,
    target: target.target,
    title: alert.title,
    message: alert.message,
    state,
    attempts,
    answer: lastAnswer ?? null,
    next: nextAttemptMs === undefined ? null : toSeconds(nextAttemptMs),
  }));
  return db
    .insert(alerts)
    .select(
      sql`select value ->> 'id', value ->> 'service', value ->> 'date', value ->> 'kind', value ->> 'type',
                 value ->> 'target', value ->> 'title', value ->> 'message',
                 value ->> 'state', value ->> 'attempts', value ->> 'answer', value ->> 'next'
          from json_each(${JSON.stringify(rows)}) where true`,
    )
    .onConflictDoUpdate({
      target: alerts.id,
      set: excluded(alerts, ["state", "attempts", "lastAnswer", "nextAttempt"]),
      setWhere: sql`excluded.attempts > alerts.attempts or (excluded.attempts = alerts.attempts
                    and (alerts.state = 'pending' or excluded.state = 'delivered'))`,
    });
}
