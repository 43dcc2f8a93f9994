import { and, desc, eq, sql } from "drizzle-orm";
import type { AlertRecord, DeliveryState } from "../domain/alert.ts";
import { toSeconds } from "../domain/time.ts";
import type { Database } from "./database.ts";
import { excluded } from "./excluded.ts";
import { inRange, type Page, type PageRequest, pageOf } from "./page.ts";
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

/** A row of the delivery log; its dates are seconds since the epoch. */
export type AlertRow = typeof alerts.$inferSelect;

/** Which alerts are wanted: all conditions hold together. */
export interface AlertFilter {
  fromSeconds: number;
  toSeconds: number;
  service?: string | undefined;
  state?: DeliveryState | undefined;
}

/** The newest alerts that match, newest first; each filter has its index, so a page costs the same however many there are. */
export async function listAlerts(db: Database, filter: AlertFilter, page: PageRequest): Promise<Page<AlertRow>> {
  const rows = await db
    .select()
    .from(alerts)
    .where(
      and(
        inRange(alerts.id, filter, page),
        filter.service === undefined ? undefined : eq(alerts.service, filter.service),
        filter.state === undefined ? undefined : eq(alerts.state, filter.state),
      ),
    )
    .orderBy(desc(alerts.id))
    .limit(page.limit + 1);
  return pageOf(rows, page);
}
