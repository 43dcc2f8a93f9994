import { type Alert, eventLevelOf, isFlap, noticeOf, overtakesDeath } from "./alert.ts";
import type { Event } from "./event.ts";
import { recordOf, type TransitionRecord } from "./record.ts";
import type { Target, Transition } from "./service.ts";

/** What has to be done because of a transition, in this order. */
export type Consequence =
  /** A reminder is not added to a death notice that its target has not got yet. */
  | { kind: "alert"; alert: Alert; target: Target; isReminder: boolean }
  | { kind: "event"; event: Event }
  | { kind: "transition"; transition: TransitionRecord }
  /** Death notices that are not delivered yet are dropped: they are no longer true, or a revival's notice says both. */
  | { kind: "drop-deaths" }
  /** What is not delivered yet to a target is dropped: a pulse has removed it, or of a service that flaps it gets the news. */
  | { kind: "drop-target"; target: Target };

/** What the consequences of a transition depend on besides the transition. */
export interface Circumstances {
  service: string;
  timeZone: string;
  /** The master switch: without it nobody is told, but states and events go on. */
  alertsEnabled: boolean;
  /** Makes a new ULID of a time. */
  newId: (ms: number) => string;
}

/** The alerts, events and records that transitions bring about: one alert for each target of what is news. */
export function consequencesOf(transitions: readonly Transition[], circumstances: Circumstances): Consequence[] {
  return transitions.flatMap((transition) => [
    ...dropsOf(transition),
    ...recordsOf(transition, circumstances),
    ...newsOf(transition, circumstances),
  ]);
}

function dropsOf(transition: Transition): Consequence[] {
  const targets = transition.kind === "retargeted" ? transition.removed : isFlap(transition) ? transition.targets : [];
  return [
    ...(overtakesDeath(transition) ? [{ kind: "drop-deaths" } as const] : []),
    ...targets.map((target) => ({ kind: "drop-target", target }) as const),
  ];
}

function recordsOf(transition: Transition, { service, newId }: Circumstances): Consequence[] {
  const record = recordOf(transition, service, newId);
  return record ? [{ kind: "transition", transition: record }] : [];
}

function newsOf(transition: Transition, circumstances: Circumstances): Consequence[] {
  const { service, timeZone, alertsEnabled, newId } = circumstances;
  const news = noticeOf(transition, service, timeZone);
  if (!news) return [];
  const { notice, targets } = news;
  const told = alertsEnabled ? targets : [];
  const alerts = told.map((target): Consequence => {
    const alert: Alert = { id: newId(notice.dateMs), ...notice };
    return { kind: "alert", alert, target, isReminder: transition.kind === "reminded" };
  });
  // What a pause or a reminder tells is in the events already.
  if (transition.kind !== "died" && transition.kind !== "revived") return alerts;
  const event: Event = {
    id: newId(notice.dateMs),
    service,
    level: eventLevelOf(notice),
    message: notice.message,
    alert: told.length > 0,
  };
  return [...alerts, { kind: "event", event }];
}
