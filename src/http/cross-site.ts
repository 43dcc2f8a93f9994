import type { AppContext } from "./context.ts";

/** Whether a browser says that another site makes it send this. */
export function isCrossSite(c: AppContext): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = c.req.header("origin");
  return origin !== undefined && origin !== new URL(c.req.url).origin;
}
