import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import * as schema from "./schema.ts";

/** D1, as Drizzle sees it. */
export type Database = DrizzleD1Database<typeof schema>;

/** Opens D1 through Drizzle. */
export function openDatabase(d1: D1Database): Database {
  return drizzle(d1, { schema });
}
