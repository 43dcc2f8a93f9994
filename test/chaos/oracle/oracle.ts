import type { Observed, Operation, TransitionRow, Violation } from "../observed.ts";
import { checkAlerts, type Lag } from "./alerts.ts";
import { checkDirectory } from "./directory.ts";
import { checkEvents } from "./events.ts";
import { type Change, type FinalState, historyOf } from "./history.ts";
import { Timeline } from "./timeline.ts";

/** What the oracle says of a run. */
export interface Judgement {
  violations: Violation[];
  deaths: number;
  revivals: number;
  lags: Lag[];
  /** How often an alert was told again because of a kill. */
  repeats: number;
}

/** Judges a run: nothing lost, nothing missed, nothing told of the living, and all that is written down is what happened. */
export function judge(observed: Observed): Judgement {
  const timeline = new Timeline(observed);
  const operations = Map.groupBy(observed.operations, ({ service }) => service) as Map<string, Operation[]>;
  const transitions = Map.groupBy(observed.tables.transitions, ({ service }) => service) as Map<
    string,
    TransitionRow[]
  >;
  const violations: Violation[] = [];
  const changes = new Map<string, Change[]>();
  const finals = new Map<string, FinalState>();
  for (const service of new Set([...operations.keys(), ...transitions.keys()])) {
    const its = operations.get(service) ?? [];
    violations.push(...checkAnswers(service, its));
    const history = historyOf(service, its, transitions.get(service) ?? [], timeline, observed.readMs);
    if ("problem" in history) {
      violations.push({ rule: "history", subject: service, detail: history.problem });
      continue;
    }
    changes.set(service, history.changes);
    finals.set(service, history.final);
  }
  const explained = withoutUnexplained(observed, changes);
  const alerts = checkAlerts(explained, changes, timeline);
  violations.push(...alerts.violations, ...checkEvents(explained, changes), ...checkDirectory(explained, finals));
  const all = [...changes.values()].flat();
  return {
    violations,
    deaths: all.filter(({ kind }) => kind === "died").length,
    revivals: all.filter(({ kind }) => kind === "revived").length,
    lags: alerts.lags,
    repeats: alerts.repeats,
  };
}

/** A pulse is answered with itself as the last one. */
function checkAnswers(service: string, operations: readonly Operation[]): Violation[] {
  return operations.flatMap(({ kind, outcome, last, sentMs, doneMs }) => {
    if (kind !== "pulse" || outcome !== "acknowledged") return [];
    const isItself = last !== undefined && last >= Math.floor(sentMs / 1_000) && last * 1_000 <= doneMs;
    return isItself ? [] : [{ rule: "answer", subject: service, detail: `the last pulse of ${sentMs} is ${last}` }];
  });
}

/** Where no story explains a service, one violation says so; what follows from it would only hide others. */
function withoutUnexplained(observed: Observed, changes: Map<string, Change[]>): Observed {
  const unexplained = new Set(
    [...observed.operations, ...observed.tables.transitions]
      .map(({ service }) => service)
      .filter((service) => !changes.has(service)),
  );
  if (unexplained.size === 0) return observed;
  const isKept = ({ service }: { service: string }) => !unexplained.has(service);
  const { services, events, alerts, transitions } = observed.tables;
  return {
    ...observed,
    tables: {
      services: services.filter(isKept),
      events: events.filter(isKept),
      alerts: alerts.filter(isKept),
      transitions,
    },
    attempts: observed.attempts.map((attempt) => ({ ...attempt, alerts: attempt.alerts.filter(isKept) })),
  };
}
