import { configOf } from "../../config.ts";
import { passwordOf } from "../../http/auth.ts";
import { readFields } from "../../http/body.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields, readQuery } from "../../http/fields.ts";
import { log } from "../../log.ts";
import { answerPage } from "../parts/layout.tsx";
import { loginPageSchema, loginSchema } from "../schemas.ts";
import { endSession, startSession, type Visitor, visitorOf } from "../session.ts";

const HOME = "/gui";

/** The form that asks for the password. */
export async function getLogin(c: AppContext): Promise<Response> {
  const { next, wrong } = parseFields(loginPageSchema, readQuery(c.req.url));
  if (await visitorOf(c)) return c.redirect(pathOf(next), 303);
  return loginPage(c, next, wrong === undefined ? undefined : "This is not the password.");
}

/** Lets in who knows the password; the attempts of one address are counted, right or wrong. */
export async function postLogin(c: AppContext): Promise<Response> {
  const { password, next } = parseFields(loginSchema, { password: "", ...(await readFields(c.req.raw)) });
  const caller = c.req.header("cf-connecting-ip") ?? "unknown";
  const { success } = await c.env.LOGIN_ATTEMPTS.limit({ key: caller });
  if (!success) {
    log("warn", "login.throttled");
    c.header("retry-after", "60");
    return loginPage(c, next, "Too many attempts. Please wait for a minute.", 429);
  }
  const visitor = await whoKnows(c, password);
  if (!visitor) {
    log("warn", "login.refused");
    const query = next === undefined ? "" : `&next=${encodeURIComponent(next)}`;
    return c.redirect(`/gui/login?wrong=1${query}`, 303);
  }
  await startSession(c, visitor);
  return c.redirect(pathOf(next), 303);
}

/** The previous password is for programs that have not moved over yet: people know the new one. */
async function whoKnows(c: AppContext, password: string): Promise<Visitor | undefined> {
  const known = await passwordOf(configOf(c.env), password);
  if (known === "current") return { role: "admin" };
  return known === "read" ? { role: "reader" } : undefined;
}

/** Ends the session of this browser. */
export function postLogout(c: AppContext): Response {
  endSession(c);
  return c.redirect("/gui/login", 303);
}

/** Where to go after the login: nowhere but to a page of ours. */
function pathOf(next: string | undefined): string {
  const url = next === undefined ? null : URL.parse(next, "http://here.invalid");
  const isOurs = url?.origin === "http://here.invalid" && /^\/gui(\/|$)/.test(url.pathname);
  return url && isOurs ? url.pathname + url.search : HOME;
}

function loginPage(c: AppContext, next: string | undefined, problem: string | undefined, status: 200 | 429 = 200) {
  return answerPage(
    c,
    {
      title: "Log in · watchTower",
      children: (
        <form class="card login" method="post" action="/gui/login">
          <h1>Log in</h1>
          {problem !== undefined && (
            <p class="banner problem" role="alert">
              {problem}
            </p>
          )}
          {/* For password managers, which keep a password under a name. */}
          <input type="text" name="username" value="watchTower" autocomplete="username" readonly hidden />
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            autofocus
            aria-invalid={problem !== undefined}
          />
          {next !== undefined && <input type="hidden" name="next" value={next} />}
          <button type="submit" class="main">
            Log in
          </button>
        </form>
      ),
    },
    status,
  );
}
