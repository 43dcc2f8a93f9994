import { parseArgs } from "node:util";
import type { EventFields, EventFilter } from "../types.ts";
import { dateOf } from "./date.ts";
import { parseDuration } from "./duration.ts";
import { UsageError } from "./usage.ts";

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

/** Reads a command line, and refuses what it doesn't know. */
export function parse<T extends Options>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The one word that a command takes. */
export function only(positionals: string[], what: string): string {
  const [one, ...more] = positionals;
  if (one === undefined || more.length > 0) throw new UsageError(`Give ${what}, and nothing else.`);
  return one;
}

/** Refuses words where a command takes none. */
export function none(positionals: string[]): void {
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not expected here.`);
}

/** Reads a count from 1. */
export function countOf(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`${what} must be a count from 1, not "${text}".`);
  return Number(text);
}

/** The options that say which events are wanted. */
export const FILTER = {
  service: { type: "string" },
  level: { type: "string" },
  message: { type: "string" },
  query: { type: "string", short: "q" },
  field: { type: "string", multiple: true },
  from: { type: "string" },
  to: { type: "string" },
  since: { type: "string" },
} as const;

type FilterFlags = { [name in Exclude<keyof typeof FILTER, "field">]?: string | undefined } & {
  field?: string[] | undefined;
};

/** Which events are wanted, by {@link FILTER}. */
export function filterOf({ service, level, message, query, field, from, to, since }: FilterFlags): EventFilter {
  const sinceSeconds =
    since === undefined ? undefined : Math.floor(Date.now() / 1_000 - parseDuration(since, "--since"));
  return {
    service,
    level,
    message,
    q: query,
    fields: fieldsOf(field),
    from: sinceSeconds ?? dateOf(from, "--from"),
    to: dateOf(to, "--to"),
  };
}

/** Fields by `NAME=VALUE`, which is a text, or `NAME:=VALUE`, which is a number or a boolean. */
export function fieldsOf(texts: string[] | undefined): EventFields | undefined {
  if (texts === undefined) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const [, name = "", sign, value = ""] = /^([^=]+?)(:?=)(.*)$/s.exec(text) ?? [];
      if (sign === "=") return [name, value];
      if (sign === ":=" && /^(true|false|-?\d+(\.\d+)?(e[+-]?\d+)?)$/i.test(value)) return [name, JSON.parse(value)];
      throw new UsageError(`--field must be NAME=VALUE, or NAME:=VALUE for a number, true or false, not "${text}".`);
    }),
  );
}
