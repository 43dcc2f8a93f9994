import { asc, gt, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { excluded } from "./excluded.ts";
import { limitOf } from "./page.ts";
import { rules, services, transitions } from "./schema.ts";

/*
 * Rows as they are, for who moves to another watchTower. To store one again changes nothing.
 */

export type TransitionRow = typeof transitions.$inferSelect;
export type RuleRow = typeof rules.$inferSelect;

/** The names of services after a name, in their order. */
export async function namesAfter(db: Database, after: string, limit: number): Promise<string[]> {
  const { service } = services;
  const rows = await db
    .select({ service })
    .from(services)
    .where(gt(service, after))
    .orderBy(asc(service))
    .limit(limitOf(limit));
  return rows.map((row) => row.service);
}

/** Transitions after an id, oldest first. */
export function transitionsAfter(db: Database, after: string, limit: number): Promise<TransitionRow[]> {
  return db
    .select()
    .from(transitions)
    .where(gt(transitions.id, after))
    .orderBy(asc(transitions.id))
    .limit(limitOf(limit));
}

/** Rules after a name, in their order. */
export function rulesAfter(db: Database, after: string, limit: number): Promise<RuleRow[]> {
  return db.select().from(rules).where(gt(rules.name, after)).orderBy(asc(rules.name)).limit(limitOf(limit));
}

/** The statement that stores transitions, each once. */
export function storeTransitions(db: Database, rows: readonly TransitionRow[]) {
  return db
    .insert(transitions)
    .select(
      sql`select value ->> 'id', value ->> 'service', value ->> 'status', value ->> 'last', value ->> 'expected'
          from json_each(${JSON.stringify(rows)}) where true`,
    )
    .onConflictDoNothing();
}

/** The statement that stores rules; of two of one name the younger one stays. */
export function storeRules(db: Database, rows: readonly RuleRow[]) {
  return db
    .insert(rules)
    .select(
      sql`select value ->> 'name', value ->> 'q', value ->> 'alertType', value ->> 'alertTarget', value ->> 'count',
                 value ->> 'seconds', value ->> 'quietSeconds', value ->> 'writtenMs'
          from json_each(${JSON.stringify(rows)}) where true`,
    )
    .onConflictDoUpdate({
      target: rules.name,
      set: excluded(rules, ["q", "alertType", "alertTarget", "count", "seconds", "quietSeconds", "writtenMs"]),
      setWhere: sql`excluded.written_ms > ${rules.writtenMs}`,
    });
}
