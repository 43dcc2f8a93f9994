import * as z from "zod/mini";
import { ERROR_STATUS, type ErrorCode } from "../../src/domain/errors.ts";
import { RULE_LIMITS } from "../../src/domain/rule.ts";

/** An answer may gain fields: clients must not mind those that they don't know. */
function answer<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.looseObject(shape);
}

function named<S extends z.ZodMiniType>(id: string, description: string, schema: S): S {
  z.globalRegistry.add(schema, { id, description });
  return schema;
}

function said<S extends z.ZodMiniType>(schema: S, description: string): S {
  // A copy: each use of a schema has a description of its own.
  const copy = z.clone(schema);
  z.globalRegistry.add(copy, { description });
  return copy;
}

const count = z.int().check(z.gte(0));
const ulid = z.string().check(z.regex(/^[0-9A-HJKMNP-TV-Z]{26}$/));
const ok = z.literal(200);

const date = named(
  "Date",
  "Whole seconds since the epoch; with humanDates=1, `YYYY-MM-DD HH:mm:ss` in the configured time zone.",
  z.union([count, z.string().check(z.regex(/^\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d$/))]),
);

const heartBeat = named(
  "HeartBeat",
  "A service. It is dead from `expected` and its grace on.",
  answer({
    service: z.string(),
    alertType: z.string(),
    alertTarget: z.string(),
    nextIn: said(count, "Seconds, as the last pulse promised."),
    last: said(date, "The last pulse."),
    expected: said(date, "`last` + `nextIn`."),
    alerted: said(z.boolean(), "Whether its death has been noticed: true exactly while it is dead."),
    cancelled: z.boolean(),
    status: z.literal(["alive", "dead", "cancelled"]),
    since: said(date, "Since when it has this status."),
    asOf: said(date, "When `last` and `expected` were read at the service's object."),
    grace: said(z.optional(count), "Seconds; where a pulse has said it."),
    remindEvery: said(z.optional(count), "Seconds; where a pulse has said it."),
    pauseUntil: said(z.optional(date), "While it is paused."),
    alerts: said(
      z.optional(z.array(answer({ type: z.string(), target: z.string() }))),
      "The further targets, where there are any.",
    ),
  }),
);

const event = named(
  "Event",
  "An event. The time in its id (a ULID) is its date.",
  answer({
    id: ulid,
    date,
    level: count,
    message: z.string(),
    service: z.string(),
    alert: z.boolean(),
    fields: said(
      z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
      "Names and values, where it has any.",
    ),
  }),
);

const alert = named(
  "Alert",
  "One alert to one target, and what came of it.",
  answer({
    id: ulid,
    date,
    service: z.string(),
    kind: z.literal(["dead", "alive", "event"]),
    alertType: z.string(),
    alertTarget: z.string(),
    title: z.string(),
    message: z.string(),
    state: z.literal(["pending", "delivered", "failed", "dropped"]),
    attempts: count,
    lastAnswer: z.nullable(z.string()),
    nextAttempt: z.nullable(date),
  }),
);

const rule = named(
  "Rule",
  "Who is told of which events, and how often.",
  answer({
    name: z.string(),
    q: z.string(),
    alertType: z.string(),
    alertTarget: z.string(),
    count: said(count, "So many matches within `seconds` raise an alert."),
    seconds: count,
    quiet: said(count, "So many seconds after an alert there is no other."),
  }),
);

const levelCounts = z.array(answer({ level: count, count }));
const bucket = named(
  "Bucket",
  "How many events there were in a part of the range.",
  answer({ from: said(date, "When it begins."), count, levels: levelCounts }),
);

const warnings = z.optional(z.array(z.string()).check(z.minLength(1)));
const next = z.optional(z.string());
const queued = said(
  z.optional(z.literal(true)),
  "The database, or the object of an event with alert, can't be reached: what was sent is kept, and comes into lists when it can.",
);

/** What each route answers with 200. */
export const answers = {
  pulse: answer({ result: ok, action: z.literal("pulse"), heartBeat, warnings }),
  cancel: answer({ result: ok, action: z.literal("cancel"), heartBeat: z.union([heartBeat, z.string()]) }),
  heartbeat: answer({ result: ok, heartBeat }),
  heartbeats: answer({ result: ok, heartBeats: z.array(heartBeat) }),
  issuedKey: answer({ result: ok, service: z.string(), key: z.string(), maxNextIn: count }),
  revokedKey: answer({ result: ok, service: z.string() }),
  addedEvent: answer({ result: ok, id: ulid, queued, warnings }),
  addedEvents: answer({
    result: ok,
    stored: said(count, "How many were stored, those included that were before."),
    ids: said(z.array(ulid), "Their ids, in the order in which they were sent."),
    refused: said(
      z.array(answer({ index: count, hint: z.string() })),
      "Those that were not, by their index in what was sent, from 0 on, and why.",
    ),
    queued,
    warnings,
  }),
  events: answer({ result: ok, events: z.array(event), next }),
  imported: answer({
    result: ok,
    news: said(count, "How many of the lines were not known before."),
    refused: said(
      z.array(answer({ index: count, hint: z.string() })),
      "Those that were not taken, by their index among the lines, from 0 on, and why.",
    ),
  }),
  eventStats: named(
    "EventStats",
    "How many events there are.",
    answer({
      result: ok,
      from: date,
      to: date,
      countedFrom: said(
        z.optional(date),
        "The oldest event that was looked at; where there were too many to look at all.",
      ),
      count: said(count, "All of them."),
      levels: said(levelCounts, "How many of each level, those that there are."),
      services: said(
        z.array(answer({ service: z.string(), count })).check(z.maxLength(100)),
        "The services that have the most, at most 100.",
      ),
      otherServices: said(
        answer({ services: count, count }),
        "How many other services there are, and how many events they have.",
      ),
      bucketSeconds: said(count, "How long each bucket is."),
      buckets: said(z.array(bucket), "One after the other, also those that have no events."),
    }),
  ),
  rules: answer({ result: ok, rules: z.array(rule).check(z.maxLength(RULE_LIMITS.rules)) }),
  rule: answer({ result: ok, rule }),
  writtenRule: answer({ result: ok, rule, warnings }),
  deletedRule: answer({ result: ok, name: z.string() }),
  takenLogs: answer({
    partialSuccess: answer({
      rejectedLogRecords: said(z.optional(z.string()), "How many records were not taken, where that happened."),
      errorMessage: said(z.optional(z.string()), "Why."),
    }),
  }),
  alerts: answer({ result: ok, alerts: z.array(alert), next }),
  hello: answer({
    result: ok,
    world: date,
    version: z.string(),
    eventsPresets: z.array(answer({ name: z.string(), service: z.string(), message: z.string() })),
    warnings,
  }),
  health: answer({ result: ok }),
  pings: answer({ result: ok, pings: z.array(z.never()).check(z.maxLength(0)) }),
};

/** What each code of an error means. */
export const ERROR_TEXTS: Record<ErrorCode, string> = {
  invalid_input: "A field, a parameter or the body is not what is accepted; `hint` names it.",
  forbidden: "The password or pulse key is missing or wrong, or may not do this.",
  not_found: "There is no such route, or no service or rule of this name.",
  method_not_allowed: "The path does not take this method; `Allow` lists those that it takes.",
  too_large: "The body is too large, as it came or once it was inflated.",
  too_many_requests:
    "Too many wrong passwords or pulse keys from one address; a right one is answered all the same. Try again after `Retry-After` seconds.",
  internal: "Something that nobody foresaw. `id` is in the log.",
  not_configured:
    "The secret PASSWORD is not set, and everything is refused; or PULSE_KEY_SECRET is not, and no pulse key can be given out.",
  unavailable: "The database or the service's object can't be reached; try again after `Retry-After` seconds.",
};

/** The answer of an error to who speaks OTLP. */
export const otlpStatus = named(
  "OtlpStatus",
  "What went wrong, as OTLP has it.",
  answer({ code: said(count, "A code of gRPC."), message: z.string().check(z.minLength(1)) }),
);

/** The answer of an error: one envelope for all, with the codes that go with the status. */
export function errorAnswer(status: number) {
  const codes = (Object.keys(ERROR_STATUS) as ErrorCode[]).filter((code) => ERROR_STATUS[code] === status);
  return answer({
    result: z.literal(status),
    code: z.literal(codes),
    hint: z.string().check(z.minLength(1)),
    ...(status === 500 ? { id: ulid } : {}),
  });
}
