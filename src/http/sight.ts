import { maskIn, maskTarget } from "../domain/mask.ts";
import type { Target } from "../domain/service.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import type { AlertRow } from "../storage/alert-log.ts";
import type { AlertAnswer } from "../storage/schema.ts";
import type { AppContext } from "./context.ts";

/*
 * What a caller gets to see: where people are reached is for who may change it.
 */

/** Whether the caller may change things, and see where people are reached. */
export function isAdmin(c: AppContext): boolean {
  return c.var.caller?.role === "admin";
}

/** A target, as the caller may see it. */
export function seenTarget(c: AppContext, target: Target): Target {
  return isAdmin(c) ? target : maskTarget(target);
}

/** A service, as the caller may see it. */
export function seenService(c: AppContext, service: Snapshot): Snapshot {
  return isAdmin(c) ? service : { ...service, targets: service.targets.map(maskTarget) };
}

/** An alert of the delivery log, as the caller may see it. */
export function seenAlert(c: AppContext, alert: AlertRow): AlertRow {
  if (isAdmin(c)) return alert;
  const target = targetOf(alert);
  const { lastAnswer } = alert;
  return {
    ...alert,
    alertTarget: maskTarget(target).target,
    lastAnswer: lastAnswer === null ? null : maskIn(lastAnswer, target),
  };
}

/** What providers answered to each alert, by its id, as the caller may see it. */
export function seenAnswers(
  c: AppContext,
  alerts: readonly AlertRow[],
  answers: ReadonlyMap<string, readonly AlertAnswer[]>,
): ReadonlyMap<string, readonly AlertAnswer[]> {
  if (isAdmin(c)) return answers;
  return new Map(
    alerts.map((alert) => {
      const hide = (text: string) => maskIn(text, targetOf(alert));
      return [alert.id, (answers.get(alert.id) ?? []).map((one) => ({ ...one, answer: hide(one.answer) }))];
    }),
  );
}

function targetOf({ alertType, alertTarget }: AlertRow): Target {
  return { type: alertType, target: alertTarget };
}
