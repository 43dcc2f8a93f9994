import { AppError } from "../domain/errors.ts";
import { isUlid } from "../domain/ulid.ts";

/** The dates of a list's rows, both ends included, in seconds since the epoch. */
export interface Range {
  fromSeconds: number;
  toSeconds: number;
}

/** Where a page begins. A cursor carries the range, so that pages don't slide while time goes on. */
interface Position extends Range {
  beforeId?: string | undefined;
}

/** Where the page that a query asks for begins: at its cursor, or at the end of its range. */
export function positionOf(
  query: { from?: number | undefined; to?: number | undefined; cursor?: string | undefined },
  defaults: Range,
  rangeHint = "from must not be after to.",
): Position {
  if (query.cursor !== undefined) return readCursor(query.cursor);
  const toSeconds = query.to ?? defaults.toSeconds;
  const fromSeconds = query.from ?? defaults.fromSeconds;
  if (fromSeconds > toSeconds) throw new AppError("invalid_input", rangeHint);
  return { fromSeconds, toSeconds };
}

/** What an answer says of the page after it, if there is one. */
export function nextOf({ fromSeconds, toSeconds }: Range, nextId: string | undefined): { next?: string } {
  return nextId === undefined ? {} : { next: `${fromSeconds}.${toSeconds}.${nextId}` };
}

function readCursor(text: string): Position {
  const [, from, to, beforeId] = text.match(/^(\d{1,12})\.(\d{1,12})\.(\w{26})$/) ?? [];
  if (from === undefined || to === undefined || beforeId === undefined || !isUlid(beforeId)) {
    throw new AppError("invalid_input", "cursor must be the value of next in an earlier answer.");
  }
  return { fromSeconds: Number(from), toSeconds: Number(to), beforeId };
}
