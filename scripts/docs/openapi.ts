import * as z from "zod/mini";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiOverride,
  type ZodOpenApiPathsObject,
} from "zod-openapi";
import packageJson from "../../package.json" with { type: "json" };
import { ERROR_STATUS, type ErrorCode } from "../../src/domain/errors.ts";
import { MOST_BATCH_EVENTS } from "../../src/domain/limits.ts";
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
} from "../../src/http/schemas.ts";
import { exportSchema } from "../../src/http/transfer-schemas.ts";
import { answers, ERROR_TEXTS, errorAnswer, otlpStatus } from "./answers.ts";
import { describeFields } from "./fields.ts";

type Answer = (typeof answers)[keyof typeof answers];
type ErrorStatus = (typeof ERROR_STATUS)[ErrorCode];

const INTRODUCTION = `Services pulse, and each pulse promises the next; one that breaks its promise is dead, and its owner is alerted.

Every request carries the password, in one of three ways. PASSWORD (and PASSWORD_PREVIOUS, where there is one) does everything; PASSWORD_READ reads, which is every GET, and sees targets masked; a pulse key does where the password would to pulse and to cancel its own service, and is refused with 403 everywhere else. Dates are whole seconds since the epoch. Beyond what is described here, numbers may come as texts, booleans as 1 or 0, a body as a form or compressed by gzip (with the header content-encoding), and unknown fields are ignored; answers may gain fields. A parameter may be given once. Lists, statistics, exports and the tail of events also take field.NAME=value, any number of them: the field of that name is that value. Another method than those described is refused with 405.`;

const ERROR_NAMES: Record<ErrorStatus, string> = {
  400: "BadRequest",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  413: "TooLarge",
  429: "TooManyRequests",
  500: "InternalError",
  503: "Unavailable",
};

/** The description of the API (OpenAPI 3.1), from the schemas that validate requests. */
export function describeApi() {
  describeFields();
  return createDocument(
    {
      openapi: "3.1.1",
      info: {
        title: "watchTower",
        version: packageJson.version,
        description: INTRODUCTION,
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "/" }],
      security: [{ password: [] }, { bearer: [] }, { basic: [] }],
      tags: [
        { name: "Heartbeats" },
        { name: "Pulse keys" },
        { name: "Events" },
        { name: "Rules" },
        { name: "Alerts" },
        { name: "Moving" },
        { name: "System" },
      ],
      components: {
        securitySchemes: {
          password: { type: "apiKey", in: "header", name: "password" },
          bearer: { type: "http", scheme: "bearer" },
          basic: { type: "http", scheme: "basic", description: "Any user name." },
        },
        responses: errorResponses(),
      },
      paths: paths(),
    },
    { override: showWhatComesOut },
  );
}

/**
 * A field is described in the form that it ends up in. What is accepted beyond that (a number as a text, for example) is
 * a courtesy to old clients, which those that are generated from the description need not know.
 */
const showWhatComesOut: ZodOpenApiOverride = ({ jsonSchema, zodSchema, io }) => {
  // The bounds of JavaScript's numbers are no bounds of ours.
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (io !== "input" || zodSchema._zod.def.type !== "pipe") return;
  const { $schema, ...shown } = z.toJSONSchema(zodSchema, { io: "output", unrepresentable: "any" });
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
  if (shown.maximum === Number.MAX_SAFE_INTEGER) delete shown.maximum;
  Object.assign(jsonSchema, shown);
};

function errorResponses() {
  return Object.fromEntries(
    Object.entries(ERROR_NAMES).map(([status, name]) => {
      const codes = (Object.keys(ERROR_STATUS) as ErrorCode[]).filter((code) => ERROR_STATUS[code] === Number(status));
      return [
        name,
        {
          description: codes.map((code) => `\`${code}\`: ${ERROR_TEXTS[code]}`).join("\n\n"),
          content: { "application/json": { schema: errorAnswer(Number(status)) } },
        },
      ];
    }),
  );
}

function paths(): ZodOpenApiPathsObject {
  const pulse = {
    tag: "Heartbeats",
    summary: "Pulse: the service lives, and promises its next pulse; a pulse key will do",
    body: pulseSchema,
  };
  const cancel = {
    tag: "Heartbeats",
    summary: "Cancel a service, for which a pulse key will do, or forget it",
    body: cancelSchema,
  };
  const list = { tag: "Heartbeats", summary: "All services, by name", query: heartbeatsSchema };
  const one = { tag: "Heartbeats", errors: [404 as const] };
  const add = { tag: "Events", summary: "Store an event", body: eventSchema };
  const events = { tag: "Events", summary: "Search events, newest first", query: eventsSchema };
  const oneRule = { tag: "Rules", path: ruleInPath };
  const nameInPath = z.object({ service: heartbeatSchema.shape.service });
  const restInQuery = z.omit(heartbeatSchema, { service: true });
  return {
    "/": {
      post: operation("pulse", answers.pulse, pulse),
      delete: operation("cancel", answers.cancel, cancel),
      get: operation("listHeartbeats", answers.heartbeats, {
        ...list,
        summary: "All services, by name; a browser without the password is sent to /gui",
        isBrowserDoor: true,
      }),
    },
    "/heartbeat": {
      post: operation("pulseHeartbeat", answers.pulse, { ...pulse, alias: "POST /" }),
      delete: operation("cancelHeartbeat", answers.cancel, { ...cancel, alias: "DELETE /" }),
      get: operation("getHeartbeat", answers.heartbeat, {
        ...one,
        summary: "One service; the only way to names such as `..`",
        query: heartbeatSchema,
      }),
    },
    "/heartbeats": { get: operation("listAllHeartbeats", answers.heartbeats, { ...list, alias: "GET /" }) },
    "/heartbeat/{service}": {
      get: operation("getHeartbeatByPath", answers.heartbeat, {
        ...one,
        summary: "One service, its name percent-encoded",
        path: nameInPath,
        query: restInQuery,
      }),
    },
    "/get/{service}": {
      get: operation("getByPath", answers.heartbeat, {
        ...one,
        alias: "GET /heartbeat/{service}",
        path: nameInPath,
        query: restInQuery,
      }),
    },
    "/key": {
      post: operation("issueKey", answers.issuedKey, {
        tag: "Pulse keys",
        summary: "Give a service a pulse key, in place of the one before",
        body: newKeySchema,
      }),
      delete: operation("revokeKey", answers.revokedKey, {
        tag: "Pulse keys",
        summary: "Take the pulse key of a service away",
        body: revocationSchema,
      }),
    },
    "/event": { post: operation("addEvent", answers.addedEvent, add) },
    "/add-event": { post: operation("addAnEvent", answers.addedEvent, { ...add, alias: "POST /event" }) },
    "/events": {
      get: operation("listEvents", answers.events, events),
      post: operation("addEvents", answers.addedEvents, {
        tag: "Events",
        summary: "Store many events; those that are wrong are listed, and the others stored",
        body: z.array(eventSchema).check(z.maxLength(MOST_BATCH_EVENTS)),
        lines: eventSchema,
      }),
    },
    "/list-events": { get: operation("listAllEvents", answers.events, { ...events, alias: "GET /events" }) },
    "/events/stats": {
      get: operation("eventStats", answers.eventStats, {
        tag: "Events",
        summary: "How many events there are: of each level, of each service, and over time",
        query: eventStatsSchema,
      }),
    },
    "/events/export": {
      get: operation("exportEvents", undefined, {
        tag: "Events",
        summary: "All events that match, oldest first, as NDJSON or CSV",
        query: eventExportSchema,
        content: {
          "application/x-ndjson": { schema: { type: "string" } },
          "text/csv": { schema: { type: "string" } },
        },
      }),
    },
    "/export": {
      get: operation("exportLines", undefined, {
        tag: "Moving",
        summary: "A page of what is stored, for another watchTower",
        query: exportSchema,
        content: { "application/x-ndjson": { schema: { type: "string" } } },
      }),
    },
    "/import": {
      post: operation("importLines", answers.imported, {
        tag: "Moving",
        summary: "Take over what another watchTower has exported",
        lines: z.string(),
      }),
    },
    "/events/tail": {
      get: operation("tailEvents", undefined, {
        tag: "Events",
        summary: "Events as they come, as server-sent events",
        query: tailSchema,
        content: { "text/event-stream": { schema: { type: "string" } } },
      }),
    },
    "/v1/logs": {
      post: operation("exportLogs", answers.takenLogs, {
        tag: "Events",
        summary: "Store logs of OpenTelemetry: OTLP over HTTP, as JSON",
        body: z.looseObject({ resourceLogs: z.optional(z.array(z.looseObject({}))) }),
        error: otlpStatus,
      }),
    },
    "/rules": { get: operation("listRules", answers.rules, { tag: "Rules", summary: "All alert rules, by name" }) },
    "/rules/{rule}": {
      get: operation("getRule", answers.rule, { ...oneRule, summary: "One alert rule", errors: [404] }),
      put: operation("putRule", answers.writtenRule, {
        ...oneRule,
        summary: "Write an alert rule, in place of the one of its name",
        body: ruleSchema,
      }),
      delete: operation("deleteRule", answers.deletedRule, {
        ...oneRule,
        summary: "Delete an alert rule",
        errors: [404],
      }),
    },
    "/alerts": {
      get: operation("listAlerts", answers.alerts, {
        tag: "Alerts",
        summary: "The delivery log: who was told what, newest first",
        query: alertsSchema,
      }),
    },
    "/hello": {
      get: operation("hello", answers.hello, {
        tag: "System",
        summary: "Time, version, presets, and what is wrong with the configuration",
        query: helloSchema,
      }),
    },
    "/health": {
      get: operation("health", answers.health, {
        tag: "System",
        summary: "Whether the Worker reaches its database; needs no password",
        isOpen: true,
      }),
    },
    "/pings": {
      get: operation("listPings", answers.pings, { tag: "System", summary: "The original's URL checks: none so far" }),
    },
  };
}

interface OperationParts {
  tag: string;
  summary?: string;
  /** The operation of which this one is another spelling. */
  alias?: string;
  body?: z.ZodMiniType;
  /** What each line of a body has that is NDJSON. */
  lines?: z.ZodMiniType;
  query?: z.ZodMiniObject;
  path?: z.ZodMiniObject;
  errors?: ErrorStatus[];
  isOpen?: boolean;
  isBrowserDoor?: boolean;
  /** The answer of an error, where it is not ours. */
  error?: z.ZodMiniType;
  /** What is answered, where it is not JSON. */
  content?: object;
}

function operation(operationId: string, answer: Answer | undefined, parts: OperationParts): ZodOpenApiOperationObject {
  const { tag, summary = "", alias, body, lines, query, path, errors = [], isOpen, isBrowserDoor, error } = parts;
  const { content = { "application/json": { schema: answer } } } = parts;
  const statuses: ErrorStatus[] = [
    ...(body || lines || query || path ? [400 as const] : []),
    ...(isOpen ? [] : [403 as const]),
    ...errors,
    ...(body || lines ? [413 as const] : []),
    ...(isOpen ? [] : [429 as const, 500 as const]),
    503,
  ];
  return {
    operationId,
    tags: [tag],
    summary: alias ? `The same as \`${alias}\`` : summary,
    ...(isOpen ? { security: [] } : {}),
    ...(path || query ? { requestParams: { ...(path && { path }), ...(query && { query }) } } : {}),
    ...((body || lines) && {
      requestBody: {
        required: true,
        content: {
          ...(body && { "application/json": { schema: body } }),
          ...(lines && { "application/x-ndjson": { schema: lines } }),
        },
      },
    }),
    responses: {
      "200": { description: "Done.", content },
      ...(isBrowserDoor && {
        "302": { description: "To the web interface.", headers: z.object({ location: z.literal("/gui") }) },
      }),
      ...Object.fromEntries(
        statuses.map((status) => [
          status,
          error
            ? { description: ERROR_NAMES[status], content: { "application/json": { schema: error } } }
            : { $ref: `#/components/responses/${ERROR_NAMES[status]}` },
        ]),
      ),
    },
  } as ZodOpenApiOperationObject;
}
