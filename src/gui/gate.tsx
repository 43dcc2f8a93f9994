import { AppError } from "../domain/errors.ts";
import { isReading, READS_ONLY } from "../http/auth.ts";
import type { AppContext } from "../http/context.ts";
import { isCrossSite } from "../http/cross-site.ts";
import { visitorOf } from "./session.ts";

type Handler = (c: AppContext) => Promise<Response> | Response;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Says of a page that it runs nothing but our own script, is framed nowhere and kept nowhere. */
export function protect(c: AppContext): void {
  c.header("content-security-policy", POLICY);
  c.header("x-content-type-options", "nosniff");
  c.header("referrer-policy", "same-origin");
  c.header("cache-control", "no-store");
}

/** A route that is open to all: the login. */
export function open(handler: Handler): Handler {
  return (c) => {
    protect(c);
    // The cookie is not sent by what other sites do; this also keeps them from logging somebody in.
    if (c.req.method === "POST" && isCrossSite(c)) throw new AppError("forbidden", "Another site has sent this form.");
    return handler(c);
  };
}

/** A route for those who have logged in; all others are sent there, and come back afterwards. Readers change nothing. */
export function guarded(handler: Handler): Handler {
  return open(async (c) => {
    const visitor = await visitorOf(c);
    if (visitor) {
      c.set("caller", visitor);
      if (visitor.role === "reader" && !isReading(c)) throw new AppError("forbidden", READS_ONLY);
      return handler(c);
    }
    if (isFollowedLink(c)) return c.html(comeAgain());
    const { pathname, search } = new URL(c.req.url);
    const next = c.req.method === "GET" ? `?next=${encodeURIComponent(pathname + search)}` : "";
    return c.redirect(`/gui/login${next}`, 303);
  });
}

/** Whether a link on another site led here, such as in a mail: a strict cookie is not sent then. */
function isFollowedLink(c: AppContext): boolean {
  return c.req.header("sec-fetch-site") === "cross-site" && c.req.header("sec-fetch-mode") === "navigate";
}

/** A page that loads itself once more: then it is our own page that leads here, and the cookie is sent. */
function comeAgain(): string {
  return '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>watchTower</title>';
}
