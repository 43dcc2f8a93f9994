import { and, asc, desc, gt, gte, lt, lte, type Placeholder, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { idRange } from "../domain/event.ts";

/** Which page is wanted. */
export interface PageRequest {
  limit: number;
  /** The page ends early where its texts pass this; {@link MOST_PAGE_BYTES} where it is not said. */
  bytes?: number;
  /** Where an earlier page ended. */
  beforeId?: string | undefined;
  /** The page before the one that begins with this: its rows come oldest first. */
  afterId?: string | undefined;
}

/** One page of a list, and where the next one begins. */
export interface Page<T> {
  rows: T[];
  /** The id after which the next page begins; undefined on the last page. */
  nextId: string | undefined;
  /** Whether it ended before its limit for the size of its texts. */
  isCut: boolean;
}

/** What the texts of a page may have: a Worker has 128 MB, and an answer is in it several times. */
const MOST_PAGE_BYTES = 8_000_000;

/** The condition that a row is of a range of dates, and of the page that is asked for, or one after it. */
export function inRange(
  id: SQLiteColumn,
  range: { fromSeconds: number; toSeconds: number },
  { beforeId, afterId }: Pick<PageRequest, "beforeId" | "afterId">,
): SQL | undefined {
  const { lowest, highest } = idRange(range);
  // One condition for each end: of two SQLite would use one to find its way, and read what the other excludes.
  return and(
    afterId !== undefined && afterId >= lowest ? gt(id, afterId) : gte(id, lowest),
    beforeId !== undefined && beforeId <= highest ? lt(id, beforeId) : lte(id, highest),
  );
}

/** The order in which a page is read. */
export function orderOf(id: SQLWrapper, { afterId }: PageRequest): SQL {
  return afterId === undefined ? desc(id) : asc(id);
}

/**
 * A limit as digits of the statement: where it is a parameter, SQLite prepares the statement once more as soon as it
 * knows the value, which takes as long as to read a short page.
 */
export function limitOf(limit: number): Placeholder {
  // Drizzle takes any expression there, but says so of placeholders only.
  return sql.raw(String(limit)) as unknown as Placeholder;
}

/** How many bytes texts have together; those that are null have none. */
export function bytesOf(...columns: SQLWrapper[]) {
  return sql<number>`${sql.join(
    columns.map((column) => sql`coalesce(octet_length(${column}), 0)`),
    sql` + `,
  )}`;
}

/**
 * What a page's query selects of a column of long texts: the text where it is within a row's share of the page, so that
 * the answer is bounded whatever the rows hold. The few that are longer are asked for when it is known which of them the
 * page has. (A running sum by a window function would do as well, but D1 counts six read rows for each row of it.)
 * @param bytesOfRow what is compared with that share: the bytes of all the row's texts that are selected so
 */
export function shortText(
  column: SQLWrapper,
  { limit, bytes = MOST_PAGE_BYTES }: PageRequest,
  bytesOfRow = bytesOf(column),
) {
  const share = Math.floor(bytes / limit);
  return sql<string | null>`case when ${bytesOfRow} <= ${share} then ${column} end`;
}

/** The page that was asked for, of rows among which is one more, if there is one; early ended where they are large. */
export function pageOf<T extends { id: string; bytes: number }>(
  rows: T[],
  { limit, bytes: most = MOST_PAGE_BYTES }: PageRequest,
): Page<T> {
  let bytes = 0;
  const tooMany = rows.findIndex((row, i) => {
    bytes += row.bytes;
    return i === limit || (i > 0 && bytes > most);
  });
  const shown = tooMany === -1 ? rows : rows.slice(0, tooMany);
  return {
    rows: shown,
    nextId: tooMany === -1 ? undefined : shown.at(-1)?.id,
    isCut: tooMany !== -1 && tooMany < limit,
  };
}

/** The condition that a row is one of those with these ids, however many they are. */
export function isOneOf(id: SQLiteColumn, ids: readonly string[]): SQL {
  return sql`${id} in (select value from json_each(${JSON.stringify(ids)}))`;
}
