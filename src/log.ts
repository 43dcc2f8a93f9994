/** How serious a log line is. */
export type LogLevel = "info" | "warn" | "error";

/**
 * Writes one JSON line. `event` is a stable name to search for; fields never hold secrets, whole targets or messages.
 */
export function log(
  level: LogLevel,
  event: string,
  fields: Record<string, string | number | boolean | undefined> = {},
): void {
  console[level === "info" ? "log" : level](JSON.stringify({ level, event, ...fields }));
}

/**
 * The text of whatever was thrown, for a log line: that of its first cause, since Drizzle wraps what D1 said into a
 * message that repeats the query's parameters, and those may be anything.
 */
export function errorText(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}
