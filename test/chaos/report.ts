import type { Run } from "./chaos.ts";
import type { Violation } from "./observed.ts";

const MOST_SHOWN = 30;

/** The figures of a run, for people and for machines. */
export function figuresOf({ size, tookMs, observed, judgement, databaseFaults, logged }: Run) {
  const { operations, events, attempts, uptimes, excuses, tables } = observed;
  const kills = uptimes.flatMap(({ killMs, readyMs }) => (killMs === undefined ? [] : [{ readyMs }]));
  const counted = (kind: string, outcome: string) =>
    operations.filter((operation) => operation.kind === kind && operation.outcome === outcome).length;
  const stored = (outcome: string) => events.filter((event) => event.outcome === outcome).length;
  return {
    ...size,
    seconds: Math.round(tookMs / 1_000),
    kills: kills.length,
    killsWhileStarting: kills.filter(({ readyMs }) => readyMs === undefined).length,
    servicesThatPulsed: new Set(operations.map(({ service }) => service)).size,
    pulsesAcknowledged: counted("pulse", "acknowledged"),
    pulsesUnknown: counted("pulse", "unknown"),
    cancelsAcknowledged: counted("cancel", "acknowledged") + counted("forget", "acknowledged"),
    eventsAcknowledged: stored("acknowledged"),
    eventsUnknown: stored("unknown"),
    deaths: judgement.deaths,
    revivals: judgement.revivals,
    alerts: countBy(tables.alerts, ({ state }) => state),
    messages: attempts.length,
    digests: attempts.filter(({ isDigest }) => isDigest).length,
    answers: countBy(attempts, ({ verdict }) => verdict),
    repeatsBecauseOfKills: judgement.repeats,
    excuses: countBy(excuses, ({ sign }) => sign),
    databaseFaults,
    deathLagMs: percentiles(judgement.lags.filter(({ kind }) => kind === "dead").map(({ lagMs }) => lagMs)),
    deathLagWhileUpMs: percentiles(judgement.lags.filter(({ kind }) => kind === "dead").map(({ upMs }) => upMs)),
    log: Object.fromEntries([...logged].sort()),
    violations: judgement.violations.length,
    violationsByRule: countBy(judgement.violations, ({ rule }) => rule),
  };
}

/** Figures as text, and the first of what must not be. */
export function textOf(figures: object, violations: readonly Violation[]): string {
  const lines = Object.entries(figures).map(([name, value]) => {
    return `${name.padEnd(24)} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`;
  });
  const shown = violations.slice(0, MOST_SHOWN);
  return [...lines, ...shown.map(({ rule, subject, detail }) => `VIOLATION ${rule}: ${subject}: ${detail}`)].join("\n");
}

/** The middle, the 99th percentile and the most. */
export function percentiles(values: readonly number[]): { count: number; p50: number; p99: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

function countBy<T>(values: readonly T[], keyOf: (value: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[keyOf(value)] = (counts[keyOf(value)] ?? 0) + 1;
  return counts;
}
