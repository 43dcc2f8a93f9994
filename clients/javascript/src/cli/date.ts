import { UsageError } from "./usage.ts";

/** Reads a date: seconds since the epoch, or what JavaScript knows as a date; in seconds. */
export function dateOf(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.floor(Date.parse(text) / 1_000);
  if (Number.isNaN(seconds))
    throw new UsageError(`${what} must be a date such as 2026-12-31T08:00:00Z, not "${text}".`);
  return seconds;
}
