import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

/** D1, as Drizzle sees it. */
export type Database = DrizzleD1Database;

/** Opens D1 through Drizzle. */
export function openDatabase(d1: D1Database): Database {
  return drizzle(d1);
}
