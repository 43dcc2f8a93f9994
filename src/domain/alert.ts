import type { Event } from "./event.ts";
import { ERROR_LEVEL, levelName, NOTICE_LEVEL } from "./level.ts";
import { maskIn, maskTarget } from "./mask.ts";
import { FLAPPING_EVERY_MS, isFlapping } from "./pace.ts";
import type { Outcome } from "./retry.ts";
import type { Target, Transition } from "./service.ts";
import { formatDate, formatDuration, MINUTE_MS } from "./time.ts";

/** What an alert tells: a death, a revival, or something else that happened. */
export type AlertKind = "dead" | "alive" | "event";

/** One message to one target. */
export interface Alert {
  /** Stays the same however often the alert is sent: a receiver can tell repetitions by it. */
  id: string;
  kind: AlertKind;
  service: string;
  /** When that which it tells happened. */
  dateMs: number;
  title: string;
  message: string;
  /** From when to when the service was dead, as far as that is known and what this is about. */
  dead?: { lastMs: number; fromMs: number; toMs?: number };
  /** How often the service changed within an hour, where that is so often that not each change is told. */
  changes?: number;
}

/** What an alert says, before it is known to whom. */
export type Notice = Omit<Alert, "id">;

/** How a delivery to a target stands. */
export type DeliveryState = "pending" | "delivered" | "failed" | "dropped";

/** What became of an alert, for the delivery log. */
export interface AlertRecord {
  alert: Alert;
  target: Target;
  state: DeliveryState;
  attempts: number;
  /** What the provider said last. */
  lastAnswer?: string;
  nextAttemptMs?: number;
  /** The attempt that this record is about; undefined where it is about none. */
  attempt?: DeliveryAttempt;
}

/** One attempt to deliver an alert. */
export interface DeliveryAttempt {
  /** Counted from 1. */
  number: number;
  /** When it was answered. */
  atMs: number;
  outcome: Outcome["kind"];
  answer: string;
}

/** Who is to be told of a transition, and what. Only deaths, reminders of them and revivals are news. */
export function noticeOf(
  transition: Transition,
  service: string,
  timeZone: string,
): { notice: Notice; targets: Target[] } | undefined {
  const date = (ms: number) => `${formatDate(ms, timeZone)} ${timeZone}`;
  switch (transition.kind) {
    case "died":
    case "death-told":
    case "reminded": {
      const { atMs, lastMs, expectedMs, targets } = transition;
      const isReminder = transition.kind === "reminded";
      const notice: Notice = {
        kind: "dead",
        service,
        dateMs: atMs,
        title: `Service ${service} ${isReminder ? "is still not pulsing" : "has not pulsed"}`,
        message:
          `The service ${service} is not pulsing since ${date(lastMs)}` +
          (isReminder ? `, for ${formatDuration(atMs - lastMs)}. ${remindersBefore(transition.reminders)}` : ""),
        dead: { lastMs, fromMs: expectedMs },
      };
      return { notice: withChanges(notice, transition), targets };
    }
    case "revived":
    case "revival-told": {
      const { lastMs, expectedMs, targets } = transition;
      const revivedMs = transition.kind === "revived" ? transition.atMs : transition.revivedMs;
      const notice: Notice = {
        kind: "alive",
        service,
        dateMs: transition.atMs,
        title: `Service ${service} is pulsing again`,
        message:
          `The service ${service} is pulsing again. ` +
          `It was dead for ${formatDuration(revivedMs - expectedMs)}, from ${date(expectedMs)} to ${date(revivedMs)}`,
        dead: { lastMs, fromMs: expectedMs, toMs: revivedMs },
      };
      return { notice: withChanges(notice, transition), targets };
    }
    case "born":
    case "resumed":
    case "cancelled":
    case "retargeted":
    case "forgotten":
      return undefined;
  }
}

/** A notice of a service that flaps says so: the changes before it may not have been told. */
function withChanges(notice: Notice, transition: Transition): Notice {
  if (!isFlap(transition)) return notice;
  const { changes } = transition;
  const told = `It has changed ${changes} times within an hour, and is told every ${FLAPPING_EVERY_MS / MINUTE_MS} minutes at most`;
  return { ...notice, message: `${notice.message}. ${told}`, changes };
}

/** Whether a transition is one of so many that its notice stands for those before it. */
export function isFlap(transition: Transition): transition is Extract<Transition, { changes: number }> {
  return "changes" in transition && isFlapping(transition.changes);
}

function remindersBefore(count: number): string {
  if (count === 0) return "This is the first reminder";
  return count === 1 ? "One reminder came before this" : `${count} reminders came before this`;
}

/** Whether a transition makes death notices that are not delivered yet pointless: the news would no longer be true. */
export function overtakesDeath(transition: Transition): boolean {
  return transition.kind === "revived" || transition.kind === "cancelled";
}

/** The notice of an event that its sender wants told. */
export function noticeOfEvent(event: Event, dateMs: number): Notice {
  return {
    kind: "event",
    service: event.service,
    dateMs,
    title: `${event.service}: ${levelName(event.level)}`,
    message: event.message,
  };
}

/** The notice with which somebody tries whether a target is reached. */
export function noticeOfTest(service: string, nowMs: number): Notice {
  return {
    kind: "event",
    service,
    dateMs: nowMs,
    title: `Test alert of ${service}`,
    message: `This is a test. An alert of the service ${service} would arrive like this.`,
  };
}

/** The notice that an alert could not be delivered, for the default target; it does not give away the failed one. */
export function noticeOfFailure(failed: Alert, target: Target, answer: string, nowMs: number): Notice {
  return {
    kind: "event",
    service: failed.service,
    dateMs: nowMs,
    title: `Alert given up: ${failed.title}`,
    message:
      `An alert of the service ${failed.service} could not be delivered to ${target.type} ${maskTarget(target).target}: ` +
      `${maskIn(answer, target)}. ` +
      `It said: ${failed.message}`,
  };
}

/** The level of the event that an alert is stored as: what is bad is an error, what is good a notice. */
export function eventLevelOf(notice: Notice): number {
  return notice.kind === "alive" ? NOTICE_LEVEL : ERROR_LEVEL;
}

/** The event that an alert which could not be delivered is stored as. */
export function failureEvent(id: string, failed: Alert, target: Target, answer: string): Event {
  return {
    id,
    service: failed.service,
    level: ERROR_LEVEL,
    message: `Alert given up (${target.type}): ${failed.title}: ${maskIn(answer, target)}`,
    alert: false,
  };
}
