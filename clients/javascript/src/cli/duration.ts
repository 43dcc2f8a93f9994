import { UsageError } from "./usage.ts";

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Reads a duration such as `90s`, `25h`, `7d` or `1h30m`, or a plain number of seconds; in seconds. */
export function parseDuration(text: string, what: string): number {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(\.\d+)?[smhdw])+$/.test(trimmed)) {
    throw new UsageError(`${what} must be a duration such as 90s, 15m, 25h, 7d or 1h30m, not "${text}".`);
  }
  const parts = trimmed.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit as string] as number), 0);
}

/** A duration for people, in its largest unit: `12 s`, `3 min`, `25 h`, `9 d`. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
