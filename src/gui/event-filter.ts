import type * as z from "zod/mini";
import type { Config } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { EventFilter } from "../domain/event.ts";
import { MOST_SEARCH_CHARACTERS, parseSearch } from "../domain/search.ts";
import { levelTerm, messageTerm, narrower, serviceTerm, withTerm } from "../domain/search-text.ts";
import { momentOfLocal, toSeconds } from "../domain/time.ts";
import { queryOf } from "./query.ts";
import type { eventsPageSchema } from "./schemas.ts";

/** What the address of the page says of the events that are wanted. */
export type EventQuery = z.output<typeof eventsPageSchema>;

/** How far back one can look by a choice, in seconds. */
export const RANGES = [900, 3_600, 21_600, 86_400, 604_800, 2_592_000] as const;

const DEFAULT_RANGE = 86_400;

/** The filter that a query means at a moment. */
export function filterOf(query: EventQuery, config: Config, nowMs: number): EventFilter {
  const { service, level, message } = wantedOf(query, config);
  const zone = query.zone ?? config.timeZone;
  const now = toSeconds(nowMs);
  const to = query.to === undefined ? now : secondsOf("to", query.to, zone);
  const from = query.from === undefined ? now - (query.since ?? DEFAULT_RANGE) : secondsOf("from", query.from, zone);
  if (from > to) throw new AppError("invalid_input", "from must not be after to.");
  return {
    fromSeconds: from,
    toSeconds: to,
    ...(service !== undefined && { service }),
    ...(level !== undefined && { level }),
    ...(message !== undefined && { message }),
    ...(query.q !== undefined && { search: parseSearch(query.q) }),
  };
}

/** What is wanted besides the search, from the address and its preset: whatever is written overrules that one's message. */
function wantedOf(query: EventQuery, config: Config) {
  const preset = presetOf(query, config);
  return {
    service: query.service ?? (preset?.service || undefined),
    level: query.level,
    message: query.message ?? (query.q === undefined ? preset?.message || undefined : undefined),
  };
}

/** The search that a query names; undefined where it names none. */
export function presetOf({ preset }: EventQuery, { eventsPresets }: Config) {
  if (preset === undefined) return undefined;
  const found = eventsPresets.find(({ name }) => name === preset);
  if (!found) throw new AppError("invalid_input", "preset must be the name of a search in EVENTS_PRESETS.");
  return found;
}

/** Why the search of a query can't be read, as a sentence, and where; undefined where it can. */
export function problemOf({ q }: EventQuery): { hint: string; at: number | undefined } | undefined {
  try {
    if (q !== undefined) parseSearch(q);
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const at = / at character (\d+): /.exec(error.message)?.[1];
    return {
      hint: error.message.replace(/^q\b/, "The search"),
      at: at === undefined ? undefined : Number(at),
    };
  }
}

/** Seconds since the epoch, or what the clocks of a zone show. */
function secondsOf(field: string, text: string, zone: string): number {
  const seconds = /^\d{1,12}$/.test(text) ? Number(text) : toSeconds(momentOfLocal(text, zone));
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw new AppError("invalid_input", `${field} must be a date such as 2026-12-31T23:59.`);
}

/** The address of the page with another wish; where it is in the pages is not kept. */
export function addressWith(query: EventQuery, change: Partial<EventQuery>): string {
  const { before: _, after: __, ...kept } = query;
  return `/gui/events${queryOf({ ...kept, ...change })}`;
}

/** Where clicks on an event lead: on a level or a service to those alone, on a field to those that have it, too. */
export function linksOf(query: EventQuery, config: Config) {
  const { before: _, after: __, ...shown } = query;
  const narrow = narrowing(shown, config);
  return (wanted: { level: number } | { service: string } | { term: string }) =>
    "term" in wanted ? narrow(wanted.term) : addressWith(shown, wanted);
}

/**
 * What makes addresses of the page with one more term in its search; undefined where that would be too long. What the
 * message has to contain is in the search from then on.
 */
function narrowing(query: EventQuery, config: Config): (term: string) => string | undefined {
  const { message } = query.q === undefined ? wantedOf(query, config) : {};
  const q = message === undefined ? (query.q ?? "") : messageTerm(message);
  const address = addressWith(query, { q: undefined, ...(query.q === undefined && { message: undefined }) });
  const rest = `${address}${address.includes("?") ? "&" : "?"}q=`;
  const add = narrower(q);
  return (term) => {
    const text = add(term);
    return text.length > MOST_SEARCH_CHARACTERS ? undefined : rest + encodeURIComponent(text);
  };
}

/** All that a query wants but for its dates, as a search. */
export function searchTextOf(query: EventQuery, config: Config): string {
  const { service, level, message } = wantedOf(query, config);
  const terms = [
    ...(message === undefined ? [] : [messageTerm(message)]),
    ...(service === undefined ? [] : [serviceTerm(service)]),
    ...(level === undefined || level === 0 ? [] : [levelTerm(level)]),
  ];
  return terms.reduce(withTerm, query.q ?? "");
}
