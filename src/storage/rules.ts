import { asc, eq, getTableColumns, sql } from "drizzle-orm";
import { RULE_LIMITS, type Rule } from "../domain/rule.ts";
import type { Database } from "./database.ts";
import { limitOf } from "./page.ts";
import { rules } from "./schema.ts";

/** All rules, by name. */
export async function listRules(db: Database): Promise<Rule[]> {
  const rows = await db.select().from(rules).orderBy(asc(rules.name)).limit(limitOf(RULE_LIMITS.rules));
  return rows.map(ruleOf);
}

/** The rule of a name; undefined where there is none. */
export async function findRule(db: Database, name: string): Promise<Rule | undefined> {
  const [row] = await db.select().from(rules).where(eq(rules.name, name));
  return row && ruleOf(row);
}

/**
 * Writes a rule in place of the one of its name. It is later than that one, whatever the clock says.
 * @returns the rule as it was written; undefined where there are as many as there may be
 */
export async function writeRule(db: Database, rule: Rule): Promise<Rule | undefined> {
  const { name, q, target, count, seconds, quietSeconds, writtenMs } = rule;
  const values = [name, q, target.type, target.target, count, seconds, quietSeconds, writtenMs];
  const [row] = await db
    .insert(rules)
    .select(
      sql`select ${sql.join(
        values.map((value) => sql`${value}`),
        sql`, `,
      )} where (select count(*) from ${rules} where name <> ${name}) < ${RULE_LIMITS.rules}`,
    )
    .onConflictDoUpdate({
      target: rules.name,
      set: {
        q: sql`excluded.q`,
        alertType: sql`excluded.alert_type`,
        alertTarget: sql`excluded.alert_target`,
        count: sql`excluded.count`,
        seconds: sql`excluded.seconds`,
        quietSeconds: sql`excluded.quiet_seconds`,
        writtenMs: sql`max(excluded.written_ms, ${rules.writtenMs} + 1)`,
      },
    })
    .returning(getTableColumns(rules));
  return row && ruleOf(row);
}

/**
 * Deletes a rule.
 * @returns whether there was one of this name
 */
export async function deleteRule(db: Database, name: string): Promise<boolean> {
  const { meta } = await db.delete(rules).where(eq(rules.name, name));
  return meta.changes > 0;
}

function ruleOf({ alertType: type, alertTarget: target, ...row }: typeof rules.$inferSelect): Rule {
  return { ...row, target: { type, target } };
}
