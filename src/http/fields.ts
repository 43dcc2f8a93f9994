import * as z from "zod/mini";
import { AppError } from "../domain/errors.ts";
import { HIGHEST_LEVEL, LEVEL_NAMES, levelByName } from "../domain/level.ts";
import { MOST_NAME_CHARACTERS } from "../domain/limits.ts";
import { SECOND_MS, toSeconds } from "../domain/time.ts";
import { readForm, readPairs } from "./form.ts";

/** The latest date that a ULID can hold, in seconds. */
export const LATEST_SECONDS = toSeconds(2 ** 48 - 1) - 1;

/** Parses fields by a schema; the first thing that is wrong becomes the hint of a 400. */
export function parseFields<S extends z.ZodMiniType>(schema: S, fields: unknown): z.output<S> {
  const result = schema.safeParse(fields);
  if (result.success) return result.data;
  throw new AppError("invalid_input", result.error.issues[0]?.message ?? "The request is not valid.");
}

/**
 * Query parameters; those that are left empty were not given.
 * @param repeatable the one that may be given several times: see {@link readValues}
 */
export function readQuery(url: string, repeatable?: string): Record<string, unknown> {
  return readForm(queryOf(url), repeatable);
}

/** All that a query gives to one parameter. */
export function readValues(url: string, name: string): string[] {
  return readPairs(queryOf(url)).flatMap(([given, value]) => (given === name && value !== "" ? [value] : []));
}

function queryOf(url: string): string {
  return new URL(url).search.slice(1);
}

/** A text of well-formed Unicode without NUL: SQLite ends texts there when it reads them from JSON. */
export function text(hint: string) {
  return z.string(hint).check(z.refine((value: string) => value.isWellFormed() && !value.includes("\0"), hint));
}

// Each digit has one place to match: otherwise a text of many digits and a letter would take minutes to refuse.
const NUMBER = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i;

/** A number, or a text that holds one: the original Java client sends those. */
export function number(hint: string) {
  return z.pipe(z.union([z.number(hint), z.string(hint).check(z.regex(NUMBER, hint))], hint), z.transform(Number));
}

/** Seconds, rounded up: who promises 1.5 s shall not be dead before. */
export function seconds(hint: string, least: number, most: number) {
  const rounded = z.pipe(
    number(hint).check(z.gte(0, hint)),
    z.transform((seconds: number) => Math.ceil(seconds)),
  );
  return z.pipe(rounded, z.int(hint).check(z.gte(least, hint), z.lte(most, hint)));
}

/** true or false, 1 or 0, also as texts. */
export function boolean(hint: string) {
  const isTrue = z.pipe(
    z.union([z.boolean(), z.literal([0, 1, "0", "1", "true", "false"])], hint),
    z.transform((value) => value === true || value === 1 || value === "1" || value === "true"),
  );
  return z.pipe(isTrue, z.boolean());
}

const SERVICE_HINT = `service must be a string of 1 to ${MOST_NAME_CHARACTERS} characters, at most 800 bytes, without control characters.`;

/** A name that an object may have. */
export function name(hint: string) {
  return text(hint).check(
    z.refine((name: string) => {
      const length = [...name].length;
      return length >= 1 && length <= MOST_NAME_CHARACTERS && !/\p{Cc}/u.test(name);
    }, hint),
  );
}

/** The name of a service. */
export const serviceName = name(SERVICE_HINT);

const LEVEL_HINT = `level must be an integer from 0 to ${HIGHEST_LEVEL} or one of ${LEVEL_NAMES.join(", ")}.`;

/** The level of an event: a number, or a name. */
export const level = z.pipe(
  z.union([z.number(), z.string()], LEVEL_HINT),
  z.pipe(
    z.transform((value: number | string) =>
      typeof value === "number" ? value : /^\s*\d+\s*$/.test(value) ? Number(value) : levelByName(value.trim()),
    ),
    z.int(LEVEL_HINT).check(z.gte(0, LEVEL_HINT), z.lte(HIGHEST_LEVEL, LEVEL_HINT)),
  ),
);

/** A date: seconds since the epoch, or ISO 8601 (UTC unless it says otherwise); whole seconds come out. */
export function date(name: string) {
  const hint = `${name} must be a date: seconds since the epoch, or ISO 8601.`;
  return z.pipe(
    z.union([z.number(), z.string()], hint),
    z.pipe(
      z.transform((value: number | string) => Math.floor(typeof value === "number" ? value : secondsOf(value))),
      z.int(hint).check(z.gte(0, hint), z.lte(LATEST_SECONDS, hint)),
    ),
  );
}

const ISO_8601 = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;

function secondsOf(value: string): number {
  const trimmed = value.trim();
  return /^[+-]?\d+(\.\d*)?$/.test(trimmed) ? Number(trimmed) : msOfIso(trimmed) / SECOND_MS;
}

/** The moment of a date in ISO 8601, in milliseconds since the epoch; NaN where it is none. */
export function msOfIso(date: string): number {
  const [, day, time = "00:00", zone = "Z"] = date.match(ISO_8601) ?? [];
  // Date.parse takes February 30 for March 2.
  const isDay = day !== undefined && new Date(Date.parse(day) || 0).toISOString().startsWith(day);
  return isDay ? Date.parse(`${day}T${time}${zone}`) : Number.NaN;
}

/** The parameter of every GET that turns dates into text. */
export const humanDates = z._default(z.optional(boolean("humanDates must be 1 or 0.")), false);
