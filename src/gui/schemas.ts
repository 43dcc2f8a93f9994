import * as z from "zod/mini";
import { LONGEST_PAUSE_SECONDS, MOST_TARGET_CHARACTERS } from "../domain/limits.ts";
import { RULE_LIMITS } from "../domain/rule.ts";
import { isTimeZone } from "../domain/time.ts";
import { isUlid } from "../domain/ulid.ts";
import { level, name, number, serviceName, text } from "../http/fields.ts";
import { DELIVERY_STATES, EXPORT_FORMATS, RULE_NAME_HINT } from "../http/schemas.ts";
import { STATES } from "./deadline.ts";
import { DONE } from "./done.ts";

function oneOf<const T extends readonly string[]>(name: string, values: T) {
  return z.optional(z.literal(values, `${name} must be one of ${values.join(", ")}.`));
}

function id(name: string) {
  const hint = `${name} must be the id of a row.`;
  return z.string(hint).check(z.refine((value: string) => isUlid(value), hint));
}

function integer(name: string, least: number, most: number) {
  const hint = `${name} must be an integer from ${least} to ${most}.`;
  return z.pipe(number(hint), z.int(hint).check(z.gte(least, hint), z.lte(most, hint)));
}

const done = oneOf("done", Object.keys(DONE) as (keyof typeof DONE)[]);

export const loginSchema = z.object({
  password: text("password must be given."),
  next: z.optional(z.string()),
});

export const loginPageSchema = z.object({ next: z.optional(z.string()), wrong: z.optional(z.string()) });

export const overviewSchema = z.object({
  q: z.optional(text("q must be a string without NUL characters.")),
  state: oneOf("state", STATES),
  done,
});

export const refreshSchema = z.object({ after: integer("after", 0, Number.MAX_SAFE_INTEGER) });

export const servicePageSchema = z.object({
  service: serviceName,
  /** The page of its changes. */
  before: z.optional(id("before")),
  done,
});

/** How long a pause of the web interface may be, in minutes; 0 ends one. */
export const PAUSES = [0, 30, 60, 240, 720, 1_440, 10_080, 43_200] as const;

export const serviceActionSchema = z.object({
  action: z.literal(["cancel", "pause", "test", "forget"], "action must be one of cancel, pause, test, forget."),
  minutes: z._default(z.optional(integer("minutes", 0, LONGEST_PAUSE_SECONDS / 60)), 0),
});

const ranges = {
  since: z.optional(integer("since", 60, 31_622_400)),
  from: z.optional(text("from must be a date.")),
  to: z.optional(text("to must be a date.")),
  zone: z.optional(
    text("zone must be the name of a time zone.").check(
      z.refine((name: string) => isTimeZone(name), "zone must be the name of a time zone."),
    ),
  ),
};

export const eventsPageSchema = z.object({
  ...ranges,
  preset: z.optional(text("preset must be a string.")),
  service: z.optional(serviceName),
  level: z.optional(level),
  message: z.optional(text("message must be a string without NUL characters.")),
  q: z.optional(
    z.pipe(
      text("q must be a string without NUL characters."),
      z.transform((q: string) => q.trim() || undefined),
    ),
  ),
  before: z.optional(id("before")),
  after: z.optional(id("after")),
  live: z.optional(z.string()),
});

export const newEventsSchema = z.extend(eventsPageSchema, {
  /** Where the answer before this one ended. */
  next: z.optional(id("next")),
});

export const eventStreamSchema = z.extend(eventsPageSchema, {
  /** Where the stream broke off. */
  lastEventId: z.optional(id("lastEventId")),
});

export const exportPageSchema = z.extend(eventsPageSchema, {
  format: z.literal(EXPORT_FORMATS, `format must be one of ${EXPORT_FORMATS.join(", ")}.`),
});

export const alertsPageSchema = z.object({
  service: z.optional(serviceName),
  state: oneOf("state", DELIVERY_STATES),
  before: z.optional(id("before")),
  done,
});

export const sendAgainSchema = z.object({
  id: id("id"),
  /** Where to go afterwards: to the service's page, or to all alerts. */
  back: oneOf("back", ["service"]),
});

export const rulesPageSchema = z.object({
  /** The rule that is to be changed. */
  name: z.optional(text("name must be a string without NUL characters.")),
  /** What a new one is to look for. */
  q: z.optional(text("q must be a string without NUL characters.")),
  done,
});

const quietMinutes = {
  least: RULE_LIMITS.quietSeconds.least / 60,
  most: RULE_LIMITS.quietSeconds.most / 60,
};
const MINUTES_HINT = `The minutes must be a number from ${quietMinutes.least} to ${quietMinutes.most}.`;

/** What the form of a rule has, but for its target. */
export const ruleFormSchema = z.object({
  name: name(RULE_NAME_HINT),
  q: text("The search must be a text without NUL characters.").check(
    z.minLength(1, "Say what to look for, such as level:>=error."),
  ),
  count: integer("The number of events", RULE_LIMITS.count.least, RULE_LIMITS.count.most),
  seconds: integer("The seconds", RULE_LIMITS.seconds.least, RULE_LIMITS.seconds.most),
  quiet: z.pipe(
    number(MINUTES_HINT).check(z.gte(quietMinutes.least, MINUTES_HINT), z.lte(quietMinutes.most, MINUTES_HINT)),
    z.transform((minutes: number) => Math.round(minutes * 60)),
  ),
});

export const testSchema = z.object({
  type: text("type must be a string."),
  target: text("target must be a string.").check(
    z.minLength(1, "target must be given."),
    z.maxLength(MOST_TARGET_CHARACTERS, `target must have at most ${MOST_TARGET_CHARACTERS} characters.`),
  ),
});
