import type { EventFields } from "../domain/event.ts";
import { DEFAULT_LEVEL, levelByName } from "../domain/level.ts";
import {
  CLOCK_SLACK_SECONDS,
  MOST_FIELD_NAME_CHARACTERS,
  MOST_FIELDS,
  MOST_FIELDS_BYTES,
  MOST_MESSAGE_BYTES,
  MOST_NAME_CHARACTERS,
  OLDEST_EVENT_SECONDS,
} from "../domain/limits.ts";
import { SECOND_MS } from "../domain/time.ts";

/*
 * What a log record of OpenTelemetry is as an event. Whatever can be taken is: a record says what its program was able to
 * say, and nobody is there to mend it.
 */

/** An event, in the words of the protocol, but for its date, in milliseconds. */
export interface SentEvent {
  service: string;
  level: number;
  message: string;
  date: number;
  fields?: EventFields;
}

/** What a service is called that does not say: the name that OpenTelemetry gives it. */
const UNKNOWN_SERVICE = "unknown_service";
/** Of a longer text of a field so much is kept, in characters. */
const MOST_VALUE_CHARACTERS = 2_000;

/** What is deeper within itself is left out. */
const DEEPEST = 16;

/** The severities' numbers from which on a level begins, as the data model's appendix B maps syslog's. */
const LEVELS: readonly (readonly [from: number, level: number])[] = [
  [21, 7],
  [19, 6],
  [18, 5],
  [17, 4],
  [13, 3],
  [10, 2],
  [9, 1],
  [1, 0],
];

/** Names of severities that are not our levels' own. */
const SEVERITY_TEXTS: Record<string, number> = { trace: 0, fatal: 7, information: 1, err: 4 };

type Json = Record<string, unknown>;

/** How many records a request has. */
export function countRecords(request: Json): number {
  const scopes = listOf(request.resourceLogs).flatMap((ofResource) => listOf(objectOf(ofResource)?.scopeLogs));
  return scopes.reduce<number>((sum, ofScope) => sum + listOf(objectOf(ofScope)?.logRecords).length, 0);
}

/** The records of a request, as events; one that is none stands as undefined. */
export function eventsOf(request: Json, nowMs: number): (SentEvent | undefined)[] {
  return listOf(request.resourceLogs).flatMap((ofResource) => {
    const resource = attributesOf(objectOf(objectOf(ofResource)?.resource)?.attributes);
    const service = nameOf(resource.find(([name]) => name === "service.name")?.[1]);
    const ofService = resource.filter(([name]) => name !== "service.name");
    return listOf(objectOf(ofResource)?.scopeLogs).flatMap((ofScope) => {
      const scope = objectOf(objectOf(ofScope)?.scope)?.name;
      const around: [string, unknown][] = [
        ...(scope ? ([["otel.scope.name", scope]] as const) : []),
        ...ofService,
      ] as never;
      return listOf(objectOf(ofScope)?.logRecords).map((record) => {
        const said = objectOf(record);
        return said && eventOf(said, service, around, nowMs);
      });
    });
  });
}

function eventOf(record: Json, service: string, around: [string, unknown][], nowMs: number): SentEvent {
  const own = attributesOf(record.attributes);
  const fields = fieldsOf([
    ["trace_id", hexOf(record.traceId)],
    ["span_id", hexOf(record.spanId)],
    ["event_name", record.eventName || undefined],
    ...own,
    ...around,
  ]);
  const message = messageOf(record, own);
  const date = dateOf([record.timeUnixNano, record.observedTimeUnixNano], nowMs);
  return { service, level: levelOf(record), message, date, ...(Object.keys(fields).length > 0 && { fields }) };
}

function levelOf({ severityNumber, severityText }: Json): number {
  const number = Number(scalar(severityNumber));
  const level = LEVELS.find(([from]) => number >= from)?.[1];
  if (level !== undefined) return level;
  const text = String(scalar(severityText) ?? "").toLowerCase();
  return levelByName(text) ?? (Object.hasOwn(SEVERITY_TEXTS, text) ? SEVERITY_TEXTS[text] : undefined) ?? DEFAULT_LEVEL;
}

/** The body; where there is none, what else says what happened. */
function messageOf(record: Json, attributes: [string, unknown][]): string {
  const body = plainOf(record.body);
  const said = body === undefined || body === "" ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const exception = attributes.find(([name]) => name === "exception.message")?.[1];
  const others = [record.eventName, exception, record.severityText].filter((text) => typeof text === "string" && text);
  return cut(clean(String(said ?? others[0] ?? "(no body)")), MOST_MESSAGE_BYTES);
}

/** The first of some times that an event may have, or now: a program whose clock is wrong must not lose what it says. */
function dateOf(times: readonly unknown[], nowMs: number): number {
  const near = times.map(msOf).find((ms) => {
    return ms >= nowMs - OLDEST_EVENT_SECONDS * SECOND_MS && ms <= nowMs + CLOCK_SLACK_SECONDS * SECOND_MS;
  });
  return near ?? nowMs;
}

/** Milliseconds of nanoseconds, which JSON has as a text, since they are more than a number holds exactly. */
function msOf(nanoseconds: unknown): number {
  const text = String(scalar(nanoseconds) ?? "");
  return /^\d{7,20}$/.test(text) ? Number(text.slice(0, -6)) : Number.NaN;
}

function nameOf(given: unknown): string {
  const name =
    typeof given === "string"
      ? clean(given)
          .replace(/\p{Cc}/gu, " ")
          .trim()
      : "";
  return name === "" ? UNKNOWN_SERVICE : [...name].slice(0, MOST_NAME_CHARACTERS).join("");
}

/** The fields that fit, the first first; of two of one name the first counts. */
function fieldsOf(pairs: readonly [string, unknown][]): EventFields {
  const fields: EventFields = {};
  let bytes = 2;
  let count = 0;
  for (const [name, given] of pairs) {
    if (count === MOST_FIELDS) break;
    const value = fieldValueOf(given);
    const isName = name !== "" && name === clean(name) && !/\p{Cc}/u.test(name);
    if (value === undefined || !isName || [...name].length > MOST_FIELD_NAME_CHARACTERS) continue;
    if (Object.hasOwn(fields, name) || name === "__proto__") continue;
    // With the colon, and the comma behind it.
    const size = bytesOf(JSON.stringify(name)) + bytesOf(JSON.stringify(value)) + 2;
    if (bytes + size > MOST_FIELDS_BYTES) continue;
    fields[name] = value;
    bytes += size;
    count++;
  }
  return fields;
}

function fieldValueOf(value: unknown): EventFields[string] | undefined {
  switch (typeof value) {
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "string": {
      const text = clean(value);
      return text.length <= MOST_VALUE_CHARACTERS ? text : `${text.slice(0, MOST_VALUE_CHARACTERS).toWellFormed()}…`;
    }
    default:
      return value === undefined || value === null ? undefined : fieldValueOf(JSON.stringify(value));
  }
}

/** Attributes by their names, those within others by both names with a dot. */
function attributesOf(list: unknown, prefix = "", depth = 0): [string, unknown][] {
  if (depth > DEEPEST) return [];
  return listOf(list).flatMap((item): [string, unknown][] => {
    const { key, value } = objectOf(item) ?? {};
    if (typeof key !== "string") return [];
    const inner = objectOf(objectOf(value)?.kvlistValue)?.values;
    return inner ? attributesOf(inner, `${prefix}${key}.`, depth + 1) : [[prefix + key, plainOf(value)]];
  });
}

/** A value as JSON has it, without the names of its types; undefined where there is none. */
function plainOf(value: unknown, depth = 0): unknown {
  const said = objectOf(value);
  if (!said || depth > DEEPEST) return undefined;
  const inner = (item: unknown) => plainOf(item, depth + 1) ?? null;
  if ("stringValue" in said) return said.stringValue;
  if ("boolValue" in said) return said.boolValue;
  if ("doubleValue" in said) return said.doubleValue;
  if ("bytesValue" in said) return said.bytesValue;
  if ("intValue" in said) {
    const number = Number(scalar(said.intValue) ?? Number.NaN);
    return Number.isSafeInteger(number) ? number : said.intValue;
  }
  if ("arrayValue" in said) return listOf(objectOf(said.arrayValue)?.values).map(inner);
  if ("kvlistValue" in said) {
    const values = listOf(objectOf(said.kvlistValue)?.values).map((item) => objectOf(item) ?? {});
    return Object.fromEntries(values.map(({ key, value }) => [String(scalar(key) ?? ""), inner(value)]));
  }
  return undefined;
}

/** An id of a trace or a span; one of zeros is none. */
function hexOf(id: unknown): string | undefined {
  return typeof id === "string" && /^[0-9a-f]+$/i.test(id) && !/^0+$/.test(id) ? id.toLowerCase() : undefined;
}

/** A text or a number; undefined for what JSON can have instead, which JavaScript may fail to make a text of. */
function scalar(value: unknown): string | number | undefined {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

function clean(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** A text in so many bytes. */
function cut(text: string, mostBytes: number): string {
  if (text.length * 3 <= mostBytes || bytesOf(text) <= mostBytes) return text;
  const bytes = new TextEncoder().encode(text).subarray(0, mostBytes - 3);
  // What is left of a character that was cut is no character.
  return `${new TextDecoder().decode(bytes).replace(/\uFFFD$/, "")}…`;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
