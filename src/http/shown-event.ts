import { dateMs, type Event } from "../domain/event.ts";
import { toSeconds } from "../domain/time.ts";
import type { DateWriter } from "./dates.ts";

/** An event as the wire has it. */
export function shownEvent(event: Event, writeDate: DateWriter) {
  const { id, service, level, message, alert, fields } = event;
  return { id, date: writeDate(toSeconds(dateMs(event))), level, message, service, alert, ...(fields && { fields }) };
}
