import * as z from "zod/mini";
import { AppError } from "../domain/errors.ts";
import { isUlid } from "../domain/ulid.ts";
import { date, number, serviceName } from "./fields.ts";

const MOST_LIMIT = 10_000;
const LIMIT_HINT = `limit must be an integer from 1 to ${MOST_LIMIT}.`;

/** The dates of a list's rows, both ends included, in seconds since the epoch. */
export interface Range {
  fromSeconds: number;
  toSeconds: number;
}

/** Where a page begins. A cursor carries the range, so that pages don't slide while time goes on. */
interface Position extends Range {
  beforeId?: string | undefined;
}

/** The parameters that every list has which comes in pages. */
export function pagingFields(defaultLimit: number) {
  const limit = z.int(LIMIT_HINT).check(z.gte(1, LIMIT_HINT), z.lte(MOST_LIMIT, LIMIT_HINT));
  return {
    service: z.optional(serviceName),
    from: z.optional(date("from")),
    to: z.optional(date("to")),
    limit: z._default(z.optional(z.pipe(number(LIMIT_HINT), limit)), defaultLimit),
    cursor: z.optional(z.string()),
  };
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
