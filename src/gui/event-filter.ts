import type * as z from "zod/mini";
import type { Config } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { EventFilter } from "../domain/event.ts";
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
  const preset = presetOf(query, config);
  const zone = query.zone ?? config.timeZone;
  const now = toSeconds(nowMs);
  const to = query.to === undefined ? now : secondsOf("to", query.to, zone);
  const from = query.from === undefined ? now - (query.since ?? DEFAULT_RANGE) : secondsOf("from", query.from, zone);
  if (from > to) throw new AppError("invalid_input", "from must not be after to.");
  const service = query.service ?? (preset?.service || undefined);
  const message = query.message ?? (preset?.message || undefined);
  return {
    fromSeconds: from,
    toSeconds: to,
    ...(service !== undefined && { service }),
    ...(query.level !== undefined && { level: query.level }),
    ...(message !== undefined && { message }),
  };
}

function presetOf({ preset }: EventQuery, { eventsPresets }: Config) {
  if (preset === undefined) return undefined;
  const found = eventsPresets.find(({ name }) => name === preset);
  if (!found) throw new AppError("invalid_input", "preset must be the name of a search in EVENTS_PRESETS.");
  return found;
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
