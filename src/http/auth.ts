import type { MiddlewareHandler } from "hono";
import { type Config, configOf } from "../config.ts";
import type { Caller } from "../domain/caller.ts";
import { AppError } from "../domain/errors.ts";
import { looksLikeKey } from "../domain/pulse-key.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { isCrossSite } from "./cross-site.ts";
import { NO_KEY, PULSES_ONLY } from "./device.ts";
import { deviceOf } from "./pulse-key.ts";
import { refuseWrongPassword } from "./wrong-password.ts";

/** What is said to a reader who wants to change something. */
export const READS_ONLY = "This password only reads: it changes nothing.";

const NO_PASSWORD = "The header password is missing or wrong.";

/** Refuses everything until a password is configured. */
export const requireConfiguration: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (configOf(c.env).password === undefined) {
    throw new AppError("not_configured", "This watchTower is not configured: the secret PASSWORD is not set.");
  }
  await next();
};

/** Finds out who asks, and refuses what they may not do; `isOpen` tells which requests need no password. */
export function requirePassword(isOpen: (c: AppContext) => boolean): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (!isOpen(c)) {
      const caller = await callerOf(c);
      c.set("caller", caller);
      if (caller.role === "reader" && !isReading(c)) throw new AppError("forbidden", READS_ONLY);
      if (caller.role === "device" && !isForDevices(c)) throw new AppError("forbidden", PULSES_ONLY);
    }
    await next();
  };
}

/** Whether a request only looks. */
export function isReading(c: AppContext): boolean {
  return c.req.method === "GET" || c.req.method === "HEAD";
}

/** Whether a request is a pulse or a cancel; of what service, its body will say. */
function isForDevices(c: AppContext): boolean {
  const { method, path } = c.req;
  return (method === "POST" || method === "DELETE") && (path === "/" || path === "/heartbeat");
}

async function callerOf(c: AppContext): Promise<Caller> {
  const given = givenPassword(c);
  // Who gives none guesses none.
  if (given === undefined) throw new AppError("forbidden", NO_PASSWORD);
  const config = configOf(c.env);
  switch (await passwordOf(config, given)) {
    case "current":
    case "previous":
      return { role: "admin" };
    case "read":
      return { role: "reader" };
    case undefined: {
      const isKey = looksLikeKey(given);
      const device = isKey ? await deviceOf(config.pulseKeySecret, given) : undefined;
      if (device) return device;
      throw await refuseWrongPassword(c, isKey ? NO_KEY : NO_PASSWORD);
    }
  }
}

type Known = "current" | "previous" | "read";

/**
 * Which of the configured passwords a text is; undefined where it is none of them. Who was right is remembered: the next
 * time, no digest is made. That tells nothing to who guesses: a map compares two texts only where their whole hashes
 * are the same, so a guess that is nearly right takes as long as any other.
 */
export async function passwordOf(config: Config, given: string): Promise<Known | undefined> {
  const passwords = passwordsOf(config);
  const known = passwords.right.get(given);
  if (known) return known;
  passwords.digests ??= await digestsOf(config);
  const digest = await digestOf(given);
  // All are compared, always, so that the time tells nothing.
  const [isCurrent, isPrevious, isRead] = passwords.digests.map((other) => isSame(digest, other));
  const found = isCurrent ? "current" : isPrevious ? "previous" : isRead ? "read" : undefined;
  if (found) passwords.right.set(given, found);
  return found;
}

/** What is given as the password: as `password`, as a bearer token, or by Basic authentication. */
function givenPassword(c: AppContext): string | undefined {
  const own = c.req.header("password");
  if (own !== undefined) return own;
  const [, scheme = "", value = ""] = c.req.header("authorization")?.match(/^(\S+) +(.*)$/) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value.trim();
    case "basic":
      return isForged(c) ? undefined : basicPassword(value.trim());
    default:
      return undefined;
  }
}

/**
 * Whether another site makes a browser do this: a browser adds the Basic password that it remembers by itself, so that
 * one must open nothing that changes something. All other ways to give the password are the caller's own doing.
 */
function isForged(c: AppContext): boolean {
  return !isReading(c) && isCrossSite(c);
}

function basicPassword(encoded: string): string | undefined {
  try {
    const decoded = atob(encoded);
    return decoded.includes(":") ? decoded.slice(decoded.indexOf(":") + 1) : undefined;
  } catch {
    return undefined;
  }
}

/** Compares digests of equal length in constant time, so that the time tells nothing about the password. */
function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  if (!b) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

const encoder = new TextEncoder();

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
}

/** The configured passwords, as far as they were needed. */
interface Passwords {
  /** The digests of all of them, in their order. */
  digests?: (Uint8Array | undefined)[];
  /** Those that were given. */
  right: Map<string, Known>;
}

const passwordsByConfig = new WeakMap<Config, Passwords>();

function passwordsOf(config: Config): Passwords {
  let passwords = passwordsByConfig.get(config);
  if (!passwords) {
    passwords = { right: new Map() };
    passwordsByConfig.set(config, passwords);
  }
  return passwords;
}

function digestsOf({ password, previousPassword, readPassword }: Config): Promise<(Uint8Array | undefined)[]> {
  const all = [password, previousPassword, readPassword];
  return Promise.all(all.map((text) => (text === undefined ? undefined : digestOf(text))));
}
