import * as z from "zod/mini";
import type { ZodOpenApiMetadata } from "zod-openapi";
import { HIGHEST_LEVEL, LEVEL_NAMES } from "../../src/domain/level.ts";
import {
  BUCKET_LIMITS,
  CLOCK_SLACK_SECONDS,
  LONGEST_NEXT_IN_SECONDS,
  MOST_FIELD_NAME_CHARACTERS,
  MOST_FIELDS,
  MOST_FIELDS_BYTES,
  MOST_MESSAGE_BYTES,
  MOST_NAME_CHARACTERS,
  OLDEST_EVENT_SECONDS,
  PAGE_LIMITS,
  SHORTEST_REMINDER_SECONDS,
} from "../../src/domain/limits.ts";
import { RULE_LIMITS } from "../../src/domain/rule.ts";
import { MOST_SEARCH_CHARACTERS } from "../../src/domain/search.ts";
import {
  alertsSchema,
  cancelSchema,
  eventExportSchema,
  eventSchema,
  eventStatsSchema,
  eventsSchema,
  heartbeatSchema,
  heartbeatsSchema,
  helloSchema,
  newKeySchema,
  pulseSchema,
  revocationSchema,
  ruleInPath,
  ruleSchema,
  tailSchema,
  targetSchema,
} from "../../src/http/schemas.ts";
import { exportSchema } from "../../src/http/transfer-schemas.ts";

/** Describes a field by these forms alone, instead of the one that it ends up in. */
function anyOf(...forms: object[]): NonNullable<ZodOpenApiMetadata["override"]> {
  return ({ jsonSchema }) => {
    for (const key of ["type", "minimum", "maximum"] as const) delete jsonSchema[key];
    Object.assign(jsonSchema, { anyOf: forms });
  };
}

const levelForms = anyOf(
  { type: "integer", minimum: 0, maximum: HIGHEST_LEVEL },
  { type: "string", enum: [...LEVEL_NAMES, "warn"] },
);
const levelText =
  "a number, or a name: debug 0, info 1, notice 2, warning (warn) 3, error 4, critical 5, alert 6, emergency 7";
const dateForms = anyOf(
  { type: "integer", minimum: 0, description: "Seconds since the epoch." },
  { type: "string", description: "ISO 8601, UTC unless it says otherwise." },
);

const NO_NUL = "^[^\\u0000]*$";

const service: ZodOpenApiMetadata = {
  description: `The service's name: 1 to ${MOST_NAME_CHARACTERS} characters of any Unicode except control characters, compared exactly. It may hold slashes, spaces, quotes and emoji.`,
  example: "backup",
  override: {
    type: "string",
    minLength: 1,
    maxLength: MOST_NAME_CHARACTERS,
    pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
  },
};
const humanDates: ZodOpenApiMetadata = {
  description: "true (or 1) for dates as `YYYY-MM-DD HH:mm:ss` in the configured time zone.",
};
const paging = {
  service: { ...service, description: "Only those of this service." },
  cursor: { description: "`next` of the answer before: it carries the range, so that pages don't slide." },
  humanDates,
} satisfies Record<string, ZodOpenApiMetadata>;

const eventFilter = {
  service: paging.service,
  from: { description: "Date at or above; default 24 hours ago.", override: dateForms },
  to: { description: "Date at or below; default 10 minutes from now, since clocks differ.", override: dateForms },
  level: { description: `Level at or above: ${levelText}.`, override: levelForms },
  message: {
    description: "The message contains this, whatever the case of ASCII letters; every character is literal.",
    override: { type: "string", pattern: NO_NUL },
  },
  q: {
    description:
      'A search: words, `"phrases"`, `service:api`, `level:>=error`, `host:web-1` for a field, `-` before what must not be, `OR` between alternatives.',
    example: "level:>=error host:web-1 -timeout",
    override: { type: "string", pattern: NO_NUL },
  },
} satisfies Record<string, ZodOpenApiMetadata>;

const alertType: ZodOpenApiMetadata = {
  description:
    "`pushover`, `mail` (or `email`) or `webhook`. Together with `alertTarget`, or both are left out where a default is configured.",
  example: "webhook",
  override: { type: "string", enum: ["pushover", "mail", "email", "webhook"] },
};
const alertTarget: ZodOpenApiMetadata = {
  description:
    "`pushover`: the user or group key; `mail`: one address or several, comma-separated; `webhook`: an http or https URL, which gets a JSON POST.",
  example: "https://example.com/hook",
};

/** What is said of each field of a request, and where its validation says less than is true. */
const described: [z.ZodMiniObject, Record<string, ZodOpenApiMetadata>, id?: string][] = [
  [
    targetSchema,
    {
      type: { description: "As `alertType`.", example: "mail" },
      target: { description: "As `alertTarget`.", example: "team@example.com" },
    },
    "Target",
  ],
  [
    pulseSchema,
    {
      service,
      nextIn: {
        description: "Seconds until the next pulse in the worst case; a fraction is rounded up.",
        example: 90_000,
      },
      alertType,
      alertTarget,
      grace: { description: "Seconds tolerated after the promise; `GRACE_SECONDS` (5) where no pulse has said." },
      remindEvery: {
        description: `Seconds between repeats of the death notice, at least ${SHORTEST_REMINDER_SECONDS}; 0 for none, the default.`,
        override: anyOf(
          { type: "integer", const: 0 },
          { type: "integer", minimum: SHORTEST_REMINDER_SECONDS, maximum: LONGEST_NEXT_IN_SECONDS },
        ),
      },
      pauseUntil: {
        description:
          "Until this date (seconds since the epoch, at most 30 days ahead) nobody is alerted; a service that is dead when the pause ends is alerted then.",
      },
      alerts: { description: "Further targets, told as the main one is." },
    },
    "Pulse",
  ],
  [
    cancelSchema,
    {
      service,
      forget: {
        description: "The service and its directory row are gone at once; its events stay until their retention.",
      },
    },
    "Cancellation",
  ],
  [
    newKeySchema,
    {
      service,
      maxNextIn: {
        description: "The longest promise that may be made with the key: `nextIn` is at most this, in seconds.",
        example: 3_600,
      },
    },
    "NewKey",
  ],
  [revocationSchema, { service }, "Revocation"],
  [heartbeatSchema, { service, humanDates }],
  [heartbeatsSchema, { humanDates }],
  [
    eventSchema,
    {
      service,
      level: { description: `Default 0: ${levelText}.`, example: "error", override: levelForms },
      message: {
        description: `1 to ${MOST_MESSAGE_BYTES} bytes of UTF-8.`,
        example: "The disk is full.",
        override: { type: "string", minLength: 1, maxLength: MOST_MESSAGE_BYTES, pattern: NO_NUL },
      },
      alert: { description: "Sends the event as an alert to the configured default target, too." },
      date: {
        description: `When it was, default now: seconds or milliseconds since the epoch, or ISO 8601; at most ${OLDEST_EVENT_SECONDS / 86_400} days ago, at most ${CLOCK_SLACK_SECONDS / 60} minutes ahead.`,
        override: anyOf(
          { type: "number", description: "Seconds since the epoch, or, from 100000000000 on, milliseconds." },
          { type: "string", description: "ISO 8601, UTC unless it says otherwise." },
        ),
      },
      id: {
        description:
          "A ULID, which makes it harmless to send the event again. Its time is the date: of the same second where that is given to the second, else of the same millisecond; without a `date` it is the date.",
        example: "01M82TR8VHEWJBCPHHSXNVFK11",
        override: { type: "string", minLength: 26, maxLength: 26 },
      },
      fields: {
        description: `What can be searched for: names and values, at most ${MOST_FIELDS}, and ${MOST_FIELDS_BYTES} bytes as JSON; names of 1 to ${MOST_FIELD_NAME_CHARACTERS} characters without control characters.`,
        example: { host: "web-1", free: 0 },
        override: {
          type: "object",
          maxProperties: MOST_FIELDS,
          additionalProperties: {
            anyOf: [{ type: "string", pattern: NO_NUL }, { type: "number" }, { type: "boolean" }],
          },
        },
      },
    },
    "NewEvent",
  ],
  [
    eventsSchema,
    {
      ...paging,
      ...eventFilter,
      limit: { description: `The most rows to answer; default ${PAGE_LIMITS.events}.` },
    },
  ],
  [
    eventStatsSchema,
    {
      ...eventFilter,
      buckets: {
        description: `The most buckets of the histogram; default ${BUCKET_LIMITS.usual}. There are as many as have a round width.`,
      },
      humanDates,
    },
  ],
  [
    exportSchema,
    {
      kind: { description: "What is wanted." },
      after: { description: "`next` of the page before." },
    },
  ],
  [
    eventExportSchema,
    {
      ...eventFilter,
      from: { description: "Date at or above; default the beginning.", override: dateForms },
      to: { description: "Date at or below; default the end.", override: dateForms },
      format: { description: "`ndjson`, the default: an event as JSON on each line; or `csv`." },
      after: {
        description: "The id of an event: only those after it. The answer is the rest of one that broke off after it.",
      },
      humanDates,
    },
  ],
  [
    alertsSchema,
    {
      ...paging,
      limit: { description: `The most rows to answer; default ${PAGE_LIMITS.alerts}.` },
      from: { description: "Date at or above.", override: dateForms },
      to: { description: "Date at or below.", override: dateForms },
      state: {
        description: "Only those in this state; `dropped`: no longer true before it could be delivered.",
      },
    },
  ],
  [
    tailSchema,
    {
      ...eventFilter,
      lastEventId: {
        description:
          "For those who can't set the header `Last-Event-ID`, which is the later of the two: the last id that an earlier answer gave. What has come since is given first.",
        override: { type: "string", minLength: 26, maxLength: 26 },
      },
      humanDates,
    },
  ],
  [ruleInPath, { rule: { ...service, description: "The rule's name, which is as a service's.", example: "errors" } }],
  [
    ruleSchema,
    {
      q: {
        description: "Which events: a search, as `q` of the list is.",
        example: "level:>=error -timeout",
        override: { type: "string", minLength: 1, maxLength: MOST_SEARCH_CHARACTERS, pattern: NO_NUL },
      },
      alertType,
      alertTarget,
      count: {
        description: `So many of them within \`seconds\` raise an alert; default ${RULE_LIMITS.count.fallback}.`,
      },
      seconds: { description: `Default ${RULE_LIMITS.seconds.fallback}.` },
      quiet: {
        description: `So many seconds after an alert there is no other; default ${RULE_LIMITS.quietSeconds.fallback}.`,
      },
    },
    "NewRule",
  ],
  [helloSchema, { humanDates }],
];

/** Tells zod's registry what is said of each field; throws where a field has nothing. */
export function describeFields(): void {
  for (const [schema, texts, id] of described) {
    if (id) z.globalRegistry.add(schema, { id });
    for (const [name, field] of Object.entries(schema.shape)) {
      const said = texts[name];
      if (!said) throw new Error(`The field ${name} has no description.`);
      // A field that several schemas share is described once, by each alike.
      z.globalRegistry.remove(field);
      z.globalRegistry.add(field, { ...said });
    }
  }
}
