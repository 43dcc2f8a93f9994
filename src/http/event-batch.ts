import { configOf } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { MOST_BATCH_ALERTS, MOST_BATCH_BYTES, MOST_BATCH_EVENTS } from "../domain/limits.ts";
import { storeEvents } from "../monitor/event-store.ts";
import { isCompressed, readBytes, textOf } from "./body.ts";
import { handOver } from "./bulk.ts";
import type { AppContext } from "./context.ts";
import { alertWarnings } from "./event-warnings.ts";
import { readEvents } from "./new-events.ts";

/**
 * On the free plan a request has 10 ms of CPU time, and 1,000 events of 1 KiB take 13 ms to read, and 35 the first time: bodies of more
 * bytes than this are read by an object. Compressed ones have several times as much in them.
 */
const READ_IN_A_REQUEST = { plainBytes: 16 * 1024, compressedBytes: 2 * 1024 };

/** Stores many events at once. Those that are good are stored, whatever is wrong with the others. */
export async function addEvents(c: AppContext): Promise<Response> {
  if (isLarge(c)) return handOver(c, "So many events can't be stored now; please try again.");
  const sent = readBatch(await readBytes(c.req.raw, MOST_BATCH_BYTES), c.req.header("content-type") ?? "");
  const { events, indices, refused, givenIds } = readEvents(sent, Date.now());
  let alerts = 0;
  for (const [i, { alert }] of events.entries()) {
    if (alert && ++alerts > MOST_BATCH_ALERTS) refused.set(indices[i] as number, tooManyAlerts());
  }
  const kept = events
    .map((event, i) => ({ event, index: indices[i] as number }))
    .filter(({ index }) => !refused.has(index));
  const outcome = await storeEvents(
    c.env,
    kept.map(({ event }) => event),
    givenIds,
  );
  for (const [i, error] of outcome.refused) refused.set(kept[i]?.index as number, error);
  const stored = kept.filter(({ index }) => !refused.has(index)).map(({ event }) => event);
  const warnings = stored.some(({ alert }) => alert) ? alertWarnings(configOf(c.env)) : [];
  return c.json({
    result: 200,
    stored: stored.length,
    ids: stored.map(({ id }) => id),
    refused: [...refused].sort(([a], [b]) => a - b).map(([index, { message: hint }]) => ({ index, hint })),
    ...(outcome.isQueued ? { queued: true } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  });
}

/** Whether the body is more than a request shall read itself. */
export function isLarge(c: AppContext): boolean {
  if (!c.env.BULK_READER || configOf(c.env).plan !== "free" || !c.req.raw.body) return false;
  const { plainBytes, compressedBytes } = READ_IN_A_REQUEST;
  const length = c.req.header("content-length");
  // What does not say how long it is may be long.
  return length === undefined || Number(length) > (isCompressed(c.req.raw) ? compressedBytes : plainBytes);
}

/**
 * What a body holds: a JSON list of events, one event, or one in each line. What is no JSON stands as an error. Few say of
 * which kind their body is, so that its first character tells; who says NDJSON may also have a line that begins a list.
 */
function readBatch(body: Uint8Array, contentType: string): unknown[] {
  const text = textOf(body);
  const first = (text ?? latin1.decode(body)).trim().at(0);
  if (first === undefined)
    throw new AppError(
      "invalid_input",
      "The body is empty; it must be a JSON list of events, or have one event in each line.",
    );
  if (first === "[") {
    const list = text === undefined ? noText() : parse(text);
    if (Array.isArray(list)) return bounded(list);
    if (!/ndjson|jsonl/i.test(contentType)) throw noList(text);
  }
  return text === undefined ? bounded(lines(body)).map(parseBytes) : parseLines(text);
}

const latin1 = new TextDecoder("latin1");

function noList(text: string | undefined): AppError {
  return text === undefined
    ? new AppError("invalid_input", "The body must be UTF-8 text.")
    : new AppError("invalid_input", "The body begins as a JSON list, and is not valid JSON.");
}

function parseLines(text: string): unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const [first = ""] = lines;
  // An event that is written in several lines is none of its lines.
  const isInSeveral = lines.length > 1 && first.trim().startsWith("{") && parse(first) instanceof AppError;
  const whole = isInSeveral ? parse(text) : undefined;
  return whole === undefined || whole instanceof AppError ? bounded(lines).map(parse) : [whole];
}

/** The lines of a body that is no text as a whole: one that is none does no harm to the others. */
function lines(body: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let from = 0, end = 0; end !== -1 && found.length <= MOST_BATCH_EVENTS; from = end + 1) {
    end = body.indexOf(10, from);
    const line = body.subarray(from, end === -1 ? body.length : end);
    if (line.some((byte) => byte > 32)) found.push(line);
  }
  return found;
}

function parseBytes(line: Uint8Array): unknown {
  const text = textOf(line);
  return text === undefined ? noText() : parse(text);
}

function noText(): AppError {
  return new AppError("invalid_input", "This is not UTF-8 text.");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return new AppError("invalid_input", "This is not valid JSON.");
  }
}

function bounded<T>(items: T[]): T[] {
  if (items.length <= MOST_BATCH_EVENTS) return items;
  throw new AppError("too_large", `A batch must not have more than ${MOST_BATCH_EVENTS} events.`);
}

function tooManyAlerts(): AppError {
  return new AppError("invalid_input", `A batch must not have more than ${MOST_BATCH_ALERTS} events with alert.`);
}
