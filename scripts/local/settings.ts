import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { Refusal } from "./refusal.ts";
import type { LogFormat } from "./voice.ts";

/** The variables and secrets that the Worker knows. */
const WORKER_VARIABLES = [
  "PASSWORD",
  "PASSWORD_PREVIOUS",
  "PASSWORD_READ",
  "PULSE_KEY_SECRET",
  "PUSHOVER_TOKEN",
  "PUSHOVER_API_URL",
  "MAILCHANNELS_API_KEY",
  "MAIL_FROM",
  "MAILCHANNELS_API_URL",
  "WEBHOOK_SECRET",
  "DEFAULT_ALERT_TYPE",
  "DEFAULT_ALERT_TARGET",
  "ALERTS_ENABLED",
  "GRACE_SECONDS",
  "ALLOW_PRIVATE_WEBHOOKS",
  "TIMEZONE",
  "EVENTS_PRESETS",
  "EVENTS_RETENTION_DAYS",
  "EVENTS_RETENTION_DAYS_DEBUG",
  "EVENTS_RETENTION_DAYS_INFO",
  "EVENTS_RETENTION_DAYS_NOTICE",
  "EVENTS_RETENTION_DAYS_WARNING",
  "EVENTS_RETENTION_DAYS_ERROR",
  "EVENTS_RETENTION_DAYS_CRITICAL",
  "EVENTS_RETENTION_DAYS_ALERT",
  "EVENTS_RETENTION_DAYS_EMERGENCY",
  "RECORDS_RETENTION_DAYS",
  "PUBLIC_URL",
  "WATCHDOG_URL",
  "PLAN",
] as const;

/** Those of the Worker's variables that are set. */
export type WorkerVariables = Partial<Record<(typeof WORKER_VARIABLES)[number], string>>;

/** Where the local service listens and keeps its state, and what its Worker is told. */
export interface Settings {
  host: string;
  port: number;
  /** Absolute. */
  stateDir: string;
  /** Where a generated password is kept; absolute. */
  devVarsFile: string;
  /** The certificate and its key, both absolute; without them, http. */
  tlsFiles?: { certFile: string; keyFile: string };
  logFormat: LogFormat;
  worker: WorkerVariables;
}

/** Reads the settings from the environment, then from `.dev.vars` in the project's folder `root`. */
export function readSettings(root: string, env: NodeJS.ProcessEnv): Settings {
  const devVarsFile = join(root, ".dev.vars");
  const devVars = readDevVars(devVarsFile);
  // What is empty counts as not set: Compose files and CI systems hand on variables that way.
  const setting = (name: string) => env[name] || devVars[name] || undefined;

  const worker: WorkerVariables = { ALLOW_PRIVATE_WEBHOOKS: "true", PLAN: "paid" };
  for (const name of WORKER_VARIABLES) {
    const value = setting(name);
    if (value !== undefined) worker[name] = value;
  }
  for (const name of ["PASSWORD", "PASSWORD_PREVIOUS", "PASSWORD_READ"] as const) {
    if (!/^[!-~]([ -~]*[!-~])?$/.test(worker[name] ?? "none")) {
      throw new Refusal(`${name} must be printable ASCII, without a space at either end: it travels in a header.`);
    }
  }
  const tlsFiles = tlsFilesOf(root, setting("TLS_CERT_FILE"), setting("TLS_KEY_FILE"));
  return {
    host: setting("HOST") ?? "127.0.0.1",
    port: parsePort(setting("PORT") ?? "8787"),
    stateDir: resolve(root, setting("STATE_DIR") ?? ".wrangler/state"),
    devVarsFile,
    ...(tlsFiles && { tlsFiles }),
    logFormat: parseLogFormat(setting("LOG_FORMAT") ?? "text"),
    worker,
  };
}

function tlsFilesOf(root: string, certFile?: string, keyFile?: string): Settings["tlsFiles"] {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new Refusal("TLS_KEY_FILE and TLS_CERT_FILE belong together: set both, or none.");
  }
  return { certFile: resolve(root, certFile), keyFile: resolve(root, keyFile) };
}

function parseLogFormat(text: string): LogFormat {
  if (text === "text" || text === "json") return text;
  throw new Refusal(`LOG_FORMAT must be text or json, not "${text}".`);
}

/** Whether alerts have somewhere to go, so that no local inbox is needed. */
export function hasProvider(worker: WorkerVariables): boolean {
  return [
    worker.PUSHOVER_TOKEN,
    worker.MAILCHANNELS_API_KEY,
    worker.DEFAULT_ALERT_TYPE,
    worker.DEFAULT_ALERT_TARGET,
  ].some((value) => value !== undefined);
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Refusal(`PORT must be a whole number from 0 (any free port) to 65535, not "${text}".`);
}

function readDevVars(file: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Refusal(`${file} can't be read: ${(error as Error).message}`);
  }
}
