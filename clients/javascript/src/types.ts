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

/** An event. `date` is in seconds since the epoch. */
export interface WatchTowerEvent {
  id: string;
  date: number;
  level: number;
  message: string;
  service: string;
  alert: boolean;
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
  /** How many a page has; pages are asked for as they are needed. */
  limit?: number | undefined;
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
  /** How often a call is tried at most; 4 by default. */
  attempts?: number;
  /** Hears of each warning that comes with an answer, such as a target whose credentials are missing. */
  onWarning?: (warning: string) => void;
  /** Another `fetch`. */
  fetch?: typeof fetch;
  /** Another way to wait, for tests. */
  sleep?: (ms: number) => Promise<void>;
  /** Another source of numbers from 0 to 1, for tests. */
  random?: () => number;
  /** Another clock, in milliseconds since the epoch, for tests. */
  now?: () => number;
}
