import { setTimeout as delay } from "node:timers/promises";
import { WatchTowerError } from "../error.ts";
import { EventQueue } from "../event-queue.ts";
import { linesOf } from "../stream.ts";
import type { NewEvent } from "../types.ts";
import type { Command, Surroundings } from "./command.ts";
import { connect } from "./config.ts";
import { readStdin } from "./input.ts";
import { COMMON } from "./options.ts";
import { fieldsOf, parse } from "./parse.ts";
import { UsageError } from "./usage.ts";

/** How many events wait while watchTower can't be reached; then stdin waits, too. */
const CAPACITY = 5_000;
/** How long the last events may take, once there is no more input. */
const LAST_MS = 60_000;

const EVENT = {
  ...COMMON,
  level: { type: "string" },
  alert: { type: "boolean" },
  field: { type: "string", multiple: true },
  stdin: { type: "boolean" },
} as const;

/** Stores an event, or one for each line of stdin. */
export const event: Command = async (args, surroundings) => {
  const { values, positionals } = parse(args, EVENT);
  const { level } = values;
  const said = { ...(values.alert && { alert: true }), ...(values.field && { fields: fieldsOf(values.field) }) };
  if (values.stdin) {
    const [service, ...more] = positionals;
    if (more.length > 0) throw new UsageError("With --stdin give the service at most: the messages come from there.");
    const isBare = level === undefined && Object.keys(said).length === 0;
    if (service === undefined && !isBare) {
      throw new UsageError(
        "Without a service each line is an event as JSON, which says level, alert and fields itself.",
      );
    }
    const queueOptions = { capacity: CAPACITY + 1, onError: teller(surroundings) };
    const queue = new EventQueue(connect(values, surroundings.env), queueOptions);
    return sendLines(
      queue,
      service === undefined ? readEvent : (line) => ({ service, message: line, level, ...said }),
      surroundings,
    );
  }
  const [service, message, ...more] = positionals;
  if (service === undefined || message === undefined || more.length > 0) {
    throw new UsageError("Give the service and the message; quote a message that has spaces.");
  }
  const text = message === "-" ? await readStdin() : message;
  const id = await connect(values, surroundings.env).event(service, text, level, said);
  if (id) surroundings.print(id);
  return 0;
};

/** Sends an event for each line, as they come; 1 where some were refused, 3 where some could not be sent. */
async function sendLines(
  queue: EventQueue,
  eventOf: (line: string) => NewEvent | undefined,
  { print, warn }: Surroundings,
): Promise<number> {
  let taken = 0;
  let wrong = 0;
  for await (const line of linesOf(input())) {
    if (line.trim() === "") continue;
    const event = eventOf(line);
    if (event) {
      queue.put(event);
      taken++;
    } else {
      wrong++;
      warn(`This line is no event as JSON: ${line.slice(0, 100)}`);
    }
    while (queue.size >= CAPACITY) await delay(100);
  }
  await queue.flush(LAST_MS);
  const left = queue.size;
  await queue.close(0);
  if (left > 0) warn(`${left} events could not be sent.`);
  print(`${taken - queue.dropped} events`);
  if (left > 0) return 3;
  return queue.dropped + wrong > 0 ? 1 : 0;
}

/** What comes from stdin, until that ends, or until it is interrupted. */
async function* input(): AsyncGenerator<string, void, undefined> {
  let isInterrupted = false;
  process.once("SIGINT", () => {
    isInterrupted = true;
    process.stdin.destroy();
  });
  try {
    for await (const chunk of process.stdin.setEncoding("utf8")) yield chunk as string;
  } catch (error) {
    if (!isInterrupted) throw error;
  }
  // The last line need not have an end.
  yield "\n";
}

function readEvent(line: string): NewEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const { date, ...event } = value as NewEvent;
    // A date with a zone is the same for everybody: so the event gets an id, and another attempt stores it once.
    const isZoned = typeof date === "string" && /T.*(Z|[+-]\d\d:?\d\d)$/i.test(date) && !Number.isNaN(Date.parse(date));
    return { ...event, date: isZoned ? new Date(date) : date };
  } catch {
    return undefined;
  }
}

/** Tells once of each outage, and of each event that is refused. */
function teller({ warn, report }: Surroundings): (error: unknown) => void {
  let toldMs = 0;
  return (error) => {
    if (!(error instanceof WatchTowerError) || !error.isTemporary) return report(error);
    if (Date.now() - toldMs > LAST_MS) warn(`${error.message}; trying again`);
    toldMs = Date.now();
  };
}
