import { and, desc, eq, getTableColumns, sql } from "drizzle-orm";
import type { AlertRecord, DeliveryState } from "../domain/alert.ts";
import { toSeconds } from "../domain/time.ts";
import type { Database } from "./database.ts";
import { excluded } from "./excluded.ts";
import { bytesOf, inRange, isOneOf, type Page, type PageRequest, pageOf, shortText } from "./page.ts";
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
  const { id, service, alertTarget, title, message, lastAnswer } = alerts;
  const found = await db
    .select({
      ...getTableColumns(alerts),
      message: shortText(message, page),
      alertTarget: shortText(alertTarget, page),
      bytes: bytesOf(service, alertTarget, title, message, sql`coalesce(${lastAnswer}, '')`),
    })
    .from(alerts)
    .where(
      and(
        inRange(id, filter, page),
        filter.service === undefined ? undefined : eq(service, filter.service),
        filter.state === undefined ? undefined : eq(alerts.state, filter.state),
      ),
    )
    .orderBy(desc(id))
    .limit(page.limit + 1);
  const { rows, nextId, isCut } = pageOf(found, page);
  return { rows: await withTexts(db, rows), nextId, isCut };
}

/** The rows with the texts that were too long for a first look; without those that are gone meanwhile. */
async function withTexts(
  db: Database,
  rows: (Omit<AlertRow, "message" | "alertTarget"> &
    Record<"message" | "alertTarget", string | null> & { bytes: number })[],
): Promise<AlertRow[]> {
  const ids = rows.filter((row) => row.message === null || row.alertTarget === null).map(({ id }) => id);
  const { id, message, alertTarget } = alerts;
  const long =
    ids.length === 0 ? [] : await db.select({ id, message, alertTarget }).from(alerts).where(isOneOf(id, ids));
  const byId = new Map(long.map((row) => [row.id, row]));
  return rows.flatMap(({ bytes: _, message, alertTarget, ...row }) => {
    const texts = message === null || alertTarget === null ? byId.get(row.id) : { message, alertTarget };
    return texts === undefined ? [] : [{ ...row, ...texts }];
  });
}
