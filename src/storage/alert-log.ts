import { and, desc, eq, getTableColumns, inArray, sql } from "drizzle-orm";
import type { Alert, AlertRecord, DeliveryState } from "../domain/alert.ts";
import { ruleOfTitle } from "../domain/rule.ts";
import { toSeconds } from "../domain/time.ts";
import { ulidTimeMs } from "../domain/ulid.ts";
import type { Database } from "./database.ts";
import { excluded } from "./excluded.ts";
import { bytesOf, inRange, isOneOf, limitOf, type Page, type PageRequest, pageOf, shortText } from "./page.ts";
import { type AlertAnswer, alerts } from "./schema.ts";

/**
 * The statement that brings the delivery log up to date: a row only moves forward, so an old record never overtakes; only
 * an alert that was given up is begun again. What an attempt was answered is added once, however often it is recorded.
 * @param records of one alert in the order in which they were made
 */
export function upsertAlerts(db: Database, records: readonly AlertRecord[]) {
  return db
    .insert(alerts)
    .select(
      sql`select value ->> 'id', value ->> 'service', value ->> 'date', value ->> 'kind', value ->> 'type',
                 value ->> 'target', value ->> 'title', value ->> 'message', value ->> 'state', value ->> 'attempts',
                 value ->> 'answer', value ->> 'next', value -> 'answers', value -> 'downtime'
          from json_each(${JSON.stringify(rowsOf(records))}) where true`,
    )
    .onConflictDoUpdate({
      target: alerts.id,
      set: {
        ...excluded(alerts, ["state", "attempts", "lastAnswer", "nextAttempt"]),
        answers: sql`(select json_group_array(json(value)) from (
                        select value from json_each(alerts.answers) union all
                        select value from json_each(excluded.answers) where value ->> 'attempt' > alerts.attempts))`,
      },
      setWhere: sql`excluded.attempts > alerts.attempts or (excluded.attempts = alerts.attempts
                    and (alerts.state = 'pending' or excluded.state = 'delivered'
                         or (alerts.state = 'failed' and excluded.state = 'pending')))`,
    });
}

/** One statement must not touch a row twice: of several records of an alert the last counts, with the answers of all. */
function rowsOf(records: readonly AlertRecord[]) {
  const answers = new Map<string, AlertAnswer[]>();
  for (const { alert, attempt } of records) {
    const told = answers.get(alert.id) ?? [];
    if (attempt) {
      const { number, atMs, outcome, answer } = attempt;
      told.push({ attempt: number, date: toSeconds(atMs), outcome, answer });
    }
    answers.set(alert.id, told);
  }
  const last = new Map(records.map((record) => [record.alert.id, record]));
  return [...last.values()].map(({ alert, target, state, attempts, lastAnswer, nextAttemptMs }) => ({
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
    answers: answers.get(alert.id),
    downtime: alert.dead,
  }));
}

/** A row of the delivery log as lists have it; its dates are seconds since the epoch. */
export type AlertRow = Omit<typeof alerts.$inferSelect, "answers" | "downtime">;

/** Which alerts are wanted: all conditions hold together. */
export interface AlertFilter {
  fromSeconds: number;
  toSeconds: number;
  service?: string | undefined;
  state?: DeliveryState | undefined;
}

/** The newest alerts that match, newest first; each filter has its index, so a page costs the same however many there are. */
export async function listAlerts(db: Database, filter: AlertFilter, page: PageRequest): Promise<Page<AlertRow>> {
  const { answers: _, downtime: __, ...listed } = getTableColumns(alerts);
  const { id, service, alertTarget, title, message, lastAnswer } = alerts;
  const found = await db
    .select({
      ...listed,
      message: shortText(message, page),
      alertTarget: shortText(alertTarget, page),
      bytes: bytesOf(service, alertTarget, title, message, lastAnswer),
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
    .limit(limitOf(page.limit + 1));
  const { rows, nextId, isCut } = pageOf(found, page);
  return { rows: await withTexts(db, rows), nextId, isCut };
}

/** What was answered to every attempt to deliver these alerts, by their ids. */
export async function answersOf(db: Database, ids: readonly string[]): Promise<Map<string, AlertAnswer[]>> {
  if (ids.length === 0) return new Map();
  const { id, answers } = alerts;
  const rows = await db.select({ id, answers }).from(alerts).where(isOneOf(id, ids));
  return new Map(rows.map((row) => [row.id, row.answers]));
}

/**
 * Some services, by chance, with an alert that is pending and should have been tried before a date.
 * @param before seconds since the epoch
 */
export async function listOwing(db: Database, before: number, limit: number): Promise<string[]> {
  const { state, service, date, nextAttempt } = alerts;
  const rows = await db
    .selectDistinct({ service })
    .from(alerts)
    .where(and(eq(state, "pending"), sql`coalesce(${nextAttempt}, ${date}) < ${before}`))
    .orderBy(sql`random()`)
    .limit(limitOf(limit));
  return rows.map((row) => row.service);
}

/** Types that take credentials of ours: a webhook's are its receiver's matter. */
const WITH_CREDENTIALS = ["pushover", "mail", "email"];

/** How many alerts are undelivered since our own credentials are missing or refused. */
export async function countStuckOnCredentials(db: Database): Promise<number> {
  const [row] = await db
    .select({ count: sql<number>`count(*)` })
    .from(alerts)
    .where(
      and(
        eq(alerts.state, "pending"),
        inArray(alerts.alertType, WITH_CREDENTIALS),
        sql`${alerts.answers} ->> '$[#-1].outcome' = 'credentials'`,
      ),
    );
  return row?.count ?? 0;
}

/** An alert with all that it takes to send it again; undefined where there is none of this id. */
export async function findAlert(db: Database, alertId: string) {
  const [row] = await db.select().from(alerts).where(eq(alerts.id, alertId)).limit(limitOf(1));
  if (!row) return undefined;
  const { id, kind, service, title, message, downtime } = row;
  const alert: Alert = { id, kind, service, dateMs: ulidTimeMs(id), title, message };
  if (downtime) alert.dead = downtime;
  return { alert, target: { type: row.alertType, target: row.alertTarget }, state: row.state, attempts: row.attempts };
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

/** So many alerts are looked through for those of rules, the newest. */
const MOST_LOOKED_THROUGH = 1_000;

/** When each rule was last told of, in seconds since the epoch, by its name; of those that the newest alerts are of. */
export async function lastAlertsOfRules(db: Database): Promise<ReadonlyMap<string, number>> {
  const rows = await db.all<{ title: string; date: number }>(sql`
    select title, max(date) as date from (select title, date, kind from ${alerts} order by id desc limit ${MOST_LOOKED_THROUGH})
    where kind = 'event' and title like 'Rule %' group by title`);
  const found = new Map<string, number>();
  for (const { title, date } of rows) {
    const rule = ruleOfTitle(title);
    if (rule !== undefined) found.set(rule, Math.max(date, found.get(rule) ?? 0));
  }
  return found;
}
