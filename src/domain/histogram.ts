import { SECOND_MS } from "./time.ts";

/** Equal parts of time, one after the other. */
export interface Buckets {
  /** When the first one begins, in milliseconds since the epoch. */
  startMs: number;
  /** How long each of them is, in milliseconds. */
  widthMs: number;
  count: number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 364 * DAY;

/** What people take for a round time, in seconds; beyond these it is a year, or a multiple of that. */
const WIDTHS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182].map((days) => days * DAY),
];

/**
 * At most so many buckets of a round width that comprise a range, both ends of which are in it. They begin at multiples
 * of their width since the epoch, so that the first may begin before the range, and the last may end after it. One alone
 * is the range.
 */
export function roundBuckets(range: { fromSeconds: number; toSeconds: number }, most: number): Buckets {
  const { fromSeconds, toSeconds } = range;
  if (most === 1) return equalParts(range, 1);
  const countOf = (width: number) => Math.floor(toSeconds / width) - Math.floor(fromSeconds / width) + 1;
  let width = WIDTHS.find((width) => countOf(width) <= most) ?? YEAR;
  // It ends: a width that is no shorter than the range makes two of them at most.
  while (countOf(width) > most) width *= 2;
  return {
    startMs: Math.floor(fromSeconds / width) * width * SECOND_MS,
    widthMs: width * SECOND_MS,
    count: countOf(width),
  };
}

/** So many equal parts of a range, both ends of which are in it. */
export function equalParts(range: { fromSeconds: number; toSeconds: number }, count: number): Buckets {
  const { fromSeconds, toSeconds } = range;
  return {
    startMs: fromSeconds * SECOND_MS,
    widthMs: ((toSeconds + 1 - fromSeconds) * SECOND_MS) / count,
    count,
  };
}
