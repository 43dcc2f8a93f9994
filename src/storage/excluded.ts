import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";

/** The assignments of an upsert that take the new values of some columns. */
export function excluded<T extends SQLiteTable>(
  table: T,
  columns: readonly (keyof T["$inferInsert"] & string)[],
): Record<string, SQL> {
  const all = getTableColumns(table);
  return Object.fromEntries(
    columns.map((column) => [column, sql`excluded.${sql.identifier(all[column]?.name ?? column)}`]),
  );
}
