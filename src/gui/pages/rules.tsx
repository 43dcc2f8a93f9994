import { configOf } from "../../config.ts";
import { AppError } from "../../domain/errors.ts";
import { RULE_LIMITS, type Rule } from "../../domain/rule.ts";
import type { Target } from "../../domain/service.ts";
import { toSeconds } from "../../domain/time.ts";
import { readFields } from "../../http/body.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields, readQuery } from "../../http/fields.ts";
import { dropRule, noSuchRule, saveRule } from "../../http/rules.ts";
import { isAdmin, seenTarget } from "../../http/sight.ts";
import { refuseTarget, warnOfTarget } from "../../providers/index.ts";
import { lastAlertsOfRules } from "../../storage/alert-log.ts";
import { openDatabase } from "../../storage/database.ts";
import { listRules } from "../../storage/rules.ts";
import { notice } from "../done.ts";
import { problemOf } from "../event-filter.ts";
import { answerPage } from "../parts/layout.tsx";
import { RuleForm, type RuleProblems, type RuleTexts } from "../parts/rule-form.tsx";
import { RuleList } from "../parts/rule-list.tsx";
import { ruleFormSchema, rulesPageSchema } from "../schemas.ts";

const NEW: RuleTexts = {
  is: "new",
  name: "",
  q: "",
  alertType: "",
  alertTarget: "",
  count: String(RULE_LIMITS.count.fallback),
  seconds: String(RULE_LIMITS.seconds.fallback),
  quiet: String(RULE_LIMITS.quietSeconds.fallback / 60),
};

/** All rules, and a form for a new one, or for one that is to be changed. */
export async function getRulesPage(c: AppContext): Promise<Response> {
  const { name, q, done } = parseFields(rulesPageSchema, readQuery(c.req.url));
  const rules = await listRules(openDatabase(c.env.DB));
  const rule = rules.find((rule) => rule.name === name);
  if (name !== undefined && !rule) throw noSuchRule();
  const given = rule ? textsOf(rule) : { ...NEW, q: q ?? "" };
  return rulesPage(c, { rules, given, said: notice(done) });
}

/** Writes or deletes a rule, as its form or its button says. */
export async function postRules(c: AppContext): Promise<Response> {
  const fields = await readFields(c.req.raw);
  if (fields.action === "delete") {
    await dropRule(c, String(fields.name));
    return c.redirect("/gui/rules?done=unruled", 303);
  }
  const given = Object.fromEntries(
    Object.keys(NEW).map((name) => [name, String(fields[name] ?? "")]),
  ) as unknown as RuleTexts;
  const rules = await listRules(openDatabase(c.env.DB));
  const { rule, problems } = readRule(c, given, rules);
  if (rule) {
    const refusal = await refusalOf(saveRule(c, rule));
    if (refusal === undefined) return c.redirect("/gui/rules?done=ruled", 303);
    problems.rule = refusal;
  }
  return rulesPage(c, { rules, given, problems }, 400);
}

/** Why a rule that is right can't be saved all the same; undefined where it was. */
async function refusalOf(saving: Promise<unknown>): Promise<string | undefined> {
  try {
    await saving;
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === "invalid_input") return error.message;
    throw error;
  }
}

/** The rule that was filled in, or all that is wrong with it. */
function readRule(
  c: AppContext,
  given: RuleTexts,
  rules: readonly Rule[],
): { rule?: Omit<Rule, "writtenMs">; problems: RuleProblems } {
  const read = ruleFormSchema.safeParse(given);
  const problems: RuleProblems = {};
  for (const { path, message } of read.error?.issues ?? []) problems[path[0] as keyof RuleTexts] ??= message;
  if (problems.q === undefined) {
    const unread = problemOf(given);
    if (unread) problems.q = unread.hint;
  }
  const { target, problem } = targetOf(c, given);
  if (problem !== undefined) problems.alertTarget = problem;
  // Whoever means a new one must not overwrite what they don't see.
  if (given.is === "new" && rules.some(({ name }) => name === given.name)) {
    problems.name = "There is a rule of this name: change that one, or choose another name.";
  }
  if (!read.success || !target || Object.keys(problems).length > 0) return { problems };
  const { quiet, ...rule } = read.data;
  return { rule: { ...rule, quietSeconds: quiet, target }, problems };
}

/** Where the alerts of a rule go: to what was filled in, or to the default. */
function targetOf(
  c: AppContext,
  { alertType: type, alertTarget: target }: RuleTexts,
): {
  target?: Target;
  problem?: string;
} {
  const config = configOf(c.env);
  if (type === "" && target === "") {
    return config.defaultTarget
      ? { target: config.defaultTarget }
      : { problem: "Say who is to be told: no default is configured." };
  }
  if (type === "") return { problem: "Choose the type of this target, too." };
  if (target === "") return { problem: "The target must be given." };
  const refusal = refuseTarget({ type, target }, config);
  if (refusal === undefined) return { target: { type, target } };
  const inWords = refusal.replaceAll("alertType", "type").replaceAll("alertTarget", "target");
  return { problem: inWords.replace(/^./, (first) => first.toUpperCase()) };
}

function textsOf({ name, q, target, count, seconds, quietSeconds }: Rule): RuleTexts {
  return {
    is: "known",
    name,
    q,
    alertType: target.type,
    alertTarget: target.target,
    count: String(count),
    seconds: String(seconds),
    quiet: String(Number((quietSeconds / 60).toFixed(4))),
  };
}

interface Shown {
  rules: readonly Rule[];
  given: RuleTexts;
  problems?: RuleProblems;
  said?: string | undefined;
}

async function rulesPage(c: AppContext, { rules, given, problems = {}, said }: Shown, status: 200 | 400 = 200) {
  const config = configOf(c.env);
  const isChanging = isAdmin(c);
  const shown = rules.map((rule) => ({
    ...rule,
    target: seenTarget(c, rule.target),
    warnings: isChanging ? warnOfTarget(rule.target, config) : [],
  }));
  const lastAlerts = rules.length === 0 ? new Map() : await lastAlertsOfRules(openDatabase(c.env.DB));
  const now = toSeconds(Date.now());
  const children = (
    <>
      <h1>Rules</h1>
      {said !== undefined && (
        <p class="banner done" role="status">
          {said}
        </p>
      )}
      <p>
        A rule tells somebody of events: as soon as enough of them match its search within some time. Then it is quiet
        for a while, at the end of which one alert tells of what came meanwhile, if that was enough for another.
      </p>
      <RuleList rules={shown} lastAlerts={lastAlerts} now={now} timeZone={config.timeZone} isAdmin={isChanging} />
      {isChanging && <RuleForm given={given} problems={problems} defaultTarget={config.defaultTarget} />}
    </>
  );
  return answerPage(c, { title: "Rules · watchTower", at: "/gui/rules", children }, status);
}
