import type { EventQueue } from "./event-queue.ts";
import type { Level } from "./types.ts";

/** The part of `console` that programs log with. */
export interface EventConsole {
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
}

/** A console whose lines become events of a service. */
export function eventConsole(queue: EventQueue, service: string): EventConsole {
  const at =
    (level: Level) =>
    (...values: unknown[]) =>
      queue.event(service, values.map(shown).join(" "), level);
  return { debug: at("debug"), log: at("info"), info: at("info"), warn: at("warning"), error: at("error") };
}

/** Pino's levels, from the highest, and ours. */
const PINO_LEVELS: [least: number, level: Level][] = [
  [60, "critical"],
  [50, "error"],
  [40, "warning"],
  [30, "info"],
];

/** A stream for pino, or any logger that writes one JSON object with `level`, `msg` and `err` a line. */
export function pinoStream(queue: EventQueue, service: string): { write(line: string): void } {
  return {
    write(line) {
      const record = parse(line);
      const level = PINO_LEVELS.find(([least]) => Number(record?.level) >= least)?.[1] ?? "debug";
      const { stack, message } = (record?.err ?? {}) as { stack?: string; message?: string };
      const text = [record?.msg ?? (record ? undefined : line.trim()), stack ?? message].filter(Boolean).join("\n");
      queue.event(service, text, record ? level : "info");
    },
  };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ?? String(value);
  try {
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
