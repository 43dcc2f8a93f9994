import type { MiddlewareHandler } from "hono";
import { configOf } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { isCrossSite } from "./cross-site.ts";

/** Refuses everything until a password is configured. */
export const requireConfiguration: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (configOf(c.env).password === undefined) {
    throw new AppError("not_configured", "This watchTower is not configured: the secret PASSWORD is not set.");
  }
  await next();
};

/** Refuses requests without the password; `isOpen` tells which need none. */
export function requirePassword(isOpen: (c: AppContext) => boolean): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (!isOpen(c) && !(await hasPassword(c))) {
      throw new AppError("forbidden", "The header password is missing or wrong.");
    }
    await next();
  };
}

/** Whether a text is the password. */
export async function isPassword(c: AppContext, given: string): Promise<boolean> {
  const { password } = configOf(c.env);
  return password !== undefined && (await isSame(given, password));
}

/** Whether the request carries the password: as `password`, as a bearer token, or by Basic authentication. */
async function hasPassword(c: AppContext): Promise<boolean> {
  const given = givenPassword(c);
  return given !== undefined && (await isPassword(c, given));
}

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
  if (c.req.method === "GET" || c.req.method === "HEAD") return false;
  return isCrossSite(c);
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
async function isSame(a: string, b: string): Promise<boolean> {
  const [x, y] = await Promise.all([digest(a), digest(b)]);
  let difference = 0;
  for (let i = 0; i < x.length; i++) difference |= (x[i] as number) ^ (y[i] as number);
  return difference === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
