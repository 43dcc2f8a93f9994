/** Milliseconds in a second. */
export const SECOND_MS = 1_000;
/** Milliseconds in a minute. */
export const MINUTE_MS = 60 * SECOND_MS;
/** Milliseconds in an hour. */
export const HOUR_MS = 60 * MINUTE_MS;
/** Milliseconds in a day. */
export const DAY_MS = 24 * HOUR_MS;

/** Whole seconds since the epoch, as the wire and D1 have them; the part of a second is cut off. */
export function toSeconds(ms: number): number {
  return Math.floor(ms / SECOND_MS);
}

/** From here on ISO 8601 writes the year in another way. */
const YEAR_10000_MS = 253_402_300_800_000;

// To make one takes longer than to use it a hundred times.
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
    formats.set(timeZone, format);
  }
  return format;
}

/**
 * `YYYY-MM-DD HH:mm:ss` in a time zone.
 * @param timeZone an IANA name, already checked by {@link isTimeZone}
 */
export function formatDate(ms: number, timeZone: string): string {
  if (timeZone === "UTC" && ms >= 0 && ms < YEAR_10000_MS) {
    // The runtime's first formatter takes 25 ms of CPU time to make, more than a request may have on the free plan.
    return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
  }
  const parts = formatOf(timeZone).formatToParts(ms);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}:${of("second")}`;
}

/** How far a zone's clocks are ahead of UTC at a moment. */
function offsetMs(ms: number, timeZone: string): number {
  return Date.parse(`${formatDate(ms, timeZone).replace(" ", "T")}Z`) - Math.floor(ms / SECOND_MS) * SECOND_MS;
}

/**
 * The moment at which a zone's clocks show a date; NaN where it is none. Where clocks are put back, the first of the two
 * such moments; where they are put forward, the moment as far behind.
 * @param local `YYYY-MM-DDTHH:mm`, perhaps with seconds
 */
export function momentOfLocal(local: string, timeZone: string): number {
  const ms = Date.parse(`${local}Z`);
  if (Number.isNaN(ms)) return ms;
  return ms - offsetMs(ms - offsetMs(ms - DAY_MS, timeZone), timeZone);
}

/** Whether the runtime knows a time zone of this name. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A duration for people, in its two largest units: `1 d 2 h`, `3 min 5 s`, `0 s`. */
export function formatDuration(ms: number, mostUnits = 2): string {
  const seconds = Math.max(0, Math.round(ms / SECOND_MS));
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return "0 s";
  return units
    .slice(first, first + mostUnits)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
