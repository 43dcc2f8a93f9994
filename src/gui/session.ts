import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { configOf } from "../config.ts";
import { DAY_MS, SECOND_MS } from "../domain/time.ts";
import type { AppContext } from "../http/context.ts";

const COOKIE = "watchtower";
const LIFE_MS = 30 * DAY_MS;

/** Who may use the web interface. */
export type Visitor = { role: "admin" | "reader" };

const ROLES: readonly Visitor["role"][] = ["admin", "reader"];

/** Lets a browser in for 30 days: a cookie says who and until when, signed by a key that is another when the password is. */
export async function startSession(c: AppContext, { role }: Visitor): Promise<void> {
  await setSignedCookie(c, COOKIE, `${role}-${Date.now() + LIFE_MS}`, keyOf(c, role) ?? "", {
    ...scopeOf(c),
    httpOnly: true,
    sameSite: "Strict",
    maxAge: LIFE_MS / SECOND_MS,
  });
}

/** Who was let in with the browser that the request comes from; undefined for nobody. */
export async function visitorOf(c: AppContext): Promise<Visitor | undefined> {
  for (const role of ROLES) {
    const key = keyOf(c, role);
    const value = key !== undefined && (await getSignedCookie(c, key, COOKIE).catch(() => undefined));
    const [, said, until] = (value || "").match(/^(\w+)-(\d+)$/) ?? [];
    if (said === role && Number(until) > Date.now()) return { role };
  }
  return undefined;
}

/** Makes the browser forget. */
export function endSession(c: AppContext): void {
  deleteCookie(c, COOKIE, scopeOf(c));
}

/** The cookie opens the web interface and nothing else; the API never looks at it. */
function scopeOf(c: AppContext) {
  return { path: "/gui", secure: new URL(c.req.url).protocol === "https:" };
}

/** Another for each role, so that none can be made of the other; undefined where the role has no password. */
function keyOf(c: AppContext, role: Visitor["role"]): string | undefined {
  const { password, readPassword } = configOf(c.env);
  const of = role === "admin" ? password : readPassword;
  return of === undefined ? undefined : `watchTower web interface, ${role}: ${of}`;
}
