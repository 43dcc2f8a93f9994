import { ulidTimeMs } from "../../../src/domain/ulid.ts";
import type { AlertRow, Attempt, Observed, ToldAlert, Violation } from "../observed.ts";
import { DEFAULT_PATH } from "../plan.ts";
import type { Change } from "./history.ts";
import { CLAIM_MS, type Timeline } from "./timeline.ts";

const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 3_600_000;
/** What a provider has said is stored within so long, on a machine that does much else. */
const SETTLED_AFTER_MS = 10_000;
/** So much earlier may the sender have begun to count than the stub. */
const CLOCK_MS = 1_000;
/** What a target gets beyond its share of single messages waits for the next digest, no longer than this. */
const LONGEST_WAIT_FOR_DIGEST_MS = 75_000;

/** One attempt to tell one alert. */
export interface Telling extends Omit<Attempt, "alerts"> {
  alert: ToldAlert;
}

/** A death or a return that was told, and how long after it could be; negative where it was too early. */
export interface Lag {
  service: string;
  kind: "dead" | "alive";
  lagMs: number;
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

function pathOf(row: AlertRow): string {
  return new URL(row.alert_target).pathname;
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
  for (const lane of lanesOf(alerts)) checkLane(lane, changes, tellings, timeline, findings);
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
  timeline: Timeline,
  findings: AlertFindings,
): void {
  let freeMs = 0;
  for (const row of lane) {
    const told = tellings.get(keyOf(row.id, pathOf(row))) ?? [];
    const violate = (rule: string, detail: string) =>
      findings.violations.push({ rule, subject: row.service, detail: `${row.kind} ${row.id}: ${detail}` });
    checkState(row, told, changes, violate);
    findings.repeats += checkRepeats(told, timeline, violate);
    const lagMs = checkLateness(row, told, freeMs, changes, timeline, violate);
    if (lagMs !== undefined && row.kind !== "event") {
      findings.lags.push({ service: row.service, kind: row.kind, lagMs });
    }
    const last = told.at(-1);
    // A dropped one frees its lane when the pulse comes that drops it; the next alert is of that pulse.
    if (last) freeMs = Math.max(freeMs, last.atMs + last.answerMs);
  }
}

type Violate = (rule: string, detail: string) => void;

function checkState(row: AlertRow, told: readonly Telling[], changes: Map<string, Change[]>, violate: Violate): void {
  const has = (verdict: Telling["verdict"]) => told.some((telling) => telling.verdict === verdict);
  if (row.state === "pending") violate("not settled", `tried ${row.attempts} times: ${row.last_answer}`);
  if (row.state === "delivered" && !has("taken")) violate("not delivered", "it counts as delivered");
  if (row.state === "failed" && !has("refused")) violate("given up", `nobody refused it: ${row.last_answer}`);
  if (row.state === "dropped" && !(row.kind === "dead" && overtakenMs(row, changes) !== undefined)) {
    violate("dropped", "it was still true");
  }
  if (row.attempts < told.length) violate("attempts", `${told.length} came, ${row.attempts} are recorded`);
}

/** When a death notice became pointless, if it did. */
function overtakenMs(row: AlertRow, changes: Map<string, Change[]>): number | undefined {
  const deadMs = ulidTimeMs(row.id);
  return changes
    .get(row.service)
    ?.find(({ kind, atMs }) => (kind === "revived" || kind === "cancelled") && atMs >= deadMs)?.atMs;
}

/** After a success, or a refusal, only a kill may lead to another attempt; otherwise pauses are as long as promised. */
function checkRepeats(told: readonly Telling[], timeline: Timeline, violate: Violate): number {
  let repeats = 0;
  told.slice(1).forEach((telling, i) => {
    const before = told[i] as Telling;
    const answeredMs = before.atMs + before.answerMs;
    if (before.verdict === "failed") {
      const wasCut = timeline.kills(before.atMs, answeredMs + SETTLED_AFTER_MS) > 0;
      const pauseMs = telling.atMs - (wasCut ? before.atMs : answeredMs);
      const leastMs = wasCut ? FIRST_DELAY_MS : Math.max(FIRST_DELAY_MS, before.retryAfterMs);
      if (pauseMs < leastMs - CLOCK_MS) violate("too soon", `again after ${pauseMs} ms, not ${leastMs}`);
      return;
    }
    if (before.verdict === "taken") repeats++;
    if (timeline.kills(before.atMs, Math.min(telling.atMs, answeredMs + SETTLED_AFTER_MS)) === 0) {
      violate("told twice", `at ${before.atMs} and at ${telling.atMs}, without a kill between`);
    }
  });
  return repeats;
}

/** Every attempt comes within its bound; returns how long after it could be told it was first tried to tell it. */
function checkLateness(
  row: AlertRow,
  told: readonly Telling[],
  freeMs: number,
  changes: Map<string, Change[]>,
  timeline: Timeline,
  violate: Violate,
): number | undefined {
  const happenedMs = ulidTimeMs(row.id);
  const first = told[0];
  const endMs = first?.atMs ?? overtakenMs(row, changes);
  if (endMs === undefined) return undefined;
  let tellableMs = happenedMs;
  if (row.kind === "dead") {
    const death = changes.get(row.service)?.find(({ atMs, kind }) => kind === "died" && atMs === happenedMs);
    tellableMs = timeline.tellableMs(row.service, death?.promiseMs ?? 0, happenedMs, endMs);
    if (first && (endMs < happenedMs || endMs < tellableMs - CLOCK_MS)) {
      violate("told too early", `${tellableMs - endMs} ms before its time`);
    }
  }
  const allowed = (dueMs: number, telling: Telling | undefined) =>
    timeline.latest(dueMs) + (telling?.isDigest ? LONGEST_WAIT_FOR_DIGEST_MS : 0);
  if (endMs > allowed(Math.max(tellableMs, freeMs), first)) {
    violate("told too late", `${endMs - tellableMs} ms after it could be told`);
  }
  const uncounted = Math.max(0, row.attempts - told.length);
  told.slice(1).forEach((telling, i) => {
    const before = told[i] as Telling;
    const doubled = FIRST_DELAY_MS * 2 ** Math.min(i + uncounted, 20);
    const delayMs = Math.min(LONGEST_DELAY_MS, Math.max(doubled, before.retryAfterMs, CLAIM_MS));
    if (telling.atMs > allowed(before.atMs + before.answerMs + delayMs, telling)) {
      violate("tried too late", `${telling.atMs - before.atMs} ms after attempt ${i + 1}`);
    }
  });
  return first && endMs - tellableMs;
}
