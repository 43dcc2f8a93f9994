import { AppError } from "../domain/errors.ts";
import { errorText, log } from "../log.ts";
import type { Page, PageRequest } from "../storage/page.ts";
import type { AppContext } from "./context.ts";

/**
 * The most services that a request lists itself, as JSON and as HTML, and the largest page that it makes: each a few
 * milliseconds of CPU time.
 */
export const IN_A_REQUEST = { services: 500, shownServices: 50, rows: 500, bytes: 500_000 };

/** Reads a page; undefined where it is more than a request shall handle, and {@link handOver} has to answer. */
export async function readPage<T>(
  c: AppContext,
  wanted: PageRequest,
  read: (request: PageRequest) => Promise<Page<T>>,
): Promise<Page<T> | undefined> {
  if (!c.env.BULK_READER) return read(wanted);
  const { rows, bytes } = IN_A_REQUEST;
  const page = await read({ ...wanted, limit: Math.min(wanted.limit, rows), bytes });
  const hasMore = page.isCut || (page.nextId !== undefined && page.rows.length === rows && wanted.limit > rows);
  return hasMore ? undefined : page;
}

/** Lets an object answer the request, which has the CPU time that a long list or a large body takes. */
export async function handOver(
  c: AppContext,
  hint = "The list can't be made now; please try again.",
): Promise<Response> {
  try {
    // The reader keeps nothing, so that one serves all; what it does between two awaits is short.
    return await (c.env.BULK_READER as NonNullable<typeof c.env.BULK_READER>).getByName("reader").fetch(c.req.raw);
  } catch (error) {
    log("error", "reader.failed", { error: errorText(error) });
    throw new AppError("unavailable", hint, { "Retry-After": "5" });
  }
}
