import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { configOf } from "../config.ts";
import { DAY_MS, SECOND_MS } from "../domain/time.ts";
import type { AppContext } from "../http/context.ts";

const COOKIE = "watchtower";
const LIFE_MS = 30 * DAY_MS;

/** Lets a browser in for 30 days: a cookie says until when, signed by a key that is another when the password is. */
export async function startSession(c: AppContext): Promise<void> {
  await setSignedCookie(c, COOKIE, String(Date.now() + LIFE_MS), keyOf(c), {
    ...scopeOf(c),
    httpOnly: true,
    sameSite: "Strict",
    maxAge: LIFE_MS / SECOND_MS,
  });
}

/** Whether the request comes from a browser that was let in. */
export async function hasSession(c: AppContext): Promise<boolean> {
  const untilMs = Number(await getSignedCookie(c, keyOf(c), COOKIE).catch(() => false));
  return untilMs > Date.now();
}

/** Makes the browser forget. */
export function endSession(c: AppContext): void {
  deleteCookie(c, COOKIE, scopeOf(c));
}

/** The cookie opens the web interface and nothing else; the API never looks at it. */
function scopeOf(c: AppContext) {
  return { path: "/gui", secure: new URL(c.req.url).protocol === "https:" };
}

function keyOf(c: AppContext): string {
  return `watchTower web interface: ${configOf(c.env).password}`;
}
