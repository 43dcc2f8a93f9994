import type { Client } from "../client.ts";
import { WatchTowerError } from "../error.ts";
import type { EventFilter, WatchTowerEvent, When } from "../types.ts";
import { printable } from "./table.ts";

const POLL_MS = 2_000;
/** Events of the same seconds as the last one may be stored later: so far back it is asked again. */
const OVERLAP_SECONDS = 60;

const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/** An event as one line. */
export function eventLine({ date, level, service, message }: WatchTowerEvent): string {
  const time = new Date(date * 1_000).toISOString().replace("T", " ").replace(".000Z", "");
  return `${time}  ${LEVELS[level] ?? level}  ${printable(service)}  ${printable(message)}`;
}

/** The events that match, oldest first, as a reader of a log expects. */
export async function eventsInOrder(client: Client, filter: EventFilter, most?: number): Promise<WatchTowerEvent[]> {
  const events: WatchTowerEvent[] = [];
  for await (const event of client.events(filter)) {
    events.push(event);
    if (events.length === most) break;
  }
  return events.reverse();
}

/** What following needs of its surroundings. */
export interface Following {
  print: (event: WatchTowerEvent) => void;
  /** Hears once of each outage, and of its end with nothing. */
  note: (error: WatchTowerError | undefined) => void;
  sleep: (ms: number) => Promise<void>;
  now: () => number;
  /** Ends it. */
  signal: AbortSignal;
}

/** Prints events as they come, each once and in order, until it is told to end. An outage is waited out. */
export async function followEvents(client: Client, filter: EventFilter, following: Following): Promise<void> {
  const { print, note, sleep, now, signal } = following;
  let printed = new Set<string>();
  let from: When = filter.from ?? Math.floor(now() / 1_000);
  let isDown = false;
  while (!signal.aborted) {
    try {
      const events = await eventsInOrder(client, { ...filter, from });
      for (const event of events) if (!printed.has(event.id)) print(event);
      printed = new Set([...printed].slice(-10_000).concat(events.map(({ id }) => id)));
      const latest = events.at(-1)?.date;
      if (latest !== undefined) from = laterOf(from, latest - OVERLAP_SECONDS);
      if (isDown) note(undefined);
      isDown = false;
    } catch (error) {
      if (!(error instanceof WatchTowerError) || !error.isTemporary) throw error;
      if (!isDown) note(error);
      isDown = true;
    }
    await sleep(POLL_MS);
  }
}

function laterOf(from: When, seconds: number): When {
  return typeof from === "number" && from > seconds ? from : seconds;
}
