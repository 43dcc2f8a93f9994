import { AppError } from "../domain/errors.ts";
import { idRange } from "../domain/event.ts";
import { isUlid } from "../domain/ulid.ts";
import { LATEST_SECONDS } from "./fields.ts";

/** The dates of a list's rows, both ends included, in seconds since the epoch. */
export interface Range {
  fromSeconds: number;
  toSeconds: number;
}

/** Events are those of the last day where no dates are given, and of ten minutes more, since clocks differ; in seconds. */
export function lastDay(now: number): Range {
  return { fromSeconds: now - 86_400, toSeconds: now + 600 };
}

/** What is said of a range that ends before it begins, where {@link lastDay} fills in what is not given. */
export const RANGE_HINT =
  "from must not be after to; from is 24 hours ago where it is not given, to 10 minutes from now.";

/** Where a page begins. A cursor carries the range, so that pages don't slide while time goes on. */
interface Position extends Range {
  beforeId?: string | undefined;
}

/**
 * Where the page that a query asks for begins: at its cursor, or at the end of its range. Anybody can write a cursor, so
 * that a range which is given along with one holds, too.
 */
export function positionOf(
  query: { from?: number | undefined; to?: number | undefined; cursor?: string | undefined },
  defaults: Range,
  rangeHint = "from must not be after to.",
): Position {
  if (query.cursor !== undefined) return within(query, readCursor(query.cursor));
  const toSeconds = query.to ?? defaults.toSeconds;
  const fromSeconds = query.from ?? defaults.fromSeconds;
  if (fromSeconds > toSeconds) throw new AppError("invalid_input", rangeHint);
  return { fromSeconds, toSeconds };
}

/** What an answer says of the page after it, if there is one. */
export function nextOf({ fromSeconds, toSeconds }: Range, nextId: string | undefined): { next?: string } {
  return nextId === undefined ? {} : { next: `${fromSeconds}.${toSeconds}.${nextId}` };
}

function within(
  { from = 0, to = LATEST_SECONDS }: { from?: number | undefined; to?: number | undefined },
  at: Position,
) {
  return { ...at, fromSeconds: Math.max(from, at.fromSeconds), toSeconds: Math.min(to, at.toSeconds) };
}

function readCursor(text: string): Position {
  const [, from, to, beforeId] = text.match(/^(\d{1,12})\.(\d{1,12})\.(\w{26})$/) ?? [];
  const range = { fromSeconds: Number(from), toSeconds: Number(to) };
  if (beforeId === undefined || !isUlid(beforeId) || !isIn(range, beforeId)) {
    throw new AppError("invalid_input", "cursor must be the value of next in an earlier answer.");
  }
  return { ...range, beforeId };
}

/** The id of a page's last row is one of its range. */
function isIn(range: Range, id: string): boolean {
  const { lowest, highest } = idRange(range);
  return range.toSeconds <= LATEST_SECONDS && lowest <= id && id <= highest;
}
