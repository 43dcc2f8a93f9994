import { AppError } from "./errors.ts";
import type { Event, EventFields } from "./event.ts";
import { levelByName } from "./level.ts";

/*
 * The search language: words and "quoted phrases" that the message contains, -word for what it must not, service:name,
 * level:>=error, host:web-1 for fields. All of them must hold; OR separates alternatives. docs/search.md tells it whole.
 */

/** A search: alternatives, of which one must hold. */
export type Search = Alternative[];

/** Terms that must hold together. */
export type Alternative = Term[];

/** A condition, or that it does not hold. */
export interface Term {
  isNegated: boolean;
  condition: Condition;
}

/** What an event may be asked for. */
export type Condition =
  /** Contained in the message, whatever the case of ASCII letters. */
  | { kind: "message"; text: string }
  | { kind: "service"; service: string }
  | { kind: "level"; comparison: Comparison; level: number }
  /** Texts are compared for equality; other comparisons hold for numbers alone. */
  | { kind: "field"; name: string; comparison: Comparison; value: string };

/** How a value is to be compared with the wanted one. */
export type Comparison = (typeof COMPARISONS)[number];

// The longer ones first: of `>=` the beginning is one, too.
const COMPARISONS = [">=", "<=", ">", "<", "="] as const;

/** The longest search, in characters. */
export const MOST_SEARCH_CHARACTERS = 1_000;
/** The most terms of a search: D1 takes 100 parameters, a term needs up to two, and what is around it some. */
export const MOST_SEARCH_TERMS = 30;

/** The key of a field whose name means something else, such as `field.service`. */
const FIELD_PREFIX = "field.";

/** A piece of a search, and where it begins. */
export interface Token {
  at: number;
  isNegated: boolean;
  /** What stands before the colon, if there is one. */
  key: string | undefined;
  text: string;
  isQuoted: boolean;
}

/**
 * Parses a search.
 * @throws AppError invalid_input, with the position of what is wrong, counted in characters from 1
 */
export function parseSearch(q: string): Search {
  if ([...q].length > MOST_SEARCH_CHARACTERS) {
    throw new AppError("invalid_input", `q must not have more than ${MOST_SEARCH_CHARACTERS} characters.`);
  }
  const tokens = tokensOf(q);
  const search: Search = [[]];
  for (const token of tokens) {
    const current = search.at(-1) as Alternative;
    if (!isOperator(token, "OR")) {
      current.push({ isNegated: token.isNegated, condition: conditionOf(q, token) });
      continue;
    }
    if (current.length === 0) throw misread(q, token.at, "OR needs something before it");
    search.push([]);
  }
  if (search.at(-1)?.length === 0) throw misread(q, q.length, "something to search for is missing");
  if (search.flat().length > MOST_SEARCH_TERMS) {
    throw new AppError("invalid_input", `q must not have more than ${MOST_SEARCH_TERMS} terms.`);
  }
  return search;
}

/** Whether an event is what a search looks for. */
export function matchesSearch(search: Search, event: Omit<Event, "id" | "alert">): boolean {
  return search.some((terms) => terms.every(({ isNegated, condition }) => holds(condition, event) !== isNegated));
}

function holds(condition: Condition, { service, level, message, fields }: Omit<Event, "id" | "alert">): boolean {
  switch (condition.kind) {
    case "message":
      return lower(message).includes(lower(condition.text));
    case "service":
      return service === condition.service;
    case "level":
      return compare(level, condition.comparison, condition.level);
    case "field":
      return fieldHolds(fieldOf(fields, condition.name), condition);
  }
}

function fieldOf(fields: EventFields | undefined, name: string) {
  return fields && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function fieldHolds(
  value: string | number | boolean | undefined,
  { comparison, value: wanted }: Extract<Condition, { kind: "field" }>,
): boolean {
  if (typeof value === "number") return isNumber(wanted) && compare(value, comparison, Number(wanted));
  return comparison === "=" && value !== undefined && String(value) === wanted;
}

function compare(value: number, comparison: Comparison, wanted: number): boolean {
  switch (comparison) {
    case "=":
      return value === wanted;
    case ">":
      return value > wanted;
    case ">=":
      return value >= wanted;
    case "<":
      return value < wanted;
    case "<=":
      return value <= wanted;
  }
}

/** Whether a text is a number as JSON writes them. */
export function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));
}

/** As SQLite's lower(), which knows ASCII alone. */
function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function conditionOf(q: string, { at, key, text, isQuoted }: Token): Condition {
  if (key === undefined || key === "message") return { kind: "message", text };
  if (key === "service") return { kind: "service", service: text };
  const comparison = isQuoted ? undefined : COMPARISONS.find((sign) => text.startsWith(sign));
  const value = comparison ? text.slice(comparison.length) : text;
  if (key === "level") {
    const level = /^\d{1,4}$/.test(value) ? Number(value) : levelByName(value);
    if (level === undefined) throw misread(q, at, "level takes a number or the name of a level, as in level:>=error");
    return { kind: "level", comparison: comparison ?? "=", level };
  }
  const name = key.startsWith(FIELD_PREFIX) ? key.slice(FIELD_PREFIX.length) : key;
  if (name === "" || value === "") throw misread(q, at, "a field needs a name and a value, as in host:web-1");
  if (comparison !== undefined && comparison !== "=" && !isNumber(value)) {
    throw misread(q, at, `${comparison} takes a number; quote the value if it is meant literally`);
  }
  return { kind: "field", name, comparison: comparison ?? "=", value };
}

/** Whether a piece is a word that separates others, such as OR. */
export function isOperator({ key, text, isQuoted, isNegated }: Token, operator: string): boolean {
  return key === undefined && !isQuoted && !isNegated && text === operator;
}

/**
 * The pieces of a search.
 * @throws AppError invalid_input, as {@link parseSearch}
 */
export function tokensOf(q: string): Token[] {
  const tokens: Token[] = [];
  for (let at = skipSpace(q, 0); at < q.length; ) {
    const { token, end } = readToken(q, at);
    if (isOperator(token, "AND"))
      throw misread(q, at, "terms are and-ed without AND; quote it if it is meant literally");
    tokens.push(token);
    at = skipSpace(q, end);
  }
  return tokens;
}

function readToken(q: string, start: number): { token: Token; end: number } {
  const isNegated = q[start] === "-";
  const at = isNegated ? start + 1 : start;
  if (at >= q.length || isSpace(q[at])) throw misread(q, start, "- needs a term right behind it");
  if (q[at] === "(") throw misread(q, at, "there are no parentheses; quote them if they are meant literally");
  const first = q[at] === '"' ? readQuoted(q, at) : readBare(q, at, !isWordWithColon(q, at));
  const isKey = q[first.end] === ":";
  if (!isKey) {
    if (first.text === "") throw misread(q, at, "a phrase must not be empty");
    return { token: { at: start, isNegated, key: undefined, ...first }, end: first.end };
  }
  const valueAt = first.end + 1;
  const value = q[valueAt] === '"' ? readQuoted(q, valueAt) : readBare(q, valueAt, false);
  if (first.text === "" || value.text === "") throw misread(q, valueAt, "a name, a colon and a value belong together");
  return { token: { at: start, isNegated, key: first.text, ...value }, end: value.end };
}

interface Piece {
  text: string;
  isQuoted: boolean;
  end: number;
}

/** Whether the colon of what begins here is its own, as that of `12:30` or `https://example.com`: no name is before it. */
function isWordWithColon(q: string, at: number): boolean {
  const colon = q.indexOf(":", at);
  return /[^\p{L}_$@]/u.test(String.fromCodePoint(q.codePointAt(at) ?? 0)) || q.startsWith("//", colon + 1);
}

function readBare(q: string, start: number, endsAtColon: boolean): Piece {
  let end = start;
  while (end < q.length && !isSpace(q[end]) && !(endsAtColon && q[end] === ":")) end++;
  return { text: q.slice(start, end), isQuoted: false, end };
}

function readQuoted(q: string, start: number): Piece {
  let text = "";
  for (let at = start + 1; at < q.length; at++) {
    if (q[at] === '"') {
      const end = at + 1;
      if (end < q.length && !isSpace(q[end]) && q[end] !== ":") throw misread(q, end, "a space is missing here");
      return { text, isQuoted: true, end };
    }
    if (q[at] === "\\" && (q[at + 1] === '"' || q[at + 1] === "\\")) at++;
    text += q[at];
  }
  throw misread(q, start, "the quote that begins here does not end");
}

function skipSpace(q: string, start: number): number {
  let at = start;
  while (at < q.length && isSpace(q[at])) at++;
  return at;
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character);
}

function misread(q: string, at: number, why: string): AppError {
  return new AppError("invalid_input", `q can't be read at character ${[...q.slice(0, at)].length + 1}: ${why}.`);
}
