import { ulidTimeMs } from "../../../src/domain/ulid.ts";
import type { AlertRow, Attempt, Observed, Violation } from "../observed.ts";
import { DEFAULT_PATH } from "../plan.ts";
import type { Change } from "./history.ts";
import { checkLateness, checkRepeats, type Violate } from "./lateness.ts";
import { PathPaces } from "./path-paces.ts";
import { isStoodFor, overtakenMs, pathOf, type Telling } from "./telling.ts";
import type { Timeline } from "./timeline.ts";

/** A death or a return that was told, and how long after it could be. */
export interface Lag {
  service: string;
  kind: "dead" | "alive";
  lagMs: number;
  /** Only so long of it was the system up. */
  upMs: number;
}

/** What came of the alerts of a run. */
export interface AlertFindings {
  violations: Violation[];
  lags: Lag[];
  /** How often an alert was told again after a success, since a kill had kept it from being known. */
  repeats: number;
}

/** What is told singly and what is told in digests, by alert and path, in order. */
export function tellingsOf(attempts: readonly Attempt[]): Map<string, Telling[]> {
  const tellings = new Map<string, Telling[]>();
  for (const { alerts, ...attempt } of attempts) {
    for (const alert of alerts) {
      const key = keyOf(alert.id, attempt.path);
      tellings.set(key, [...(tellings.get(key) ?? []), { ...attempt, alert }]);
    }
  }
  return tellings;
}

function keyOf(id: string, path: string): string {
  return `${id} ${path}`;
}

/** Compares the delivery log with what should have been told, and with what the provider stub got. */
export function checkAlerts(observed: Observed, changes: Map<string, Change[]>, timeline: Timeline): AlertFindings {
  const findings: AlertFindings = { violations: [], lags: [], repeats: 0 };
  const tellings = tellingsOf(observed.attempts);
  const { alerts } = observed.tables;
  findings.violations.push(
    ...checkStatusRows(observed, changes),
    ...checkEventRows(observed),
    ...checkReceived(alerts, tellings),
  );
  const paces = new PathPaces(observed);
  for (const lane of lanesOf(alerts)) checkLane(lane, changes, tellings, { timeline, paces }, findings);
  return findings;
}

/** Each death and each return has one row for each target, and no row is of anything else. */
function checkStatusRows({ tables, pathsOf }: Observed, changes: Map<string, Change[]>): Violation[] {
  const expected = new Map<string, number>();
  for (const [service, its] of changes) {
    for (const { kind, atMs } of its) {
      if (kind !== "died" && kind !== "revived") continue;
      for (const path of pathsOf.get(service) ?? []) {
        expected.set(JSON.stringify([service, kind === "died" ? "dead" : "alive", atMs, path]), 0);
      }
    }
  }
  const violations: Violation[] = [];
  for (const row of tables.alerts) {
    if (row.kind === "event") continue;
    const key = JSON.stringify([row.service, row.kind, ulidTimeMs(row.id), pathOf(row)]);
    const count = expected.get(key);
    if (count === undefined) {
      violations.push({ rule: "alert without a cause", subject: row.service, detail: `${row.id}: ${row.message}` });
    }
    expected.set(key, (count ?? 0) + 1);
  }
  for (const [key, count] of expected) {
    if (count === 0) violations.push({ rule: "missed alert", subject: key, detail: "the delivery log has none" });
    if (count > 1) violations.push({ rule: "alert owed twice", subject: key, detail: `${count} rows` });
  }
  return violations;
}

/** Each acknowledged event with an alert has one row; each alert that was given up is told to the default target. */
function checkEventRows({ tables, events }: Observed): Violation[] {
  const violations: Violation[] = [];
  const rows = tables.alerts.filter(({ kind }) => kind === "event");
  const counts = new Map<string, number>();
  for (const row of rows) {
    const isFailure = row.title.startsWith("Alert given up: ");
    const key = isFailure ? failureKey(row.service, row.title) : JSON.stringify([row.service, row.message]);
    if (row.service !== "watchTower") counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const expect = (key: string, most: number, least: number) => {
    const count = counts.get(key) ?? 0;
    counts.delete(key);
    if (count < least) violations.push({ rule: "missed alert", subject: key, detail: `${count} rows, not ${least}` });
    if (count > most) violations.push({ rule: "alert owed twice", subject: key, detail: `${count} rows, not ${most}` });
  };
  for (const { service, message, alert, outcome } of events) {
    if (alert) expect(JSON.stringify([service, message]), 1, outcome === "acknowledged" ? 1 : 0);
  }
  const failures = new Map<string, number>();
  for (const row of tables.alerts) {
    if (row.state !== "failed" || pathOf(row) === DEFAULT_PATH) continue;
    const key = failureKey(row.service, `Alert given up: ${row.title}`);
    failures.set(key, (failures.get(key) ?? 0) + 1);
  }
  for (const [key, count] of failures) expect(key, count, count);
  for (const key of counts.keys()) {
    violations.push({ rule: "alert without a cause", subject: key, detail: "nobody asked for it" });
  }
  return violations;
}

function failureKey(service: string, title: string): string {
  return JSON.stringify([service, "given up", title]);
}

/** Whatever is told is in the delivery log, and says what it says. */
function checkReceived(rows: readonly AlertRow[], tellings: Map<string, Telling[]>): Violation[] {
  const known = new Map(rows.map((row) => [keyOf(row.id, pathOf(row)), row]));
  return [...tellings].flatMap(([key, [telling]]) => {
    const row = known.get(key);
    const { alert } = telling as Telling;
    if (row === undefined) return [{ rule: "told, but not recorded", subject: alert.service, detail: key }];
    const isSame = row.service === alert.service && row.kind === alert.kind && row.message === alert.message;
    return isSame ? [] : [{ rule: "told otherwise than recorded", subject: alert.service, detail: alert.message }];
  });
}

/** The rows of each service and target, in their order: an alert may wait for the one before it. */
function lanesOf(rows: readonly AlertRow[]): AlertRow[][] {
  const lanes = new Map<string, AlertRow[]>();
  for (const row of [...rows].sort((a, b) => ulidTimeMs(a.id) - ulidTimeMs(b.id))) {
    const key = JSON.stringify([row.service, row.alert_target]);
    lanes.set(key, [...(lanes.get(key) ?? []), row]);
  }
  return [...lanes.values()];
}

function checkLane(
  lane: readonly AlertRow[],
  changes: Map<string, Change[]>,
  tellings: Map<string, Telling[]>,
  bounds: { timeline: Timeline; paces: PathPaces },
  findings: AlertFindings,
): void {
  let freeMs = 0;
  for (const row of lane) {
    const told = tellings.get(keyOf(row.id, pathOf(row))) ?? [];
    const violate = (rule: string, detail: string) =>
      findings.violations.push({ rule, subject: row.service, detail: `${row.kind} ${row.id}: ${detail}` });
    checkState(row, told, changes.get(row.service) ?? [], violate);
    findings.repeats += checkRepeats(told, bounds.timeline, violate);
    const lag = checkLateness(row, told, freeMs, changes.get(row.service) ?? [], bounds, violate);
    if (lag && row.kind !== "event") findings.lags.push({ service: row.service, kind: row.kind, ...lag });
    const last = told.at(-1);
    // A dropped one frees its lane when the pulse comes that drops it; the next alert is of that pulse.
    if (last) freeMs = Math.max(freeMs, last.atMs + last.answerMs);
  }
}

function checkState(row: AlertRow, told: readonly Telling[], changes: readonly Change[], violate: Violate): void {
  const has = (verdict: Telling["verdict"]) => told.some((telling) => telling.verdict === verdict);
  if (row.state === "pending") violate("not settled", `tried ${row.attempts} times: ${row.last_answer}`);
  if (row.state === "delivered" && !has("taken")) violate("not delivered", "it counts as delivered");
  if (row.state === "failed" && !has("refused")) violate("given up", `nobody refused it: ${row.last_answer}`);
  const isOver = (row.kind === "dead" && overtakenMs(row, changes) !== undefined) || isStoodFor(row, changes);
  if (row.state === "dropped" && !isOver) violate("dropped", "it was still true");
  // One that came with others in a digest is counted when the digest is answered, and not where that was refused.
  const alone = told.filter(({ isDigest }) => !isDigest).length;
  if (row.attempts < alone) violate("attempts", `${alone} came, ${row.attempts} are recorded`);
}
