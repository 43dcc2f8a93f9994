export { Client } from "./client.ts";
export { WatchTowerError } from "./error.ts";
export { EventQueue, type EventQueueOptions } from "./event-queue.ts";
export { type EventConsole, eventConsole, pinoStream } from "./logging.ts";
export { Pulser, type PulserOptions } from "./pulser.ts";
export type {
  Alert,
  AlertFilter,
  ClientOptions,
  EventFields,
  EventFilter,
  EventOptions,
  EventStats,
  ExportFilter,
  HeartBeat,
  Hello,
  Level,
  LevelCount,
  NewEvent,
  PulseOptions,
  Rule,
  RuleOptions,
  SentEvents,
  TailFilter,
  TailOptions,
  Target,
  WatchTowerEvent,
  When,
} from "./types.ts";
