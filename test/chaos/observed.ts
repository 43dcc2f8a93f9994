/*
 * What is known of a run when it is over: what the clients did and were answered, what the provider stub got, when the
 * system was up, and what it says itself. The oracle compares these, and needs nothing else.
 */

/** What a client knows of a request: `unknown` where the answer was lost, or was an error; then it may have counted. */
export type OperationOutcome = "acknowledged" | "unknown";

/** A pulse or a cancel, as its client has it. Those that never reached the system are not recorded. */
export interface Operation {
  kind: "pulse" | "cancel" | "forget";
  service: string;
  sentMs: number;
  /** When it was answered, or when the answer was known to be lost. */
  doneMs: number;
  outcome: OperationOutcome;
  /** nextIn and grace, of a pulse. */
  promiseMs: number;
  /** The answer's `last`, in seconds. */
  last?: number;
}

/** An event, as its client has it. */
export interface SentEvent {
  service: string;
  level: number;
  message: string;
  alert: boolean;
  sentMs: number;
  doneMs: number;
  outcome: OperationOutcome;
  id?: string;
}

/** An alert as a message to a provider tells it. */
export interface ToldAlert {
  id: string;
  kind: "dead" | "alive" | "event";
  service: string;
  title: string;
  message: string;
  /** ISO 8601. */
  lastPulse?: string;
}

/** `taken`: answered with success; `failed`: to be tried again; `refused`: never again. */
export type Verdict = "taken" | "failed" | "refused";

/** A message that reached the provider stub. */
export interface Attempt {
  path: string;
  atMs: number;
  alerts: ToldAlert[];
  isDigest: boolean;
  verdict: Verdict;
  /** How long the sender has to wait for the answer, at most; its time-out where there is none. */
  answerMs: number;
  /** What the answer asks for, if anything. */
  retryAfterMs: number;
}

/** A time in which the system's processes ran; it is of use from `readyMs` on, if it ever was ready. */
export interface Uptime {
  startMs: number;
  readyMs?: number;
  /** When it was killed; undefined for the last one. */
  killMs?: number;
}

/** A service was excused, as the log says. */
export interface Excuse {
  service: string;
  sign: string;
  atMs: number;
  forMs?: number;
}

/** A service was held before it was told dead, as the log says. */
export interface Hold {
  service: string;
  atMs: number;
  forMs: number;
}

/** Rows of D1, by the names of its columns. */
export interface ServiceRow {
  service: string;
  status: string;
  since: number;
  last: number;
  next_in: number;
  grace: number;
  alert_target: string;
  alerts: string;
}

export interface EventRow {
  id: string;
  service: string;
  level: number;
  message: string;
  alert: number;
}

export interface AlertRow {
  id: string;
  service: string;
  date: number;
  kind: "dead" | "alive" | "event";
  alert_target: string;
  title: string;
  message: string;
  state: "pending" | "delivered" | "failed" | "dropped";
  attempts: number;
  last_answer: string | null;
}

export interface TransitionRow {
  id: string;
  service: string;
  status: "alive" | "dead" | "cancelled" | "forgotten";
  last: number | null;
  expected: number | null;
}

/** A service as the API answers it. */
export interface HeartBeat {
  service: string;
  status: string;
  since: number;
  last: number;
  expected: number;
  nextIn: number;
  alertTarget: string;
}

/** All that is known of a run. */
export interface Observed {
  operations: Operation[];
  events: SentEvent[];
  attempts: Attempt[];
  /** When the provider stub misbehaved, by path. */
  troubles: { path: string; fromMs: number; toMs: number }[];
  uptimes: Uptime[];
  excuses: Excuse[];
  holds: Hold[];
  /** Who is told of a service: paths of the provider stub. */
  pathsOf: Map<string, string[]>;
  /** When the tables were read. */
  readMs: number;
  tables: { services: ServiceRow[]; events: EventRow[]; alerts: AlertRow[]; transitions: TransitionRow[] };
  /** What the API says of each service that was ever heard of; null where it knows none. Undefined where it was not asked. */
  heartBeats?: Map<string, HeartBeat | null>;
}

/** Something that must not be. */
export interface Violation {
  rule: string;
  subject: string;
  detail: string;
}
