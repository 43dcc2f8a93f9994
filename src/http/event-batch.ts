import { configOf } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { MOST_BATCH_ALERTS, MOST_BATCH_BYTES, MOST_BATCH_EVENTS } from "../domain/limits.ts";
import { storeEvents } from "../monitor/event-store.ts";
import { isCompressed, readText } from "./body.ts";
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
  const sent = readBatch(await readText(c.req.raw, MOST_BATCH_BYTES));
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

/** What a body holds: a JSON list of events, one event, or one in each line. What is no JSON stands as an error. */
function readBatch(body: string): unknown[] {
  const text = body.trim();
  if (text === "")
    throw new AppError(
      "invalid_input",
      "The body is empty; it must be a JSON list of events, or have one event in each line.",
    );
  if (text.startsWith("[")) return bounded(parseList(text));
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const [first = ""] = lines;
  // An event that is written in several lines is none of its lines.
  const whole =
    lines.length > 1 && first.trim().startsWith("{") && parse(first) instanceof AppError ? parse(text) : undefined;
  if (whole !== undefined && !(whole instanceof AppError)) return [whole];
  return bounded(lines).map(parse);
}

function parseList(text: string): unknown[] {
  const list = parse(text);
  if (Array.isArray(list)) return list;
  throw new AppError("invalid_input", "The body begins as a JSON list, and is not valid JSON.");
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
