import fc from "fast-check";
import type { Event, EventFields } from "../../../src/domain/event.ts";
import type { Alternative, Comparison, Condition, Search, Term } from "../../../src/domain/search.ts";

/** What few words searches and events are made of, so that one often finds the other. */
const WORDS = [
  "disk",
  "Disk full",
  "é",
  "É",
  "100%",
  "a_b",
  "it's",
  'say "no"',
  "back\\slash",
  "OR",
  "-x",
  "(y)",
  "😀 z",
];
const SERVICES = ["api", "API", "web 1", 'quo"te', "a:b", "-minus"];
const NAMES = [
  "host",
  "n",
  "Host",
  "level",
  "service",
  "a.b",
  "$[0]",
  'q"',
  "it's",
  "sp ace",
  "co:lon",
  "back\\",
  "é",
  "1st",
];
const TEXTS = [
  "web-1",
  "WEB-1",
  "5",
  "5.0",
  "true",
  "false",
  ">=5",
  "-3",
  "1e3",
  "é",
  'a "b"',
  "x y",
  "\\",
  "null",
  "=x",
];
const NUMBERS = [0, 5, -3, 1_000, 0.1, 0.1 + 0.2, 2 ** 53 + 2, -1.5e300, 5e-324, 1e21];
const WANTED_NUMBERS = [
  "0",
  "-0",
  "5",
  "5.0",
  "5.1",
  "-3",
  "1e3",
  "1000",
  "0.30000000000000004",
  "9007199254740994",
  "1e21",
];
const COMPARISONS: Comparison[] = ["=", ">", ">=", "<", "<="];

/** What may stand in a search as text. */
export const aText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter(isText) },
);

function isText(text: string): boolean {
  return text !== "" && text.isWellFormed() && !text.includes("\0");
}

const aName = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES) }, { weight: 1, arbitrary: aText });

const aCondition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ kind: fc.constant("message" as const), text: aText }),
  fc.record({ kind: fc.constant("service" as const), service: fc.constantFrom(...SERVICES) }),
  fc.record({
    kind: fc.constant("level" as const),
    comparison: fc.constantFrom(...COMPARISONS),
    level: fc.integer({ min: 0, max: 8 }),
  }),
  fc.record({
    kind: fc.constant("field" as const),
    name: aName,
    comparison: fc.constant("=" as const),
    value: fc.constantFrom(...TEXTS, ...WANTED_NUMBERS),
  }),
  fc.record({
    kind: fc.constant("field" as const),
    name: aName,
    comparison: fc.constantFrom(...COMPARISONS),
    value: fc.constantFrom(...WANTED_NUMBERS),
  }),
);

const aTerm: fc.Arbitrary<Term> = fc.record({
  isNegated: fc.boolean(),
  condition: aCondition,
});

/** A search of up to five alternatives. */
export const aSearch: fc.Arbitrary<Search> = fc.array(fc.array(aTerm, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 5,
});

const aValue = fc.oneof(fc.constantFrom(...TEXTS), fc.constantFrom(...NUMBERS), fc.boolean());

/** The fields of an event; undefined where it has none. */
export const someFields: fc.Arbitrary<EventFields | undefined> = fc
  .array(fc.tuple(aName, aValue), { maxLength: 4 })
  .map((pairs) => (pairs.length === 0 ? undefined : Object.fromEntries(pairs)));

/** An event, but for what makes it one of many. */
export const anEvent: fc.Arbitrary<Omit<Event, "id" | "alert">> = fc
  .record({
    service: fc.constantFrom(...SERVICES),
    level: fc.integer({ min: 0, max: 8 }),
    words: fc.array(aText, { minLength: 1, maxLength: 3 }),
    fields: someFields,
  })
  .map(({ words, fields, ...event }) => ({ ...event, message: words.join(" "), ...(fields && { fields }) }));

/** A search as one would write it; what need not be quoted is quoted where `quotes` says so. */
export function printed(search: Search, quotes = true): string {
  return search.map((terms) => terms.map((term) => printedTerm(term, quotes)).join(" ")).join(" OR ");
}

function printedTerm({ isNegated, condition }: Term, quotes: boolean): string {
  return (isNegated ? "-" : "") + printedCondition(condition, quotes);
}

function printedCondition(condition: Condition, quotes: boolean): string {
  const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
  const plain = (text: string) => (!quotes && /^[a-z]+$/.test(text) ? text : quoted(text));
  switch (condition.kind) {
    case "message":
      return plain(condition.text);
    case "service":
      return `service:${plain(condition.service)}`;
    case "level":
      return `level:${condition.comparison}${condition.level}`;
    case "field": {
      // With the prefix no name means something else.
      const name = quoted(`field.${condition.name}`);
      return condition.comparison === "="
        ? `${name}:${plain(condition.value)}`
        : `${name}:${condition.comparison}${condition.value}`;
    }
  }
}

/** Whether an event is what a search looks for, by the words of the documentation. */
export function isFound(search: Search, event: Omit<Event, "id" | "alert">): boolean {
  return search.some((terms: Alternative) => terms.every((term) => isMet(term.condition, event) === !term.isNegated));
}

function isMet(condition: Condition, event: Omit<Event, "id" | "alert">): boolean {
  if (condition.kind === "service") return [event.service].includes(condition.service);
  if (condition.kind === "message") return folded(event.message).indexOf(folded(condition.text)) >= 0;
  if (condition.kind === "level") return ordered(event.level - condition.level, condition.comparison);
  const [, value] = Object.entries(event.fields ?? {}).find(([name]) => name === condition.name) ?? [];
  if (typeof value === "number") {
    const wanted = /^[-\d]/.test(condition.value) ? Number(condition.value) : Number.NaN;
    return ordered(value === wanted ? 0 : value - wanted, condition.comparison);
  }
  return condition.comparison === "=" && value !== undefined && `${value}` === condition.value;
}

/** Whether a difference is as a comparison wants it; NaN never is. */
function ordered(difference: number, comparison: Comparison): boolean {
  if (Number.isNaN(difference)) return false;
  const allowed = { "=": [0], ">": [1], ">=": [0, 1], "<": [-1], "<=": [-1, 0] }[comparison];
  return allowed.includes(Math.sign(difference) + 0);
}

function folded(text: string): string {
  return [...text].map((letter) => (letter >= "A" && letter <= "Z" ? letter.toLowerCase() : letter)).join("");
}
