import { and, eq, not, or, type SQL, sql } from "drizzle-orm";
import type { EventFilter } from "../domain/event.ts";
import { ERROR_LEVEL } from "../domain/level.ts";
import { type Alternative, type Comparison, type Condition, isNumber, type Term } from "../domain/search.ts";
import { inRange, type PageRequest } from "./page.ts";
import { events } from "./schema.ts";

/**
 * Which rows are looked at, and which of those are wanted. The first is answered by an index alone; what no index can
 * tell is the second.
 */
export interface Conditions {
  candidates: SQL | undefined;
  /** Of the candidates' conditions those that say nothing of dates and pages. */
  indexed: SQL | undefined;
  search: SQL | undefined;
}

/**
 * The conditions of a filter. D1 takes a hundred parameters: a term has two at most, and there are no more than
 * MOST_SEARCH_TERMS of them; numbers are written out.
 */
export function conditionsOf(filter: EventFilter, page: Partial<PageRequest> = {}): Conditions {
  const { service, level, terms, alternatives } = whatMustHold(filter);
  // Errors have an index of their own, which a query uses only when it repeats the index's very condition.
  const leastLevel = Math.max(level, ...terms.map(leastLevelOf), leastLevelOfAny(alternatives));
  const areErrors = service === undefined && leastLevel >= ERROR_LEVEL;
  const indexed = and(
    service === undefined ? undefined : eq(events.service, service),
    areErrors ? sql`level >= ${literal(ERROR_LEVEL)}` : undefined,
  );
  const isSaidByIndex = level <= 0 || (areErrors && level === ERROR_LEVEL);
  const search = and(
    isSaidByIndex ? undefined : sql`level >= ${literal(level)}`,
    filter.message === undefined ? undefined : contains(filter.message),
    ...terms.map(termHolds),
    alternatives.length === 0 ? undefined : or(...alternatives.map((all) => and(...all.map(termHolds)))),
  );
  return { candidates: and(inRange(events.id, filter, page), indexed), indexed, search };
}

/** A filter, sorted by what can be done with it. */
interface WhatMustHold {
  /** What the indexes know: the service, and the least level. */
  service: string | undefined;
  level: number;
  /** What must hold besides. */
  terms: Term[];
  /** Of these one must hold; none where nothing is said. */
  alternatives: readonly Alternative[];
}

function whatMustHold({ service, level = 0, fields = [], search = [] }: EventFilter): WhatMustHold {
  const [only = [], ...others] = search;
  const found: WhatMustHold = { service, level, terms: [], alternatives: others.length > 0 ? search : [] };
  const said = fields.map(({ name, value }): Term => {
    return { isNegated: false, condition: { kind: "field", name, comparison: "=", value } };
  });
  for (const term of others.length > 0 ? said : [...said, ...only]) {
    const { isNegated, condition } = term;
    if (condition.kind === "service" && !isNegated && found.service === undefined) found.service = condition.service;
    else if (isLeastLevel(term)) found.level = Math.max(found.level, leastLevelOf(term));
    else found.terms.push(term);
  }
  return found;
}

/** Whether a term says nothing but that a level is the least. */
function isLeastLevel({ isNegated, condition }: Term): boolean {
  return condition.kind === "level" && !isNegated && (condition.comparison === ">=" || condition.comparison === ">");
}

/** No level below this is what a term asks for. */
function leastLevelOf({ isNegated, condition }: Term): number {
  if (condition.kind !== "level" || isNegated || condition.comparison.startsWith("<")) return 0;
  return condition.comparison === ">" ? condition.level + 1 : condition.level;
}

/** No level below this is what any of the alternatives asks for. */
function leastLevelOfAny(alternatives: readonly Alternative[]): number {
  if (alternatives.length === 0) return 0;
  return Math.min(...alternatives.map((terms) => Math.max(0, ...terms.map(leastLevelOf))));
}

function termHolds({ isNegated, condition }: Term): SQL {
  const holds = conditionHolds(condition);
  return isNegated ? not(holds) : holds;
}

function conditionHolds(condition: Condition): SQL {
  switch (condition.kind) {
    case "message":
      return contains(condition.text);
    case "service":
      return sql`service = ${condition.service}`;
    case "level":
      return sql`level ${sign(condition.comparison)} ${literal(condition.level)}`;
    case "field":
      return fieldHolds(condition);
  }
}

function contains(text: string): SQL {
  return sql`instr(lower(message), lower(${text})) > 0`;
}

/** Names that a path of JSON can hold in quotes, and SQL in its own. */
const PLAIN_NAME = /^[\w .:/-]+$/;

/**
 * Any name is safe: one that is not plain is a value that the names of an event are compared with. That reads a row for
 * each of them, where a path reads none.
 */
function fieldHolds({ name, comparison, value }: Extract<Condition, { kind: "field" }>): SQL {
  if (!PLAIN_NAME.test(name)) {
    const holds = valueHolds(sql`type`, sql`value`, comparison, value);
    return sql`exists (select 1 from json_each(fields) where key = ${name} and ${holds})`;
  }
  const path = sql.raw(`'$."${name}"'`);
  // Null where there is no such field, of which a negation must be true.
  return valueHolds(
    sql`coalesce(json_type(fields, ${path}), '')`,
    sql`json_extract(fields, ${path})`,
    comparison,
    value,
  );
}

/**
 * The condition that a value is as wanted. It is one of its type: `true` is no text, and no number.
 * @param type as JSON's functions name it
 */
function valueHolds(type: SQL, found: SQL, comparison: Comparison, wanted: string): SQL {
  const asNumber = isNumber(wanted)
    ? sql`${type} in ('integer', 'real') and ${found} ${sign(comparison)} ${literal(Number(wanted))}`
    : undefined;
  const asText = comparison === "=" ? sql`${type} = 'text' and ${found} = ${wanted}` : undefined;
  const isBoolean = wanted === "true" || wanted === "false";
  const asBoolean = comparison === "=" && isBoolean ? sql`${type} = ${sql.raw(`'${wanted}'`)}` : undefined;
  // What is no number is not more or less than anything.
  return sql`(${or(asNumber, asText, asBoolean) ?? sql`false`})`;
}

function sign(comparison: Comparison): SQL {
  return sql.raw(comparison);
}

/** A number, as JavaScript writes it: digits, a sign, a point, an exponent. SQLite reads it as the number that it is. */
export function literal(value: number): SQL {
  return sql.raw(String(value));
}
