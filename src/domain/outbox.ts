import type { Alert, AlertRecord } from "./alert.ts";
import type { Event } from "./event.ts";
import type { TransitionRecord } from "./record.ts";
import type { Attempts } from "./retry.ts";
import type { Target } from "./service.ts";
import { addressOf, isSameTarget } from "./target.ts";

/** Something that is owed to the world outside, until it is delivered, given up or dropped. */
export type Owed =
  | { kind: "alert"; alert: Alert; target: Target }
  | { kind: "event"; event: Event }
  | { kind: "transition"; transition: TransitionRecord }
  | { kind: "record"; record: AlertRecord }
  /** The directory row, which is computed when it is sent. */
  | { kind: "directory" };

/** An alert that is owed to a target. */
export type OwedAlert = Extract<Owed, { kind: "alert" }>;

/** One owed thing, in its lane. */
export interface OutboxEntry {
  /** Rises strictly, so it is the order in which things happened. */
  id: number;
  lane: string;
  owed: Owed;
  /** Not before this moment is it tried (again), in milliseconds since the epoch. */
  nextMs: number;
  /** Undefined before the first attempt. */
  attempts: Attempts | undefined;
}

/** The lane of everything that goes to D1. */
export const D1_LANE = "d1";
/** The lane of rows that D1 refused for themselves: nothing in it is ever tried again. */
export const PARKED_LANE = "parked";

/** The lane of a thing: alerts to one target wait for one another, and for nothing else. */
export function laneOf(owed: Owed): string {
  return owed.kind === "alert" ? addressOf(owed.target) : D1_LANE;
}

/** The oldest entry of each lane: only these may be delivered, so that "pulsing again" waits for "has not pulsed". */
export function headsOf(entries: Iterable<OutboxEntry>): OutboxEntry[] {
  const heads = new Map<string, OutboxEntry>();
  for (const entry of entries) {
    if (entry.lane === PARKED_LANE) continue;
    const head = heads.get(entry.lane);
    if (!head || entry.id < head.id) heads.set(entry.lane, entry);
  }
  return [...heads.values()];
}

/** When the next delivery may be tried; undefined when none is owed. */
export function nextDeliveryMs(entries: Iterable<OutboxEntry>): number | undefined {
  const times = headsOf(entries).map((entry) => entry.nextMs);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The deliveries to try now, the longest due first, without those lanes in which one is under way. */
export function dueDeliveries(
  entries: Iterable<OutboxEntry>,
  busyLanes: ReadonlySet<string>,
  nowMs: number,
): OutboxEntry[] {
  return headsOf(entries)
    .filter((entry) => entry.nextMs <= nowMs && !busyLanes.has(entry.lane))
    .sort((a, b) => a.nextMs - b.nextMs || a.id - b.id);
}

/** Whether an entry tells a target that the service is dead, or that it is alive again. */
export function isStatusNoticeTo(entry: OutboxEntry, target: Target): entry is OutboxEntry & { owed: OwedAlert } {
  return entry.owed.kind === "alert" && entry.owed.alert.kind !== "event" && isSameTarget(entry.owed.target, target);
}

/** Whether an entry is the notice of a death. */
export function isDeathNotice(entry: OutboxEntry): entry is OutboxEntry & { owed: OwedAlert } {
  return entry.owed.kind === "alert" && entry.owed.alert.kind === "dead";
}
