import { configOf, type Env } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { EventFilter } from "../domain/event.ts";
import { lowestUlid } from "../domain/ulid.ts";
import { errorText, log } from "../log.ts";
import { openDatabase } from "../storage/database.ts";
import { listEvents } from "../storage/event-log.ts";
import { handOver } from "./bulk.ts";
import type { AppContext } from "./context.ts";
import { dateWriter } from "./dates.ts";
import { eventFilterOf } from "./event-filter.ts";
import { EXPORT_WRITERS, type ExportFormat } from "./event-lines.ts";
import { LATEST_SECONDS, parseFields, readQuery } from "./fields.ts";
import { positionOf } from "./paging.ts";
import { eventExportSchema } from "./schemas.ts";

/** Which part of an export is wanted, and in which form. It goes from object to object, and is plain data. */
export interface ExportRequest {
  filter: EventFilter;
  format: ExportFormat;
  humanDates: boolean;
  /** The events after this one. */
  afterId: string;
}

/** A part of an export. */
export interface ExportPage {
  bytes: Uint8Array;
  /** After which the next part begins; undefined at the end. */
  nextId: string | undefined;
}

/**
 * A part of an export has at most so many events, and texts of so many bytes. Each is made by a call of an object, of
 * which the free plan allows a thousand: for 2,500,000 events, or 2 GB, which is more than its database may hold.
 */
export const EXPORT_PAGE = { limit: 2_500, bytes: 2_000_000 };

/** What goes wrong with a part may be over at once. */
const MOST_TRIES = 3;

/** Answers with all events that match what a query says, oldest first, one on each line. */
export async function getEventExport(c: AppContext): Promise<Response> {
  const given = readQuery(c.req.url);
  const query = parseFields(eventExportSchema, given);
  const range = positionOf(query, { fromSeconds: 0, toSeconds: LATEST_SECONDS });
  return answerExport(c, eventFilterOf(query, given, range), query);
}

/** What an export is to look like, and the event that it begins after. */
interface ExportOptions {
  format: ExportFormat;
  humanDates: boolean;
  after?: string | undefined;
}

/**
 * Answers with all events that match a filter, oldest first, one on each line. Where it can't go on it breaks off, which
 * a client sees by the end of the body that does not come, and goes on `after` the last event of which it has the whole
 * line.
 */
export async function answerExport(c: AppContext, filter: EventFilter, options: ExportOptions): Promise<Response> {
  const { format, humanDates, after } = options;
  const { contentType, head } = EXPORT_WRITERS[format];
  const headers = {
    "content-type": contentType,
    "content-disposition": `attachment; filename="events-${new Date().toISOString().slice(0, 10)}.${format}"`,
  };
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  // A request of the Worker has too little time to pass on every part; what an object answers passes by itself.
  if (c.env.BULK_READER) return handOver(c);
  const request: ExportRequest = { filter, format, humanDates, afterId: after ?? lowestUlid(0) };
  const first = await readPart(c.env, request);
  // Who goes on has the head already.
  return c.body(streamOf(c.env, request, first, after === undefined ? head : ""), 200, headers);
}

/** Makes one part of an export. */
export async function makeExportPage(env: Env, request: ExportRequest): Promise<ExportPage> {
  const { filter, format, humanDates, afterId } = request;
  const { rows, nextId } = await listEvents(openDatabase(env.DB), filter, { ...EXPORT_PAGE, afterId });
  const writeDate = dateWriter(humanDates, configOf(env));
  const { line } = EXPORT_WRITERS[format];
  return { bytes: new TextEncoder().encode(rows.map((event) => line(event, writeDate)).join("")), nextId };
}

/** The body of an export: it reads a part when there is room for one, so that no more than two are in memory. */
function streamOf(env: Env, request: ExportRequest, first: ExportPage, head: string): ReadableStream<Uint8Array> {
  let page: ExportPage | undefined = first;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (head !== "") controller.enqueue(new TextEncoder().encode(head));
    },
    async pull(controller) {
      // A part without events, of a search that found none in it, would not be a reason to be asked again.
      for (let isPassedOn = false; !isPassedOn; ) {
        const { bytes, nextId } = page ?? (await readPart(env, request));
        page = undefined;
        isPassedOn = bytes.byteLength > 0;
        if (isPassedOn) controller.enqueue(bytes);
        if (nextId === undefined) return controller.close();
        request.afterId = nextId;
      }
    },
  });
}

/** Has one part of an export made, by another object where there is one: each of its calls may ask D1 anew. */
async function readPart(env: Env, request: ExportRequest): Promise<ExportPage> {
  for (let tries = 1; ; tries++) {
    try {
      return await (env.EXPORT_PAGES
        ? env.EXPORT_PAGES.getByName("pages").exportPage(request)
        : makeExportPage(env, request));
    } catch (error) {
      if (tries < MOST_TRIES) continue;
      log("error", "export.failed", { error: errorText(error) });
      throw new AppError("unavailable", "The export can't be made now; please try again.", { "Retry-After": "5" });
    }
  }
}
