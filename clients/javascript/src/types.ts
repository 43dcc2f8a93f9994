import type { WatchTowerError } from "./error.ts";

/** Where alerts go: `pushover` with a key, `mail` with addresses, `webhook` with a URL. */
export interface Target {
  type: string;
  target: string;
}

/** What a pulse may say beside service and promise. It is kept by the server until a pulse changes it. */
export interface PulseOptions {
  alertType?: string | undefined;
  alertTarget?: string | undefined;
  /** Seconds tolerated after the promise. */
  grace?: number | undefined;
  /** Seconds between repeats of the death notice; 0 for none. */
  remindEvery?: number | undefined;
  /** Until then nobody is alerted: seconds since the epoch, or a date. */
  pauseUntil?: number | Date | undefined;
  /** Further targets. */
  alerts?: Target[] | undefined;
}

/** A service. Dates are seconds since the epoch. */
export interface HeartBeat {
  service: string;
  alertType: string;
  alertTarget: string;
  nextIn: number;
  last: number;
  expected: number;
  alerted: boolean;
  cancelled: boolean;
  status: "alive" | "dead" | "cancelled";
  since: number;
  asOf: number;
  grace?: number;
  remindEvery?: number;
  pauseUntil?: number;
  alerts?: Target[];
}

/** A level: a number from 0 to 1,000, or a name. */
export type Level =
  | number
  | "debug"
  | "info"
  | "notice"
  | "warning"
  | "error"
  | "critical"
  | "alert"
  | "emergency"
  | (string & {});

/** What an event says besides its message: names and plain values, at most 32 of them and 8 KiB as JSON. */
export type EventFields = Record<string, string | number | boolean>;

/** An event. `date` is in seconds since the epoch. */
export interface WatchTowerEvent {
  id: string;
  date: number;
  level: number;
  message: string;
  service: string;
  alert: boolean;
  fields?: EventFields;
}

/** What may be said of a new event beside service, message and level. */
export interface EventOptions {
  /** Whether the server's default target is alerted, too. */
  alert?: boolean | undefined;
  fields?: EventFields | undefined;
  /** When it was: at most 30 days ago. */
  date?: When | undefined;
  /** A ULID whose time is the date: what is sent twice under one id is stored once. */
  id?: string | undefined;
}

/** An event to be stored. */
export interface NewEvent extends EventOptions {
  service: string;
  message: string;
  level?: Level | undefined;
}

/** What became of events that were sent together. */
export interface SentEvents {
  /** How many were stored. */
  stored: number;
  /** The ids of those that were stored, in their order. */
  ids: string[];
  /** Those that the server won't take, by their index in what was sent. */
  refused: { index: number; hint: string }[];
  /** Whether they wait at the server for its database, so that lists have them later. */
  queued: boolean;
}

/** One alert to one target, and what came of it. Dates are seconds since the epoch. */
export interface Alert {
  id: string;
  date: number;
  service: string;
  kind: "dead" | "alive" | "event";
  alertType: string;
  alertTarget: string;
  title: string;
  message: string;
  state: "pending" | "delivered" | "failed" | "dropped";
  attempts: number;
  lastAnswer: string | null;
  nextAttempt: number | null;
}

/** A date: seconds since the epoch, ISO 8601, or a date of JavaScript's. */
export type When = number | string | Date;

/** Which events are wanted: all conditions hold together. */
export interface EventFilter {
  service?: string | undefined;
  /** At or above; a day ago by default. */
  from?: When | undefined;
  /** At or below. */
  to?: When | undefined;
  /** At or above. */
  level?: Level | undefined;
  /** What the message contains. */
  message?: string | undefined;
  /** A search: words, "phrases", -word, service:name, level:>=error, host:web-1, OR. */
  q?: string | undefined;
  /** Fields that have these values. */
  fields?: EventFields | undefined;
  /** How many a page has; pages are asked for as they are needed. */
  limit?: number | undefined;
}

/** Which events are to be exported: all conditions hold together, and there is no default for dates. */
export type ExportFilter = Omit<EventFilter, "limit"> & {
  /** Those after the event of this id. */
  after?: string | undefined;
};

/** Which events are to be followed: all conditions hold together. */
export type TailFilter = Omit<EventFilter, "from" | "to" | "limit">;

/** How events are followed. */
export interface TailOptions {
  /** Goes on after the event of this id, as far as the server remembers. */
  lastEventId?: string | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
  /** Hears of each connection that was lost or could not be made; there will be another. */
  onError?: ((error: WatchTowerError) => void) | undefined;
  /** Hears of each connection that stands. */
  onOpen?: (() => void) | undefined;
}

/** How many events there are of a level. */
export interface LevelCount {
  level: number;
  count: number;
}

/** How many events there are. Dates are seconds since the epoch. */
export interface EventStats {
  from: number;
  to: number;
  /** Where there are too many to count: from when on they were. */
  countedFrom?: number;
  count: number;
  /** Of each level that there is, the lowest first. */
  levels: LevelCount[];
  /** The services with the most. */
  services: { service: string; count: number }[];
  otherServices: { services: number; count: number };
  bucketSeconds: number;
  /** Over time, oldest first. */
  buckets: { from: number; count: number; levels: LevelCount[] }[];
}

/** When events raise an alert: so many matches of a search within so many seconds. */
export interface RuleOptions {
  /** The search, as in a filter's `q`. */
  q: string;
  /** The server's default without. */
  alertType?: string | undefined;
  alertTarget?: string | undefined;
  /** 1 by default. */
  count?: number | undefined;
  /** 60 by default. */
  seconds?: number | undefined;
  /** So many seconds there is no other alert; 900 by default. */
  quiet?: number | undefined;
}

/** An alert rule. */
export interface Rule {
  name: string;
  q: string;
  alertType: string;
  alertTarget: string;
  count: number;
  seconds: number;
  quiet: number;
}

/** Which alerts are wanted: all conditions hold together. */
export interface AlertFilter {
  service?: string | undefined;
  state?: Alert["state"] | undefined;
  from?: When | undefined;
  to?: When | undefined;
  /** How many a page has. */
  limit?: number | undefined;
}

/** What the server says of itself. */
export interface Hello {
  result: number;
  world: number;
  version: string;
  eventsPresets: { name: string; service: string; message: string }[];
  warnings?: string[];
}

/** How a client works; what is left out is as it is for everybody. */
export interface ClientOptions {
  /** How long an answer may take, in milliseconds; 10,000 by default. */
  timeoutMs?: number;
  /** How long nothing may come of a stream (an export, a tail), in milliseconds; 60,000 by default. */
  idleTimeoutMs?: number;
  /** How often a call is tried at most; 4 by default. */
  attempts?: number;
  /** Hears of each warning that comes with an answer, such as a target whose credentials are missing. */
  onWarning?: (warning: string) => void;
  /** Another `fetch`. */
  fetch?: typeof fetch;
  /** Another way to wait, for tests. */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Another source of numbers from 0 to 1, for tests. */
  random?: () => number;
  /** Another clock, in milliseconds since the epoch, for tests. */
  now?: () => number;
}
