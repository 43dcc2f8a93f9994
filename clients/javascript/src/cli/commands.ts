import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { EventFilter } from "../types.ts";
import { connect, defaultConfigFile, writeConfig } from "./config.ts";
import { dateOf } from "./date.ts";
import { parseDuration } from "./duration.ts";
import { eventLine, eventsInOrder, followEvents } from "./events.ts";
import { askPassword, readStdin } from "./input.ts";
import { listTable } from "./list.ts";
import { COMMON, PULSE, pulseOf } from "./options.ts";
import { runCommand } from "./run.ts";
import { UsageError } from "./usage.ts";

/** What commands get of their surroundings. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** Prints a line to stdout. */
  print: (line: string) => void;
  /** Prints a line to stderr. */
  warn: (line: string) => void;
  /** Tells of an error in one line. */
  report: (error: unknown) => void;
}

/** A command: takes what comes after its name, and returns the exit code. */
export type Command = (args: string[], surroundings: Surroundings) => Promise<number>;

/** All commands by their names. */
export const COMMANDS: Record<string, Command> = {
  async pulse(args, { env, print, warn }) {
    const { values, positionals } = parse(args, { ...COMMON, ...PULSE });
    const service = only(positionals, "the service");
    const said = pulseOf(values, Date.now());
    const heartBeat = await connect(values, env, { onWarning: warn }).pulse(service, said);
    print(`${heartBeat.service} is alive until ${new Date(heartBeat.expected * 1_000).toISOString()}`);
    return 0;
  },

  async cancel(args, { env, print }) {
    const { values, positionals } = parse(args, { ...COMMON, forget: { type: "boolean" } });
    const service = only(positionals, "the service");
    const cancelled = await connect(values, env).cancel(service, values.forget ? { forget: true } : {});
    print(cancelled ? `${service} is ${values.forget ? "forgotten" : "cancelled"}` : `${service} is unknown`);
    return 0;
  },

  async list(args, { env, print }) {
    const { values, positionals } = parse(args, { ...COMMON, json: { type: "boolean" } });
    none(positionals);
    const services = await connect(values, env).heartbeats();
    print(values.json ? JSON.stringify(services, null, 2) : listTable(services, Date.now()));
    return 0;
  },

  async event(args, { env, print }) {
    const { values, positionals } = parse(args, { ...COMMON, level: { type: "string" }, alert: { type: "boolean" } });
    const [service, message, ...more] = positionals;
    if (service === undefined || message === undefined || more.length > 0) {
      throw new UsageError("Give the service and the message; quote a message that has spaces.");
    }
    const text = message === "-" ? await readStdin() : message;
    const id = await connect(values, env).event(service, text, values.level, values.alert ? { alert: true } : {});
    if (id) print(id);
    return 0;
  },

  async events(args, { env, print, warn }) {
    const { values, positionals } = parse(args, EVENTS);
    none(positionals);
    const client = connect(values, env);
    const show = values.json ? JSON.stringify : eventLine;
    const filter = filterOf(values);
    if (!values.follow) {
      for (const event of await eventsInOrder(client, filter, countOf(values.limit))) print(show(event));
      return 0;
    }
    const interrupted = new AbortController();
    process.once("SIGINT", () => interrupted.abort());
    await followEvents(client, filter, {
      print: (event) => print(show(event)),
      note: (error) => warn(error ? `${error.message}; trying again` : "reached again"),
      sleep: (ms) => delay(ms, undefined, { signal: interrupted.signal }).catch(() => undefined),
      now: Date.now,
      signal: interrupted.signal,
    });
    return 0;
  },

  async run(args, { env, report }) {
    const end = args.indexOf("--");
    const command = end === -1 ? [] : args.slice(end + 1);
    const { values, positionals } = parse(end === -1 ? args : args.slice(0, end), {
      ...COMMON,
      ...PULSE,
      service: { type: "string" },
    });
    none(positionals);
    if (values.service === undefined) throw new UsageError("--service is missing: the name of the job.");
    if (command.length === 0) throw new UsageError('The command is missing: give it after "--".');
    return runCommand(connect(values, env), values.service, pulseOf(values, Date.now()), command, report);
  },

  async config(args, { env, print }) {
    const { values, positionals } = parse(args, COMMON);
    none(positionals);
    const { url, config = defaultConfigFile(env) } = values;
    if (url === undefined) throw new UsageError("--url is missing: the address of your watchTower.");
    const password = await askPassword();
    // Refuses what can't be right.
    connect({ url }, { ...env, WATCHTOWER_PASSWORD: password });
    writeConfig(config, { url, password });
    print(`Kept in ${config}`);
    return 0;
  },
};

const EVENTS = {
  ...COMMON,
  service: { type: "string" },
  level: { type: "string" },
  message: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  since: { type: "string" },
  limit: { type: "string" },
  json: { type: "boolean" },
  follow: { type: "boolean", short: "f" },
} as const;

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

function parse<T extends Options>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function only(positionals: string[], what: string): string {
  const [one, ...more] = positionals;
  if (one === undefined || more.length > 0) throw new UsageError(`Give ${what}, and nothing else.`);
  return one;
}

function none(positionals: string[]): void {
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not expected here.`);
}

type EventFlags = { [name in "service" | "level" | "message" | "from" | "to" | "since"]?: string | undefined };

function filterOf({ service, level, message, from, to, since }: EventFlags): EventFilter {
  const sinceSeconds =
    since === undefined ? undefined : Math.floor(Date.now() / 1_000 - parseDuration(since, "--since"));
  return {
    service,
    level,
    message,
    from: sinceSeconds ?? dateOf(from, "--from"),
    to: dateOf(to, "--to"),
  };
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`--limit must be a count from 1, not "${text}".`);
  return Number(text);
}
