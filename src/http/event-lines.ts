import type { Event } from "../domain/event.ts";
import type { DateWriter } from "./dates.ts";
import type { EXPORT_FORMATS } from "./schemas.ts";
import { shownEvent } from "./shown-event.ts";

/** The form of an export. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How an export writes events. */
interface Writer {
  contentType: string;
  /** What comes before all events. */
  head: string;
  /** One event, with the end of its line. */
  line(event: Event, writeDate: DateWriter): string;
}

const COLUMNS = ["id", "date", "service", "level", "message", "alert", "fields"] as const;

/** Every form of an export, by its name. */
export const EXPORT_WRITERS: Record<ExportFormat, Writer> = {
  ndjson: {
    contentType: "application/x-ndjson; charset=utf-8",
    head: "",
    line: (event, writeDate) => `${JSON.stringify(shownEvent(event, writeDate))}\n`,
  },
  // RFC 4180.
  csv: {
    contentType: "text/csv; charset=utf-8; header=present",
    head: `${COLUMNS.join(",")}\r\n`,
    line(event, writeDate) {
      const { fields, ...shown } = shownEvent(event, writeDate);
      const columns = { ...shown, fields: fields ? JSON.stringify(fields) : "" };
      return `${COLUMNS.map((name) => cell(columns[name])).join(",")}\r\n`;
    },
  },
};

function cell(value: string | number | boolean): string {
  const text = typeof value === "string" ? harmless(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A spreadsheet takes a text for a formula that begins with one of these signs, and services write texts that come from
 * anywhere. With an apostrophe before it, it is a text. One that begins with an apostrophe gets another, so that who reads
 * the cell can tell: one is to be taken away.
 */
function harmless(text: string): string {
  return /^['=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
}
