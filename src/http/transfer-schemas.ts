import * as z from "zod/mini";
import { HIGHEST_LEVEL } from "../domain/level.ts";
import {
  LONGEST_GRACE_SECONDS,
  LONGEST_NEXT_IN_SECONDS,
  MOST_FURTHER_TARGETS,
  MOST_MESSAGE_BYTES,
  MOST_TARGET_CHARACTERS,
} from "../domain/limits.ts";
import { isUlid } from "../domain/ulid.ts";
import { serviceName, text } from "./fields.ts";

/*
 * The lines that one watchTower exports and another one imports. They hold what is stored, so that nothing is lost on the
 * way; numbers are numbers here, and dates are in the unit that their names say.
 */

const LATEST_MS = 2 ** 48 - 1;

function integer(name: string, least: number, most: number) {
  const hint = `${name} must be an integer from ${least} to ${most}.`;
  return z.int(hint).check(z.gte(least, hint), z.lte(most, hint));
}

const ms = (name: string) => integer(name, 0, LATEST_MS);
const seconds = (name: string) => integer(name, 0, Math.floor(LATEST_MS / 1_000));
const optional = z.optional;
const id = z.string("id must be a ULID.").check(z.refine((given: string) => isUlid(given), "id must be a ULID."));

const TARGET_HINT = `targets must be a list of {"type","target"}, both strings.`;
const target = z.object(
  {
    type: text(TARGET_HINT),
    target: text(TARGET_HINT).check(z.minLength(1, TARGET_HINT), z.maxLength(MOST_TARGET_CHARACTERS, TARGET_HINT)),
  },
  TARGET_HINT,
);

const promised = {
  sinceMs: ms("sinceMs"),
  lastMs: ms("lastMs"),
  nextInSeconds: integer("nextInSeconds", 1, LONGEST_NEXT_IN_SECONDS),
  graceSeconds: integer("graceSeconds", 0, LONGEST_GRACE_SECONDS),
  graceIsOwn: z.boolean("graceIsOwn must be true or false."),
  remindEverySeconds: integer("remindEverySeconds", 0, LONGEST_NEXT_IN_SECONDS),
  pauseUntilMs: optional(ms("pauseUntilMs")),
  changesMs: optional(z.array(ms("changesMs"), "changesMs must be a list.").check(z.maxLength(60))),
  silenceExcusedMs: optional(ms("silenceExcusedMs")),
  targets: z
    .array(target, TARGET_HINT)
    .check(z.minLength(1, TARGET_HINT), z.maxLength(MOST_FURTHER_TARGETS + 1, TARGET_HINT)),
};

const untoldRevival = optional(
  z.object(
    {
      lastMs: ms("untoldRevival.lastMs"),
      expectedMs: ms("untoldRevival.expectedMs"),
      atMs: ms("untoldRevival.atMs"),
    },
    "untoldRevival must be an object.",
  ),
);

const STATE_HINT = "state must be what an export says of a service, with the status alive, dead or cancelled.";
const state = z.discriminatedUnion(
  "status",
  [
    z.object({
      status: z.literal("alive"),
      ...promised,
      untoldRevival,
      excusedUntilMs: optional(ms("excusedUntilMs")),
      isHeld: optional(z.literal(true)),
      isUnheard: optional(z.literal(true)),
    }),
    z.object({
      status: z.literal("dead"),
      ...promised,
      untoldRevival,
      toldMs: optional(ms("toldMs")),
      reminders: integer("reminders", 0, Number.MAX_SAFE_INTEGER),
    }),
    z.object({ status: z.literal("cancelled"), ...promised }),
  ],
  STATE_HINT,
);

const KEY_HINT = "key must be an object.";

/** A service: its whole state, and which of its pulse keys counts. */
export const serviceLine = z.object({
  kind: z.literal("service"),
  service: serviceName,
  state,
  key: optional(
    z.object(
      {
        version: integer("key.version", 0, Number.MAX_SAFE_INTEGER),
        maxNextInSeconds: integer("key.maxNextInSeconds", 1, LONGEST_NEXT_IN_SECONDS),
      },
      KEY_HINT,
    ),
  ),
});

/** A change of a service's status. */
export const transitionLine = z.object({
  kind: z.literal("transition"),
  id,
  service: serviceName,
  status: z.literal(["alive", "dead", "cancelled", "forgotten"], "status must be the status of a service."),
  last: z.nullable(seconds("last")),
  expected: z.nullable(seconds("expected")),
});

const MESSAGE_HINT = `message must be a string of 1 to ${MOST_MESSAGE_BYTES} bytes, without NUL characters.`;
const FIELDS_HINT = "fields must be a flat object of strings, numbers and booleans.";

/** An event. */
export const eventLine = z.object({
  kind: z.literal("event"),
  id,
  service: serviceName,
  level: integer("level", 0, HIGHEST_LEVEL),
  message: text(MESSAGE_HINT).check(
    z.refine((message: string) => {
      const { byteLength } = new TextEncoder().encode(message);
      return byteLength >= 1 && byteLength <= MOST_MESSAGE_BYTES;
    }, MESSAGE_HINT),
  ),
  alert: z.boolean("alert must be true or false."),
  fields: optional(
    z.record(z.string(), z.union([text(FIELDS_HINT), z.number(), z.boolean()], FIELDS_HINT), FIELDS_HINT),
  ),
});

/** An alert rule. */
export const ruleLine = z.object({
  kind: z.literal("rule"),
  name: serviceName,
  q: text("q must be a search."),
  alertType: text("alertType must be a string."),
  alertTarget: text("alertTarget must be a string.").check(z.maxLength(MOST_TARGET_CHARACTERS)),
  count: integer("count", 1, Number.MAX_SAFE_INTEGER),
  seconds: integer("seconds", 1, LONGEST_NEXT_IN_SECONDS),
  quietSeconds: integer("quietSeconds", 0, LONGEST_NEXT_IN_SECONDS),
  writtenMs: ms("writtenMs"),
});

/** The schema of each kind of line. */
export const lineSchemas = {
  service: serviceLine,
  transition: transitionLine,
  event: eventLine,
  rule: ruleLine,
};

const EXPORTED_KINDS = ["services", "transitions", "events", "rules"] as const;

/** What an export can be of. */
export type ExportedKind = (typeof EXPORTED_KINDS)[number];

export const exportSchema = z.object({
  kind: z.literal(EXPORTED_KINDS, `kind must be one of ${EXPORTED_KINDS.join(", ")}.`),
  after: z.optional(text("after must be next of the page before.")),
});
