import type { NewEvent } from "./types.ts";

/** From here on a number is milliseconds since the epoch, not seconds. */
const LEAST_MS = 1e11;

/** A new event as it travels: a date of JavaScript's as milliseconds. */
export function bodyOf(event: NewEvent): Record<string, unknown> {
  const { date } = event;
  return { ...event, date: date instanceof Date ? date.getTime() : date };
}

/**
 * A new event as it travels, with an id instead of a date: so another attempt doesn't store it twice. One that has an id,
 * or a date as a text, is left as it is.
 */
export function stampedBody(event: NewEvent, newId: (ms: number) => string, nowMs: number): Record<string, unknown> {
  const { date, ...said } = bodyOf(event);
  if (said.id !== undefined || typeof date === "string") return { ...said, date };
  return { ...said, id: newId(date === undefined ? nowMs : msOf(date as number)) };
}

function msOf(date: number): number {
  return date >= LEAST_MS ? Math.floor(date) : Math.round(date * 1_000);
}
