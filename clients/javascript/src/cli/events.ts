import type { Client } from "../client.ts";
import { WatchTowerError } from "../error.ts";
import type { EventFilter, WatchTowerEvent } from "../types.ts";
import { lowestUlid } from "../ulid.ts";
import type { Command, Surroundings } from "./command.ts";
import { connect } from "./config.ts";
import { COMMON } from "./options.ts";
import { countOf, FILTER, filterOf, none, parse } from "./parse.ts";
import { printable } from "./table.ts";
import { UsageError } from "./usage.ts";

const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

const EVENTS = {
  ...COMMON,
  ...FILTER,
  limit: { type: "string" },
  json: { type: "boolean" },
  follow: { type: "boolean", short: "f" },
} as const;

/** Prints the events that match, the newest last. */
export const events: Command = async (args, { env, print, warn }) => {
  const { values, positionals } = parse(args, EVENTS);
  none(positionals);
  const client = connect(values, env);
  const filter = filterOf(values);
  const show = shownBy(values.json);
  if (values.follow) {
    if (values.to !== undefined || values.limit !== undefined) {
      throw new UsageError("--follow goes on without end: it takes neither --to nor --limit.");
    }
    return follow(client, filter, (event) => print(show(event)), warn);
  }
  for (const event of await eventsInOrder(client, filter, countOf(values.limit, "--limit"))) print(show(event));
  return 0;
};

/** Prints events as they come, until it is interrupted. */
export const tail: Command = async (args, { env, print, warn }) => {
  const { to: _, ...options } = FILTER;
  const { values, positionals } = parse(args, { ...COMMON, ...options, json: { type: "boolean" } });
  none(positionals);
  const show = shownBy(values.json);
  return follow(connect(values, env), filterOf(values), (event) => print(show(event)), warn);
};

/** Prints all events that match, the oldest first, for other programs. */
export const exportEvents: Command = async (args, { env, write, warn }) => {
  const options = { ...COMMON, ...FILTER, format: { type: "string" }, after: { type: "string" } } as const;
  const { values, positionals } = parse(args, options);
  none(positionals);
  const { format = "ndjson", after } = values;
  if (format !== "ndjson" && format !== "csv") throw new UsageError(`--format must be ndjson or csv, not "${format}".`);
  let hasBegun = false;
  try {
    for await (const text of connect(values, env).exportText(format, { ...filterOf(values), after })) {
      hasBegun = true;
      await write(text);
    }
    return 0;
  } catch (error) {
    if (!hasBegun || !(error instanceof WatchTowerError)) throw error;
    warn(
      `The export broke off: ${error.hint}. What was printed is not all; --after goes on after the last event's id.`,
    );
    return 3;
  }
};

function shownBy(json: boolean | undefined): (event: WatchTowerEvent) => string {
  return json ? JSON.stringify : eventLine;
}

/** An event as one line. */
export function eventLine({ date, level, service, message, fields = {} }: WatchTowerEvent): string {
  const time = new Date(date * 1_000).toISOString().replace("T", " ").replace(".000Z", "");
  const more = Object.entries(fields).map(([name, value]) => `${printable(name)}=${printable(String(value))}`);
  return [time, LEVELS[level] ?? level, printable(service), printable(message), ...more].join("  ");
}

/** The events that match, oldest first, as a reader of a log expects. */
async function eventsInOrder(client: Client, filter: EventFilter, most?: number): Promise<WatchTowerEvent[]> {
  const events: WatchTowerEvent[] = [];
  for await (const event of client.events(filter)) {
    events.push(event);
    if (events.length === most) break;
  }
  return events.reverse();
}

/** Follows events, those since a date first; an outage, and its end, are told once. */
async function follow(
  client: Client,
  { from, to: _, limit: __, ...filter }: EventFilter,
  print: (event: WatchTowerEvent) => void,
  warn: Surroundings["warn"],
): Promise<number> {
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  let isDown = false;
  const events = client.tail(filter, {
    signal: interrupted.signal,
    lastEventId: from === undefined ? undefined : lowestUlid(Number(from) * 1_000),
    onError(error) {
      if (!isDown) warn(`${error.message}; trying again`);
      isDown = true;
    },
    onOpen() {
      if (isDown) warn("reached again");
      isDown = false;
    },
  });
  for await (const event of events) print(event);
  return 0;
}
