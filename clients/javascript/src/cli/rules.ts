import type { Rule } from "../types.ts";
import type { Command } from "./command.ts";
import { connect } from "./config.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { COMMON } from "./options.ts";
import { countOf, none, only, parse } from "./parse.ts";
import { formatTable, printable } from "./table.ts";
import { UsageError } from "./usage.ts";

const PUT = {
  ...COMMON,
  query: { type: "string", short: "q" },
  "alert-type": { type: "string" },
  "alert-target": { type: "string" },
  count: { type: "string" },
  within: { type: "string" },
  quiet: { type: "string" },
} as const;

/** Lists, writes and deletes alert rules. */
export const rules: Command = async (args, surroundings) => {
  const [action, ...rest] = args;
  if (action === "put") return put(rest, surroundings);
  if (action === "delete") return drop(rest, surroundings);
  const { values, positionals } = parse(args, { ...COMMON, json: { type: "boolean" } });
  none(positionals);
  const all = await connect(values, surroundings.env).rules();
  surroundings.print(values.json ? JSON.stringify(all, null, 2) : rulesTable(all));
  return 0;
};

const put: Command = async (args, { env, print, warn }) => {
  const { values, positionals } = parse(args, PUT);
  const name = only(positionals, "the rule's name");
  const { query, within, quiet } = values;
  if (query === undefined) throw new UsageError("--query is missing: the search that events have to match.");
  const rule = await connect(values, env, { onWarning: warn }).putRule(name, {
    q: query,
    alertType: values["alert-type"],
    alertTarget: values["alert-target"],
    count: countOf(values.count, "--count"),
    seconds: within === undefined ? undefined : parseDuration(within, "--within"),
    quiet: quiet === undefined ? undefined : parseDuration(quiet, "--quiet"),
  });
  print(`${printable(rule.name)} alerts ${printable(rule.alertType)} of ${whenOf(rule)}`);
  return 0;
};

const drop: Command = async (args, { env, print }) => {
  const { values, positionals } = parse(args, COMMON);
  const name = only(positionals, "the rule's name");
  print(`${name} is ${(await connect(values, env).deleteRule(name)) ? "deleted" : "unknown"}`);
  return 0;
};

function rulesTable(all: Rule[]): string {
  if (all.length === 0) return "There are no rules.";
  const rows = all.map((rule) => [
    printable(rule.name),
    printable(rule.q),
    whenOf(rule),
    formatDuration(rule.quiet),
    printable(rule.alertType),
  ]);
  return formatTable([["rule", "search", "when", "quiet", "alerts"], ...rows]);
}

function whenOf({ count, seconds }: Rule): string {
  return count === 1 ? "each event" : `${count} events within ${formatDuration(seconds)}`;
}
