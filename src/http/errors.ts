import { DrizzleQueryError } from "drizzle-orm/errors";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError, type ErrorCode } from "../domain/errors.ts";
import { ulid } from "../domain/ulid.ts";
import { errorText, log } from "../log.ts";
import type { AppContext } from "./context.ts";

/** What is said where D1 fails. */
export const DATABASE_UNREACHABLE = "The database can't be reached; please try again.";

/** What a caller is told of an error. */
interface Refusal {
  status: ContentfulStatusCode;
  code: ErrorCode;
  hint: string;
  headers: Record<string, string>;
  /** Under which the log has more; only of unknown errors. */
  id?: string;
}

/** Turns whatever was thrown into the error envelope. */
export function answerError(error: unknown, c: AppContext): Response {
  const { status, code, hint, headers, id } = describeError(error, c);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.json({ result: status, code, hint, ...(id === undefined ? {} : { id }) }, status);
}

/** Logs an error, and says what its caller may know: an unknown error's text stays in the log, under an id. */
export function describeError(error: unknown, c: AppContext): Refusal {
  if (error instanceof AppError) {
    // Neither hint nor path: both may hold what the caller said.
    log("info", "request.refused", { code: error.code, method: c.req.method });
    const { status, code, message: hint, headers } = error;
    return { status, code, hint, headers };
  }
  const id = ulid(Date.now());
  log("error", "request.failed", { id, method: c.req.method, error: errorText(error) });
  // Whatever goes wrong with the database is not the caller's doing, and may be over soon.
  if (error instanceof DrizzleQueryError) {
    return describeError(new AppError("unavailable", DATABASE_UNREACHABLE, { "Retry-After": "10" }), c);
  }
  return { status: 500, code: "internal", hint: "internal error", headers: {}, id };
}
