import { type Alert, eventLevelOf, noticeOf, overtakesDeath } from "./alert.ts";
import type { Event } from "./event.ts";
import type { Target, Transition } from "./service.ts";

/** What has to be done because of a transition, in this order. */
export type Consequence =
  | { kind: "alert"; alert: Alert; target: Target }
  | { kind: "event"; event: Event }
  /** Death notices that are not delivered yet are dropped: they are no longer true, or a revival's notice says both. */
  | { kind: "drop-deaths" };

/** What the consequences of a transition depend on besides the transition. */
export interface Circumstances {
  service: string;
  timeZone: string;
  /** The master switch: without it nobody is told, but states and events go on. */
  alertsEnabled: boolean;
  /** Makes a new ULID of a time. */
  newId: (ms: number) => string;
}

/** The alerts and events that transitions bring about: one alert for each target of each death and each revival. */
export function consequencesOf(transitions: readonly Transition[], circumstances: Circumstances): Consequence[] {
  return transitions.flatMap((transition) => consequencesOfOne(transition, circumstances));
}

function consequencesOfOne(transition: Transition, circumstances: Circumstances): Consequence[] {
  const { service, timeZone, alertsEnabled, newId } = circumstances;
  const consequences: Consequence[] = overtakesDeath(transition) ? [{ kind: "drop-deaths" }] : [];
  const news = noticeOf(transition, service, timeZone);
  if (!news) return consequences;
  const { notice, targets } = news;
  const told = alertsEnabled ? targets : [];
  for (const target of told) {
    consequences.push({ kind: "alert", alert: { id: newId(notice.dateMs), ...notice }, target });
  }
  consequences.push({
    kind: "event",
    event: {
      id: newId(notice.dateMs),
      service,
      level: eventLevelOf(notice),
      message: notice.message,
      alert: told.length > 0,
    },
  });
  return consequences;
}
