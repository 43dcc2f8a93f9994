import { levelName } from "./level.ts";
import { isOperator, type Token, tokensOf } from "./search.ts";

/*
 * Searches, written: what somebody clicks on becomes a term of the search language, quoted where it has to be.
 */

/** Keys that mean something else than a field of their name. */
const RESERVED = /^(?:(?:service|level|message)$|field\.)/;
const PLAIN_KEY = /^[\p{L}_$@][^\s:"]*$/u;
const PLAIN_VALUE = /^[\p{L}\p{N}_][\p{L}\p{N}_.,/@:+%#&~*?!-]*$/u;
const PLAIN_WORD = /^(?!AND$|OR$)[\p{L}\p{N}_]+$/u;

/** The term for a field's value; undefined of an empty one, which no search can ask for. */
export function fieldTerm(name: string, value: string | number | boolean): string | undefined {
  if (value === "") return undefined;
  const key = RESERVED.test(name) ? `field.${name}` : name;
  return `${PLAIN_KEY.test(key) ? key : quoted(key)}:${valueText(String(value))}`;
}

/** The term for a part of the message. */
export function messageTerm(text: string): string {
  return PLAIN_WORD.test(text) ? text : quoted(text);
}

/** The term for a service. */
export function serviceTerm(name: string): string {
  return `service:${valueText(name)}`;
}

/** The term for a level and all above. */
export function levelTerm(least: number): string {
  return `level:>=${levelName(least)}`;
}

/**
 * A search with one more term, which holds for each of its alternatives, unless they have it already.
 * @throws AppError invalid_input where the search can't be read
 */
export function withTerm(q: string, term: string): string {
  return narrower(q)(term);
}

/**
 * What adds terms to a search as {@link withTerm}, each to the same one: it is read once.
 * @throws AppError invalid_input where the search can't be read
 */
export function narrower(q: string): (term: string) => string {
  const tokens = tokensOf(q);
  const ends = [...tokens.filter((token) => isOperator(token, "OR")).map(({ at }) => at), q.length];
  const alternatives = ends.map((end, i) => {
    const start = ends[i - 1] ?? 0;
    return { text: q.slice(start, end).trim(), tokens: tokens.filter(({ at }) => at >= start && at < end) };
  });
  return (term) => {
    const [wanted] = tokens.length === 0 ? [] : tokensOf(term);
    return alternatives
      .map(({ text, tokens }) => (tokens.some((token) => isSame(token, wanted)) ? text : `${text} ${term}`))
      .join(" ")
      .trim();
  };
}

function isSame(a: Token, b: Token | undefined): boolean {
  return a.key === b?.key && a.text === b?.text && a.isNegated === b?.isNegated;
}

function valueText(text: string): string {
  return PLAIN_VALUE.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
