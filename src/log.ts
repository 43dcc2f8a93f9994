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

/** The text of whatever was thrown, for a log line. */
export function errorText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
