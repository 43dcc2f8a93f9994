import { AppError } from "../domain/errors.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { log } from "../log.ts";
import type { AppContext } from "./context.ts";

/** The period of the limit in wrangler.toml, in seconds. */
const WAIT_SECONDS = 60;

/** When somebody was last said to guess. */
let loggedMs = 0;

/**
 * Counts a wrong password, and says what it is answered. A right one is never counted, nor does anybody ask for the
 * count: so whatever others do from the same address, no pulse is refused for it.
 */
export async function refuseWrongPassword(c: AppContext, hint: string): Promise<AppError> {
  const { success } = await c.env.FAILED_PASSWORDS.limit({ key: c.req.header("cf-connecting-ip") ?? "unknown" });
  if (success) return new AppError("forbidden", hint);
  logOnce(Date.now());
  return new AppError("too_many_requests", "Too many wrong passwords from this address; please wait for a minute.", {
    "Retry-After": String(WAIT_SECONDS),
  });
}

/** Once a minute will do: who guesses must not fill the log. */
function logOnce(nowMs: number): void {
  if (nowMs - loggedMs < MINUTE_MS) return;
  loggedMs = nowMs;
  log("warn", "password.throttled");
}
