import * as z from "zod/mini";
import type { DeliveryState } from "../domain/alert.ts";
import { DEFAULT_LEVEL } from "../domain/level.ts";
import {
  BUCKET_LIMITS,
  CLOCK_SLACK_SECONDS,
  LONGEST_GRACE_SECONDS,
  LONGEST_NEXT_IN_SECONDS,
  MOST_FURTHER_TARGETS,
  MOST_MESSAGE_BYTES,
  MOST_NAME_CHARACTERS,
  MOST_TARGET_CHARACTERS,
  PAGE_LIMITS,
  SHORTEST_REMINDER_SECONDS,
} from "../domain/limits.ts";
import { RULE_LIMITS } from "../domain/rule.ts";
import { SECOND_MS } from "../domain/time.ts";
import { isUlid, ulidTimeMs } from "../domain/ulid.ts";
import { eventDate, eventFields, eventId } from "./event-fields.ts";
import { boolean, date, humanDates, level, name, number, seconds, serviceName, text } from "./fields.ts";

export const PAUSE_HINT = "pauseUntil must be a date in seconds since the epoch, at most 30 days ahead.";

const NEXT_IN_HINT = `nextIn must be a number of seconds from 1 to ${LONGEST_NEXT_IN_SECONDS}.`;
const GRACE_HINT = `grace must be a number of seconds from 0 to ${LONGEST_GRACE_SECONDS}.`;
const REMIND_HINT = `remindEvery must be 0 or a number of seconds from ${SHORTEST_REMINDER_SECONDS} to ${LONGEST_NEXT_IN_SECONDS}.`;
const ALERTS_HINT = `alerts must be a list of at most ${MOST_FURTHER_TARGETS} targets, each {"type","target"}, both strings, target of 1 to ${MOST_TARGET_CHARACTERS} characters.`;
const ALERT_TYPE_HINT = "alertType must be a string.";
const ALERT_TARGET_HINT = `alertTarget must be a string of 1 to ${MOST_TARGET_CHARACTERS} characters.`;
const MESSAGE_HINT = `message must be a string of 1 to ${MOST_MESSAGE_BYTES} bytes, without NUL characters.`;
const LIMIT_HINT = `limit must be an integer from 1 to ${PAGE_LIMITS.most}.`;
const MAX_NEXT_IN_HINT = `maxNextIn must be a number of seconds from 1 to ${LONGEST_NEXT_IN_SECONDS}.`;
const BUCKETS_HINT = `buckets must be an integer from 1 to ${BUCKET_LIMITS.most}.`;
const AFTER_HINT = "after must be the id of an event.";
export const NO_TARGET = "alertType and alertTarget are missing, and no default alert is configured.";
export const DELIVERY_STATES = ["pending", "delivered", "failed", "dropped"] as const satisfies DeliveryState[];

function targetText(hint: string) {
  return text(hint).check(z.minLength(1, hint), z.maxLength(MOST_TARGET_CHARACTERS, hint));
}

/** One of the further targets of a service. */
export const targetSchema = z.object({ type: text(ALERTS_HINT), target: targetText(ALERTS_HINT) }, ALERTS_HINT);

export const pulseSchema = z.object({
  service: serviceName,
  nextIn: seconds(NEXT_IN_HINT, 1, LONGEST_NEXT_IN_SECONDS),
  grace: z.optional(seconds(GRACE_HINT, 0, LONGEST_GRACE_SECONDS)),
  remindEvery: z.optional(
    seconds(REMIND_HINT, 0, LONGEST_NEXT_IN_SECONDS).check(
      z.refine((value: number) => value === 0 || value >= SHORTEST_REMINDER_SECONDS, REMIND_HINT),
    ),
  ),
  pauseUntil: z.optional(seconds(PAUSE_HINT, 0, Number.MAX_SAFE_INTEGER)),
  alertType: z.optional(text(ALERT_TYPE_HINT)),
  alertTarget: z.optional(targetText(ALERT_TARGET_HINT)),
  alerts: z.optional(z.array(targetSchema, ALERTS_HINT).check(z.maxLength(MOST_FURTHER_TARGETS, ALERTS_HINT))),
});

export const cancelSchema = z.object({
  service: serviceName,
  forget: z._default(z.optional(boolean("forget must be true or false.")), false),
});

export const newKeySchema = z.object({
  service: serviceName,
  maxNextIn: seconds(MAX_NEXT_IN_HINT, 1, LONGEST_NEXT_IN_SECONDS),
});

export const revocationSchema = z.object({ service: serviceName });

export const RULE_NAME_HINT = `The rule's name must have 1 to ${MOST_NAME_CHARACTERS} characters, at most 800 bytes, without control characters.`;
const Q_HINT = "q must be a search, such as level:>=error, as a string without NUL characters.";

/** A whole number within the limits of rules, which it has where it is not given. */
function limited(field: string, of: "count" | "seconds" | "quietSeconds") {
  const { least, most, fallback } = RULE_LIMITS[of];
  const hint = `${field} must be an integer from ${least} to ${most}.`;
  return z._default(
    z.optional(z.pipe(number(hint), z.int(hint).check(z.gte(least, hint), z.lte(most, hint)))),
    fallback,
  );
}

/** A rule's name, as its path has it. */
export const ruleInPath = z.object({ rule: name(RULE_NAME_HINT) });

export const ruleSchema = z.object({
  q: text(Q_HINT).check(z.minLength(1, Q_HINT)),
  alertType: z.optional(text(ALERT_TYPE_HINT)),
  alertTarget: z.optional(targetText(ALERT_TARGET_HINT)),
  count: limited("count", "count"),
  seconds: limited("seconds", "seconds"),
  quiet: limited("quiet", "quietSeconds"),
});

export const heartbeatSchema = z.object({ service: serviceName, humanDates });

export const heartbeatsSchema = z.object({ humanDates });

export const eventSchema = z.object({
  service: serviceName,
  level: z._default(z.optional(level), DEFAULT_LEVEL),
  message: text(MESSAGE_HINT).check(
    z.refine((message: string) => {
      const bytes = new TextEncoder().encode(message).byteLength;
      return bytes >= 1 && bytes <= MOST_MESSAGE_BYTES;
    }, MESSAGE_HINT),
  ),
  alert: z._default(z.optional(boolean("alert must be true or false.")), false),
  date: z.optional(eventDate),
  id: z.optional(eventId),
  fields: z.optional(eventFields),
});

/** Whose rows are wanted, and of what time. */
function wantedFields() {
  return { service: z.optional(serviceName), from: z.optional(date("from")), to: z.optional(date("to")) };
}

/** What wanted events say; `field.NAME` stands beside it, since a schema has no names that anybody may choose. */
function contentFields() {
  return {
    level: z.optional(level),
    message: z.optional(text("message must be a string without NUL characters.")),
    q: z.optional(text("q must be a string without NUL characters.")),
  };
}

/** Which events are wanted. */
function eventFilterFields() {
  return { ...wantedFields(), ...contentFields() };
}

/** The parameters that every list has which comes in pages. */
function pagingFields(defaultLimit: number) {
  const limit = z.int(LIMIT_HINT).check(z.gte(1, LIMIT_HINT), z.lte(PAGE_LIMITS.most, LIMIT_HINT));
  return {
    ...wantedFields(),
    limit: z._default(z.optional(z.pipe(number(LIMIT_HINT), limit)), defaultLimit),
    cursor: z.optional(z.string()),
  };
}

export const eventsSchema = z.object({
  ...pagingFields(PAGE_LIMITS.events),
  ...eventFilterFields(),
  humanDates,
});

export const eventStatsSchema = z.object({
  ...eventFilterFields(),
  buckets: z._default(
    z.optional(
      z.pipe(
        number(BUCKETS_HINT),
        z.int(BUCKETS_HINT).check(z.gte(1, BUCKETS_HINT), z.lte(BUCKET_LIMITS.most, BUCKETS_HINT)),
      ),
    ),
    BUCKET_LIMITS.usual,
  ),
  humanDates,
});

export const EXPORT_FORMATS = ["ndjson", "csv"] as const;

export const eventExportSchema = z.object({
  ...eventFilterFields(),
  format: z._default(
    z.optional(z.literal(EXPORT_FORMATS, `format must be one of ${EXPORT_FORMATS.join(", ")}.`)),
    "ndjson",
  ),
  after: z.optional(z.string(AFTER_HINT).check(z.refine((value: string) => isUlid(value), AFTER_HINT))),
  humanDates,
});

const LAST_EVENT_ID_HINT = "lastEventId must be the id that an earlier answer ended with.";

export const tailSchema = z.object({
  service: z.optional(serviceName),
  ...contentFields(),
  lastEventId: z.optional(
    z
      .string(LAST_EVENT_ID_HINT)
      .check(z.refine((value: string) => isUlid(value) && !isAhead(value), LAST_EVENT_ID_HINT)),
  ),
  humanDates,
});

/** Whether an id is of a time that no clock shows yet: no answer has ended with it, and nothing would come after it. */
function isAhead(id: string): boolean {
  return ulidTimeMs(id) > Date.now() + CLOCK_SLACK_SECONDS * SECOND_MS;
}

export const alertsSchema = z.object({
  ...pagingFields(PAGE_LIMITS.alerts),
  state: z.optional(z.literal(DELIVERY_STATES, `state must be one of ${DELIVERY_STATES.join(", ")}.`)),
  humanDates,
});

export const helloSchema = z.object({ humanDates });
