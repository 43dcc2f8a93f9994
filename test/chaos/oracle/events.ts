import { ulidTimeMs } from "../../../src/domain/ulid.ts";
import type { EventRow, Observed, Violation } from "../observed.ts";
import type { Change } from "./history.ts";

const ERROR_LEVEL = 4;
const NOTICE_LEVEL = 2;

/** Every acknowledged event is stored once, as it was sent; every death, return and given-up alert is an event; no other is. */
export function checkEvents({ events, tables }: Observed, changes: Map<string, Change[]>): Violation[] {
  const violations: Violation[] = [];
  const left = new Map(tables.events.map((row) => [row.id, row]));
  const byMessage = new Map<string, EventRow[]>();
  for (const row of tables.events) {
    const key = JSON.stringify([row.service, row.message]);
    byMessage.set(key, [...(byMessage.get(key) ?? []), row]);
  }
  for (const sent of events) {
    const rows = byMessage.get(JSON.stringify([sent.service, sent.message])) ?? [];
    for (const { id } of rows) left.delete(id);
    const subject = `${sent.service}: ${sent.message.slice(0, 40)}`;
    if (rows.length > 1) violations.push({ rule: "event stored twice", subject, detail: `${rows.length} rows` });
    const [row] = rows;
    if (row === undefined) {
      if (sent.outcome === "acknowledged") violations.push({ rule: "lost event", subject, detail: sent.id ?? "no id" });
      continue;
    }
    const wasSentThen = ulidTimeMs(row.id) >= sent.sentMs && ulidTimeMs(row.id) <= sent.doneMs;
    const isSame = row.level === sent.level && row.alert === Number(sent.alert) && row.id === (sent.id ?? row.id);
    if (!isSame || !wasSentThen) {
      violations.push({ rule: "event stored otherwise", subject, detail: `${row.id}, level ${row.level}` });
    }
  }
  return [...violations, ...checkOwnEvents(tables.alerts, changes, [...left.values()])];
}

/** What the system has stored of itself, among the rows that no client has sent. */
function checkOwnEvents(
  alerts: Observed["tables"]["alerts"],
  changes: Map<string, Change[]>,
  rows: readonly EventRow[],
): Violation[] {
  const expected = new Map<string, number>();
  const expect = (key: unknown[]) => expected.set(JSON.stringify(key), (expected.get(JSON.stringify(key)) ?? 0) + 1);
  for (const [service, its] of changes) {
    for (const { kind, atMs } of its) {
      if (kind === "died") expect([service, ERROR_LEVEL, atMs]);
      if (kind === "revived") expect([service, NOTICE_LEVEL, atMs]);
    }
  }
  for (const { state, service, title } of alerts) if (state === "failed") expect([service, ERROR_LEVEL, title]);
  const violations: Violation[] = [];
  for (const row of rows) {
    if (row.service === "watchTower") continue;
    const [, failedTitle] = /^Alert given up \(webhook\): (.*): HTTP \d+/s.exec(row.message) ?? [];
    const key = JSON.stringify([row.service, row.level, failedTitle ?? ulidTimeMs(row.id)]);
    const count = expected.get(key);
    if (count === undefined) {
      violations.push({ rule: "event without a cause", subject: row.service, detail: `${row.id}: ${row.message}` });
    } else if (count === 1) expected.delete(key);
    else expected.set(key, count - 1);
  }
  for (const key of expected.keys()) violations.push({ rule: "missed event", subject: key, detail: "is not stored" });
  return violations;
}
