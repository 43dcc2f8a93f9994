import type { Search } from "./search.ts";
import { SECOND_MS } from "./time.ts";
import { highestUlid, lowestUlid, ulidTimeMs } from "./ulid.ts";

/** Something that a service reported. */
export interface Event {
  /** A ULID whose time is the event's date. */
  id: string;
  service: string;
  level: number;
  message: string;
  /** Whether it was sent as an alert, too. */
  alert: boolean;
  /** What it says in a form that can be searched for; undefined where it has none, never empty. */
  fields?: EventFields;
}

/** The structured part of an event: flat, so that each value has one name. */
export type EventFields = Record<string, string | number | boolean>;

/** Whether two events say the same, in whatever order their fields are. */
export function isSameEvent(a: Event, b: Event): boolean {
  return contentOf(a) === contentOf(b);
}

function contentOf({ id, service, level, message, alert, fields = {} }: Event): string {
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([id, service, level, message, alert, sorted]);
}

/** Which events are wanted: all conditions hold together. */
export interface EventFilter {
  /** The first second that is wanted, since the epoch. */
  fromSeconds: number;
  /** The last second that is wanted, all of it. */
  toSeconds: number;
  service?: string;
  /** At this level or above. */
  level?: number;
  /** Contained in the message, whatever the case of ASCII letters. */
  message?: string;
  /** Fields, and what each of them must be, as a search compares it. */
  fields?: readonly { name: string; value: string }[];
  search?: Search;
}

/** When the event was registered. */
export function dateMs(event: { id: string }): number {
  return ulidTimeMs(event.id);
}

/** The ids that a range of dates comprises, both ends included. */
export function idRange(range: { fromSeconds: number; toSeconds: number }): { lowest: string; highest: string } {
  return {
    lowest: lowestUlid(range.fromSeconds * SECOND_MS),
    highest: highestUlid(range.toSeconds * SECOND_MS + SECOND_MS - 1),
  };
}
