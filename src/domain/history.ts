import type { TransitionRecord } from "./record.ts";
import type { Status } from "./service.ts";

/** A recorded change of status; dates are seconds since the epoch. */
export interface StatusChange {
  at: number;
  status: TransitionRecord["status"];
  /** Where a service died or revived: when the pulse was promised that did not come. */
  expected: number | null;
}

/** What is known of a service during a time: nobody watches one that is cancelled. */
export type Condition = "up" | "down" | "unknown";

/** A time in which nothing changed, in seconds since the epoch; `to` is not part of it. */
export interface Span {
  condition: Condition;
  from: number;
  to: number;
}

/** A time, in seconds since the epoch; `to` is not part of it. */
export interface Window {
  from: number;
  to: number;
}

/** What has been read of a service's history. */
export interface History {
  /** Oldest first, perhaps from before the window. */
  changes: readonly StatusChange[];
  /** The first moment from which on no change is missing. */
  completeFrom: number;
  /** The status before `completeFrom`, where that is known. */
  before?: TransitionRecord["status"] | undefined;
  /** The status at the end, and since when it is. */
  now: { status: Status; since: number };
}

/**
 * What a service was during a window, without gaps, oldest first. It was down from the promise that it broke on, not only
 * from when the grace was over: that is what alerts say, too.
 */
export function spansOf({ changes, completeFrom, before, now }: History, window: Window): Span[] {
  const spans: Span[] = [];
  let from = window.from;
  let condition: Condition = "unknown";

  function endAt(time: number, next: Condition): void {
    const to = Math.min(Math.max(time, from), window.to);
    const last = spans.at(-1);
    if (to > from && last?.condition === condition) last.to = to;
    else if (to > from) spans.push({ condition, from, to });
    from = to;
    condition = next;
  }

  endAt(completeFrom, conditionBefore(changes[0], before, now, completeFrom));
  for (const change of changes) {
    endAt(change.status === "dead" ? (change.expected ?? change.at) : change.at, conditionOf(change.status));
  }
  // The directory may know more than was recorded, or what is recorded may have been deleted meanwhile.
  if (condition !== conditionOf(now.status)) endAt(now.since, conditionOf(now.status));
  endAt(window.to, "unknown");
  return spans;
}

/** What is not known of the time before the first change, that change tells. */
function conditionBefore(
  first: StatusChange | undefined,
  before: History["before"],
  now: History["now"],
  completeFrom: number,
): Condition {
  if (before !== undefined) return conditionOf(before);
  switch (first?.status) {
    case undefined:
      return now.since <= completeFrom ? conditionOf(now.status) : "unknown";
    case "dead":
      return "up";
    case "alive":
      return first.expected === null ? "unknown" : "down";
    case "cancelled":
    case "forgotten":
      return "unknown";
  }
}

function conditionOf(status: TransitionRecord["status"]): Condition {
  switch (status) {
    case "alive":
      return "up";
    case "dead":
      return "down";
    case "cancelled":
    case "forgotten":
      return "unknown";
  }
}

/** How many seconds of a window were of each condition. */
export function secondsOf(spans: readonly Span[], window: Window): Record<Condition, number> {
  const seconds = { up: 0, down: 0, unknown: 0 };
  for (const { condition, from, to } of spans) {
    seconds[condition] += Math.max(0, Math.min(to, window.to) - Math.max(from, window.from));
  }
  return seconds;
}

/** The share of the watched time in which the service was up, from 0 to 1; undefined where it was not watched at all. */
export function uptimeOf(spans: readonly Span[], window: Window): number | undefined {
  const { up, down } = secondsOf(spans, window);
  return up + down > 0 ? up / (up + down) : undefined;
}

/** Cuts a window into parts of equal length, oldest first. */
export function partsOf({ from, to }: Window, count: number): Window[] {
  const at = (i: number) => Math.round(from + ((to - from) * i) / count);
  return Array.from({ length: count }, (_, i) => ({ from: at(i), to: at(i + 1) }));
}

/** What a part of a window is shown as: however short it was down, that is what matters. */
export function conditionIn(spans: readonly Span[], part: Window): Condition {
  const { up, down } = secondsOf(spans, part);
  if (down > 0) return "down";
  return up > 0 ? "up" : "unknown";
}
