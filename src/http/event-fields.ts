import * as z from "zod/mini";
import type { EventFields } from "../domain/event.ts";
import {
  CLOCK_SLACK_SECONDS,
  MOST_FIELD_NAME_CHARACTERS,
  MOST_FIELDS,
  MOST_FIELDS_BYTES,
  OLDEST_EVENT_SECONDS,
} from "../domain/limits.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { isUlid } from "../domain/ulid.ts";
import { msOfIso } from "./fields.ts";

/*
 * What an event may say besides what and how bad: when it was, under which id, and fields.
 */

const OLDEST_DAYS = (OLDEST_EVENT_SECONDS * SECOND_MS) / DAY_MS;
const SLACK_MINUTES = (CLOCK_SLACK_SECONDS * SECOND_MS) / MINUTE_MS;
export const DATE_HINT = `date must be seconds or milliseconds since the epoch, or ISO 8601, at most ${OLDEST_DAYS} days ago and at most ${SLACK_MINUTES} minutes ahead.`;
export const ID_HINT = `id must be a ULID whose time is the event's date, at most ${OLDEST_DAYS} days ago and at most ${SLACK_MINUTES} minutes ahead.`;
const FIELDS_HINT = `fields must be an object of at most ${MOST_FIELDS} names and ${MOST_FIELDS_BYTES} bytes as JSON: names of 1 to ${MOST_FIELD_NAME_CHARACTERS} characters without control characters, values that are strings without NUL characters, numbers, true or false.`;

/** When an event was, as somebody said it. */
export interface Moment {
  ms: number;
  /** Whether it was said to the second, so that an id may be of any millisecond in it. */
  isWholeSecond: boolean;
}

/** From here on a number is milliseconds: as seconds it would be the year 5138, as milliseconds it is 1973. */
const LEAST_MS = 1e11;

function momentOf(value: number | string): Moment {
  const text = String(value).trim();
  if (/^\d+(\.\d*)?$/.test(text)) {
    const number = Number(text);
    if (number >= LEAST_MS) return { ms: Math.floor(number), isWholeSecond: false };
    return { ms: Math.round(number * SECOND_MS), isWholeSecond: Number.isInteger(number) };
  }
  return { ms: msOfIso(text), isWholeSecond: !text.includes(".") };
}

/** The date of an event: seconds or milliseconds since the epoch, or ISO 8601. Whether it is near enough is asked later. */
export const eventDate = z.pipe(
  z.union([z.number(), z.string()], DATE_HINT),
  z.pipe(
    z.transform(momentOf),
    z.custom<Moment>((moment) => Number.isSafeInteger((moment as Moment).ms), DATE_HINT),
  ),
);

/** The id of an event: a ULID, which is written in capitals here. */
export const eventId = z.pipe(
  z.string(ID_HINT),
  z.pipe(
    z.transform((id: string) => id.toUpperCase()),
    z.custom<string>((id) => isUlid(id as string), ID_HINT),
  ),
);

/** The fields of an event; none at all is as if there were no such field. */
export const eventFields = z.pipe(
  // Not a record of zod's, which leaves out what is called __proto__.
  z.unknown().check(z.refine(areFields, FIELDS_HINT)),
  z.transform((fields) => (Object.keys(fields as EventFields).length === 0 ? undefined : (fields as EventFields))),
);

function areFields(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  if (entries.length > MOST_FIELDS || !entries.every(([name, value]) => isName(name) && isValue(value))) return false;
  const json = JSON.stringify(value);
  // A character has one to three bytes.
  return (
    json.length * 3 <= MOST_FIELDS_BYTES ||
    (json.length <= MOST_FIELDS_BYTES && new TextEncoder().encode(json).byteLength <= MOST_FIELDS_BYTES)
  );
}

function isName(name: string): boolean {
  if (name === "" || !name.isWellFormed() || /\p{Cc}/u.test(name)) return false;
  return name.length <= MOST_FIELD_NAME_CHARACTERS || [...name].length <= MOST_FIELD_NAME_CHARACTERS;
}

function isValue(value: unknown): boolean {
  // JSON reads 1e999 as infinite, and writes that as null.
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value === "boolean" || (typeof value === "string" && value.isWellFormed() && !value.includes("\0"));
}
