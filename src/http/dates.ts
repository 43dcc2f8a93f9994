import type { Config } from "../config.ts";
import { formatDate, SECOND_MS } from "../domain/time.ts";

/** How an answer writes a date that is given in seconds since the epoch. */
export type DateWriter = (seconds: number) => number | string;

/** Dates as numbers, or as text in the configured time zone. */
export function dateWriter(humanDates: boolean, config: Config): DateWriter {
  return humanDates ? (seconds) => formatDate(seconds * SECOND_MS, config.timeZone) : (seconds) => seconds;
}
