import { DrizzleQueryError } from "drizzle-orm/errors";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError } from "../domain/errors.ts";
import { ulid } from "../domain/ulid.ts";
import { errorText, log } from "../log.ts";

/** What is said where D1 fails. */
export const DATABASE_UNREACHABLE = "The database can't be reached; please try again.";

/**
 * Turns whatever was thrown into the error envelope. An unknown error's text stays in the log, under the id that the
 * answer carries.
 */
export function answerError(error: unknown, c: Context): Response {
  if (error instanceof AppError) {
    // Neither hint nor path: both may hold what the caller said.
    log("info", "request.refused", { code: error.code, method: c.req.method });
    for (const [name, value] of Object.entries(error.headers)) c.header(name, value);
    return c.json(
      { result: error.status, code: error.code, hint: error.message },
      error.status as ContentfulStatusCode,
    );
  }
  const id = ulid(Date.now());
  log("error", "request.failed", { id, method: c.req.method, error: errorText(error) });
  // Whatever goes wrong with the database is not the caller's doing, and may be over soon.
  if (error instanceof DrizzleQueryError) {
    return answerError(new AppError("unavailable", DATABASE_UNREACHABLE, { "Retry-After": "10" }), c);
  }
  return c.json({ result: 500, code: "internal", hint: "internal error", id }, 500);
}
