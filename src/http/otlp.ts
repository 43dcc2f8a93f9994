import type { Hono } from "hono";
import { AppError, type ErrorCode } from "../domain/errors.ts";
import { MOST_BATCH_BYTES, MOST_BATCH_EVENTS } from "../domain/limits.ts";
import type { RandomBytes } from "../domain/ulid.ts";
import { storeEvents } from "../monitor/event-store.ts";
import { readText } from "./body.ts";
import { handOver } from "./bulk.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { describeError } from "./errors.ts";
import { isLarge } from "./event-batch.ts";
import { readEvents } from "./new-events.ts";
import { countRecords, eventsOf } from "./otlp-records.ts";
import { route } from "./route.ts";

const PATH = "/v1/logs";

/** The codes of gRPC, by which OpenTelemetry names what went wrong. */
const GRPC_CODES: Record<ErrorCode, number> = {
  invalid_input: 3,
  too_large: 3,
  not_found: 5,
  forbidden: 7,
  too_many_requests: 8,
  method_not_allowed: 12,
  internal: 13,
  not_configured: 14,
  unavailable: 14,
};

/** Logs of OpenTelemetry: OTLP over HTTP, as JSON. */
export function otlpRoutes(app: Hono<AppEnv>): void {
  route(app, PATH, { POST: postLogs });
}

/** Whether a request speaks OTLP. */
export function isOtlp(c: AppContext): boolean {
  return c.req.path === PATH;
}

/** Turns whatever was thrown into a `Status`, which is what an exporter expects of an error. */
export function answerOtlpError(error: unknown, c: AppContext): Response {
  const { status, code, hint, headers, id } = describeError(error, c);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.json({ code: GRPC_CODES[code], message: id === undefined ? hint : `${hint} (${id})` }, status);
}

async function postLogs(c: AppContext): Promise<Response> {
  if (/protobuf|grpc/i.test(c.req.header("content-type") ?? "")) {
    throw new AppError(
      "invalid_input",
      "Logs are taken as JSON only: set OTEL_EXPORTER_OTLP_LOGS_PROTOCOL to http/json, or encoding to json in a Collector.",
    );
  }
  if (isLarge(c)) return handOver(c, "So many records can't be stored now; please try again.");
  const nowMs = Date.now();
  const body = await readText(c.req.raw, MOST_BATCH_BYTES);
  const request = parse(body);
  if (countRecords(request) > MOST_BATCH_EVENTS) {
    throw new AppError("too_large", `A request must not have more than ${MOST_BATCH_EVENTS} log records.`);
  }
  const { events, refused } = readEvents(eventsOf(request, nowMs), nowMs, await bytesOf(body));
  const stored = events.length > 0 ? await storeEvents(c.env, events) : undefined;
  const reasons = [...refused.values(), ...(stored?.refused.values() ?? [])].map(({ message }) => message);
  return c.json({ partialSuccess: reasons.length === 0 ? {} : partial(reasons) });
}

/**
 * The bytes that make the ids of a request's records, the same whenever it is sent: an exporter that sees no answer sends
 * the same request again, and records have no ids of their own.
 */
async function bytesOf(body: string): Promise<RandomBytes> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body)));
  return (length) => digest.subarray(0, length);
}

/** What an exporter is told of records that were not taken; a count of 64 bits is a text in its JSON. */
function partial(reasons: readonly string[]): { rejectedLogRecords: string; errorMessage: string } {
  return { rejectedLogRecords: String(reasons.length), errorMessage: [...new Set(reasons)].slice(0, 3).join(" ") };
}

function parse(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AppError("invalid_input", "The body must be a JSON object with resourceLogs; it is not valid JSON.");
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw new AppError("invalid_input", "The body must be a JSON object with resourceLogs.");
}
