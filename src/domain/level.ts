/** The level of an event that nobody gave one. */
export const DEFAULT_LEVEL = 0;
/** The highest level that is accepted. */
export const HIGHEST_LEVEL = 1_000;
/** From this level on an event is an error: D1 has an index for these alone. */
export const ERROR_LEVEL = 4;
/** The level of what somebody should look at. */
export const WARNING_LEVEL = 3;
/** The level of a notice, such as a service that is back. */
export const NOTICE_LEVEL = 2;

/** The names of the levels 0 to 7, by their number. */
export const LEVEL_NAMES = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const;

const ALIASES: Record<string, number> = { warn: 3 };

/** The level of a name, whatever its case, or undefined where there is none of that name. */
export function levelByName(name: string): number | undefined {
  const lower = name.toLowerCase();
  const index = (LEVEL_NAMES as readonly string[]).indexOf(lower);
  if (index !== -1) return index;
  return Object.hasOwn(ALIASES, lower) ? ALIASES[lower] : undefined;
}

/** The name of a level, or its number where it has no name. */
export function levelName(level: number): string {
  return LEVEL_NAMES[level] ?? String(level);
}
