import { and, gte, lt, lte, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { idRange } from "../domain/event.ts";

/** Which page is wanted. */
export interface PageRequest {
  limit: number;
  /** Where an earlier page ended. */
  beforeId?: string | undefined;
}

/** One page of a list, and where the next one begins. */
export interface Page<T> {
  rows: T[];
  /** The id after which the next page begins; undefined on the last page. */
  nextId: string | undefined;
}

/** The condition that a row is of a range of dates, and comes after an earlier page of a list that is newest first. */
export function inRange(
  id: SQLiteColumn,
  range: { fromSeconds: number; toSeconds: number },
  { beforeId }: PageRequest,
): SQL | undefined {
  const { lowest, highest } = idRange(range);
  return and(gte(id, lowest), lte(id, highest), beforeId === undefined ? undefined : lt(id, beforeId));
}

/** The page that was asked for, of rows among which is one more, if there is one. */
export function pageOf<T extends { id: string }>(rows: T[], { limit }: PageRequest): Page<T> {
  const shown = rows.slice(0, limit);
  return { rows: shown, nextId: rows.length > limit ? shown.at(-1)?.id : undefined };
}
