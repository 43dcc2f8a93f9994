import type { BulkReader } from "./bulk-reader.ts";
import { LEVEL_NAMES } from "./domain/level.ts";
import { LONGEST_GRACE_SECONDS } from "./domain/limits.ts";
import type { Target } from "./domain/service.ts";
import { isTimeZone } from "./domain/time.ts";
import { log } from "./log.ts";
import type { EventBuffer } from "./monitor/event-buffer.ts";
import type { Messenger } from "./monitor/messenger.ts";
import type { RuleMonitor } from "./monitor/rule-monitor.ts";
import type { Sentinel } from "./monitor/sentinel.ts";
import type { ServiceMonitor } from "./monitor/service-monitor.ts";

/** What Cloudflare hands to the Worker: bindings, secrets and variables, the latter two always as text. */
export interface Env {
  SERVICE_MONITOR: DurableObjectNamespace<ServiceMonitor>;
  /** Where long lists are handed over to; undefined in there. */
  BULK_READER: DurableObjectNamespace<BulkReader> | undefined;
  /** Where the parts of an export are made; defined in there. */
  EXPORT_PAGES?: DurableObjectNamespace<BulkReader> | undefined;
  SENTINEL: DurableObjectNamespace<Sentinel>;
  MESSENGER: DurableObjectNamespace<Messenger>;
  EVENT_BUFFER: DurableObjectNamespace<EventBuffer>;
  RULE_MONITOR: DurableObjectNamespace<RuleMonitor>;
  DB: D1Database;
  /** How often an address may try the login of the web interface. */
  LOGIN_ATTEMPTS: RateLimit;
  /** How often an address may give a wrong password to the API. */
  FAILED_PASSWORDS: RateLimit;
  PASSWORD?: string;
  PASSWORD_PREVIOUS?: string;
  PASSWORD_READ?: string;
  PULSE_KEY_SECRET?: string;
  PUSHOVER_TOKEN?: string;
  PUSHOVER_API_URL?: string;
  MAILCHANNELS_API_KEY?: string;
  MAIL_FROM?: string;
  MAILCHANNELS_API_URL?: string;
  WEBHOOK_SECRET?: string;
  DEFAULT_ALERT_TYPE?: string;
  DEFAULT_ALERT_TARGET?: string;
  ALERTS_ENABLED?: string;
  GRACE_SECONDS?: string;
  ALLOW_PRIVATE_WEBHOOKS?: string;
  TIMEZONE?: string;
  EVENTS_PRESETS?: string;
  EVENTS_RETENTION_DAYS?: string;
  EVENTS_RETENTION_DAYS_DEBUG?: string;
  EVENTS_RETENTION_DAYS_INFO?: string;
  EVENTS_RETENTION_DAYS_NOTICE?: string;
  EVENTS_RETENTION_DAYS_WARNING?: string;
  EVENTS_RETENTION_DAYS_ERROR?: string;
  EVENTS_RETENTION_DAYS_CRITICAL?: string;
  EVENTS_RETENTION_DAYS_ALERT?: string;
  EVENTS_RETENTION_DAYS_EMERGENCY?: string;
  RECORDS_RETENTION_DAYS?: string;
  PUBLIC_URL?: string;
  WATCHDOG_URL?: string;
  PLAN?: string;
}

/** The secrets and variables. */
export type Variables = Omit<
  Env,
  | "SERVICE_MONITOR"
  | "BULK_READER"
  | "EXPORT_PAGES"
  | "SENTINEL"
  | "MESSENGER"
  | "EVENT_BUFFER"
  | "RULE_MONITOR"
  | "DB"
  | "LOGIN_ATTEMPTS"
  | "FAILED_PASSWORDS"
>;

/** The variables that say how long events are kept: all, or those of a level. */
type EventsRetention = "EVENTS_RETENTION_DAYS" | `EVENTS_RETENTION_DAYS_${Uppercase<(typeof LEVEL_NAMES)[number]>}`;

const LONGEST_RETENTION_DAYS = 36_500;

/** A shorter secret could be guessed by who holds a key that is signed with it. */
const SHORTEST_KEY_SECRET = 32;

/** A search that the configuration offers by name. */
export interface EventsPreset {
  name: string;
  service: string;
  message: string;
}

/** The configuration, parsed once. */
export interface Config {
  password: string | undefined;
  /** Does what the password does, while clients move over. */
  previousPassword: string | undefined;
  /** Reads, and changes nothing. */
  readPassword: string | undefined;
  /** What pulse keys are signed with. */
  pulseKeySecret: string | undefined;
  pushover: { token: string | undefined; apiUrl: string };
  mail: { apiKey: string | undefined; from: string | undefined; apiUrl: string };
  webhook: { secret: string | undefined; allowPrivate: boolean };
  defaultTarget: Target | undefined;
  alertsEnabled: boolean;
  graceSeconds: number;
  timeZone: string;
  eventsPresets: EventsPreset[];
  /** How long events are kept; those of a level that `eventsRetentionDaysOf` has are kept as it says, longer or shorter. */
  eventsRetentionDays: number;
  eventsRetentionDaysOf: Map<number, number>;
  /** How long transitions and the delivery log are kept. */
  recordsRetentionDays: number;
  publicUrl: string | undefined;
  /** Called while watchTower works. */
  watchdogUrl: string | undefined;
  /** Of the free plan's quotas it is told when they are nearly used up. */
  plan: "free" | "paid";
  /** Variables that make no sense and were replaced by their defaults, one sentence each. */
  problems: string[];
}

/**
 * Parses the environment. A variable that makes no sense does not stop the service: watching goes on with the default,
 * and `problems` says so.
 */
export function parseConfig(env: Variables): Config {
  const problems: string[] = [];
  const text = (value: string | undefined) => (value?.trim() ? value.trim() : undefined);

  function integer(
    name: "GRACE_SECONDS" | "RECORDS_RETENTION_DAYS" | EventsRetention,
    fallback: number,
    least: number,
    most: number,
  ): number {
    const given = text(env[name]);
    if (given === undefined) return fallback;
    const value = Number(given);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    problems.push(`${name} must be an integer from ${least} to ${most}; ${fallback} is used.`);
    return fallback;
  }

  const eventsRetentionDays = integer("EVENTS_RETENTION_DAYS", 90, 1, LONGEST_RETENTION_DAYS);

  /** Only what differs: levels that are kept alike are pruned alike. */
  function retentionByLevel(): Map<number, number> {
    const daysOf = LEVEL_NAMES.map((level, i): [number, number] => {
      const name = `EVENTS_RETENTION_DAYS_${level.toUpperCase() as Uppercase<typeof level>}` as const;
      return [i, integer(name, eventsRetentionDays, 1, LONGEST_RETENTION_DAYS)];
    });
    return new Map(daysOf.filter(([, days]) => days !== eventsRetentionDays));
  }

  function readPassword(): string | undefined {
    const given = text(env.PASSWORD_READ);
    if (given === undefined || (given !== text(env.PASSWORD) && given !== text(env.PASSWORD_PREVIOUS))) return given;
    problems.push("PASSWORD_READ must differ from PASSWORD and PASSWORD_PREVIOUS; it is not used.");
    return undefined;
  }

  function pulseKeySecret(): string | undefined {
    const given = text(env.PULSE_KEY_SECRET);
    if (given === undefined || given.length >= SHORTEST_KEY_SECRET) return given;
    problems.push(`PULSE_KEY_SECRET must have at least ${SHORTEST_KEY_SECRET} characters; there are no pulse keys.`);
    return undefined;
  }

  function flag(name: "ALERTS_ENABLED" | "ALLOW_PRIVATE_WEBHOOKS", fallback: boolean): boolean {
    const given = text(env[name])?.toLowerCase();
    if (given === undefined) return fallback;
    if (given === "true" || given === "1") return true;
    if (given === "false" || given === "0") return false;
    problems.push(`${name} must be true or false; ${fallback} is used.`);
    return fallback;
  }

  function url(name: "PUSHOVER_API_URL" | "MAILCHANNELS_API_URL", fallback: string): string {
    const given = text(env[name]);
    if (given === undefined) return fallback;
    if (/^https?:$/.test(URL.parse(given)?.protocol ?? "")) return given.replace(/\/+$/, "");
    problems.push(`${name} must be an http or https URL; ${fallback} is used.`);
    return fallback;
  }

  function watchdogUrl(): string | undefined {
    const given = text(env.WATCHDOG_URL);
    if (given === undefined || /^https?:$/.test(URL.parse(given)?.protocol ?? "")) return given;
    problems.push("WATCHDOG_URL must be an http or https URL; nobody is called.");
    return undefined;
  }

  function plan(): Config["plan"] {
    const given = text(env.PLAN)?.toLowerCase() ?? "free";
    if (given === "free" || given === "paid") return given;
    problems.push("PLAN must be free or paid; free is used.");
    return "free";
  }

  function timeZone(): string {
    const given = text(env.TIMEZONE);
    if (given === undefined || isTimeZone(given)) return given ?? "UTC";
    problems.push("TIMEZONE must be the name of a time zone such as Europe/Paris; UTC is used.");
    return "UTC";
  }

  function defaultTarget(): Target | undefined {
    const type = text(env.DEFAULT_ALERT_TYPE);
    const target = text(env.DEFAULT_ALERT_TARGET);
    if (type !== undefined && target !== undefined) return { type, target };
    if (type !== undefined || target !== undefined) {
      problems.push("DEFAULT_ALERT_TYPE and DEFAULT_ALERT_TARGET must be set together; neither is used.");
    }
    return undefined;
  }

  function presets(): EventsPreset[] {
    const given = text(env.EVENTS_PRESETS);
    if (given === undefined) return [];
    const parsed = parseJson(given);
    if (Array.isArray(parsed) && parsed.every(isPreset)) {
      return parsed.map(({ name, service = "", message = "" }) => ({ name, service, message }));
    }
    problems.push('EVENTS_PRESETS must be a JSON list of {"name","service","message"}; none are used.');
    return [];
  }

  return {
    // Trimmed, since HTTP trims the headers that carry it: a newline pasted along would shut everybody out.
    password: text(env.PASSWORD),
    previousPassword: text(env.PASSWORD_PREVIOUS),
    readPassword: readPassword(),
    pulseKeySecret: pulseKeySecret(),
    pushover: {
      token: text(env.PUSHOVER_TOKEN),
      apiUrl: url("PUSHOVER_API_URL", "https://api.pushover.net"),
    },
    mail: {
      apiKey: text(env.MAILCHANNELS_API_KEY),
      from: text(env.MAIL_FROM),
      apiUrl: url("MAILCHANNELS_API_URL", "https://api.mailchannels.net"),
    },
    webhook: { secret: text(env.WEBHOOK_SECRET), allowPrivate: flag("ALLOW_PRIVATE_WEBHOOKS", false) },
    defaultTarget: defaultTarget(),
    alertsEnabled: flag("ALERTS_ENABLED", true),
    graceSeconds: integer("GRACE_SECONDS", 5, 0, LONGEST_GRACE_SECONDS),
    timeZone: timeZone(),
    eventsPresets: presets(),
    eventsRetentionDays,
    eventsRetentionDaysOf: retentionByLevel(),
    recordsRetentionDays: integer("RECORDS_RETENTION_DAYS", 400, 1, LONGEST_RETENTION_DAYS),
    publicUrl: text(env.PUBLIC_URL)?.replace(/\/+$/, ""),
    watchdogUrl: watchdogUrl(),
    plan: plan(),
    problems,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPreset(value: unknown): value is { name: string; service?: string; message?: string } {
  if (typeof value !== "object" || value === null) return false;
  const { name, service, message } = value as Record<string, unknown>;
  const optionalText = (field: unknown) => field === undefined || typeof field === "string";
  return typeof name === "string" && optionalText(service) && optionalText(message);
}

const configs = new WeakMap<Env, Config>();

/** The configuration of an environment, parsed once for each; what is wrong with it is logged then. */
export function configOf(env: Env): Config {
  const known = configs.get(env);
  if (known) return known;
  const config = parseConfig(env);
  for (const problem of config.problems) log("warn", "config.problem", { problem });
  configs.set(env, config);
  return config;
}
