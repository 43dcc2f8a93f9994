import type { Hono } from "hono";
import { configOf } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { RULE_LIMITS, type Rule } from "../domain/rule.ts";
import { parseSearch } from "../domain/search.ts";
import { ruleBook } from "../monitor/rule-book.ts";
import { warnOfTarget } from "../providers/index.ts";
import { openDatabase } from "../storage/database.ts";
import { deleteRule, findRule, listRules, writeRule } from "../storage/rules.ts";
import { readFields } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { parseFields } from "./fields.ts";
import { route } from "./route.ts";
import { ruleInPath, ruleSchema } from "./schemas.ts";
import { seenTarget } from "./sight.ts";
import { defaultTarget, namedTarget } from "./target.ts";

/** Alert rules: to write, to read and to delete them. */
export function ruleRoutes(app: Hono<AppEnv>): void {
  route(app, "/rules", { GET: getRules });
  // Not `.+`, which stops at the line separators that a name may hold.
  route(app, "/rules/:rule{[^]+}", { GET: getRule, PUT: putRule, DELETE: deleteRuleByName });
}

async function getRules(c: AppContext): Promise<Response> {
  const rules = await listRules(openDatabase(c.env.DB));
  return c.json({ result: 200, rules: rules.map((rule) => shownRule(c, rule)) });
}

async function getRule(c: AppContext): Promise<Response> {
  const rule = await findRule(openDatabase(c.env.DB), nameOf(c));
  if (!rule) throw noSuchRule();
  return c.json({ result: 200, rule: shownRule(c, rule) });
}

async function putRule(c: AppContext): Promise<Response> {
  const name = nameOf(c);
  const { q, count, seconds, quiet, ...said } = parseFields(ruleSchema, await readFields(c.req.raw));
  parseSearch(q);
  const config = configOf(c.env);
  const target = namedTarget(said, config) ?? defaultTarget(config);
  const written = await saveRule(c, { name, q, target, count, seconds, quietSeconds: quiet });
  const warnings = warnOfTarget(target, config);
  return c.json({ result: 200, rule: shownRule(c, written), ...(warnings.length > 0 ? { warnings } : {}) });
}

/** Writes a rule that is right, in place of the one of its name. */
export async function saveRule(c: AppContext, rule: Omit<Rule, "writtenMs">): Promise<Rule> {
  const written = await writeRule(openDatabase(c.env.DB), { ...rule, writtenMs: Date.now() });
  if (!written) {
    throw new AppError("invalid_input", `There must not be more than ${RULE_LIMITS.rules} rules; delete one first.`);
  }
  ruleBook.changed();
  return written;
}

async function deleteRuleByName(c: AppContext): Promise<Response> {
  const name = nameOf(c);
  await dropRule(c, name);
  return c.json({ result: 200, name });
}

/** Deletes the rule of a name; throws where there is none. */
export async function dropRule(c: AppContext, name: string): Promise<void> {
  const existed = await deleteRule(openDatabase(c.env.DB), name);
  if (!existed) throw noSuchRule();
  await ruleBook.forget(c.env, name);
}

/** What is said where no rule has the name. */
export function noSuchRule(): AppError {
  return new AppError("not_found", "There is no rule of this name.");
}

function nameOf(c: AppContext): string {
  // The raw path: a router's own decoding may not tell `%2F` from `/`, or `%2541` from `%41`.
  const encoded = new URL(c.req.url).pathname.replace(/^\/[^/]*\//, "");
  let rule: string;
  try {
    rule = decodeURIComponent(encoded);
  } catch {
    throw new AppError("invalid_input", "The rule's name must be percent-encoded UTF-8 in the path.");
  }
  return parseFields(ruleInPath, { rule }).rule;
}

/** A rule as the wire has it. */
function shownRule(c: AppContext, { name, q, target, count, seconds, quietSeconds }: Rule) {
  const seen = seenTarget(c, target);
  return { name, q, alertType: seen.type, alertTarget: seen.target, count, seconds, quiet: quietSeconds };
}
