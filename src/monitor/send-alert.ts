import type { Config, Env } from "../config.ts";
import type { Alert } from "../domain/alert.ts";
import type { Target } from "../domain/service.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { send } from "../providers/index.ts";
import { type Delivery, messengerName } from "./messenger.ts";
import { within } from "./within.ts";

/** A messenger needs 13 seconds at most. */
const LONGEST_WAIT_MS = 20 * SECOND_MS;
/** Where a messenger has too much to do, it is asked again so much later. */
const OVERLOADED_FOR_MS = 10 * SECOND_MS;

/**
 * Makes one attempt to send an alert, through the messenger of its target. Never throws. Where there is no getting
 * through to the messenger, the alert goes out without it: that many come at once is better than that one is lost.
 */
export async function sendAlert(env: Env, config: Config, alert: Alert, target: Target): Promise<Delivery> {
  try {
    const messenger = env.MESSENGER.getByName(messengerName(target));
    const delivery: Promise<Delivery> = messenger.deliver(alert, target);
    return await within(LONGEST_WAIT_MS, delivery);
  } catch (error) {
    log("warn", "messenger.failed", { service: alert.service, alert: alert.id, error: errorText(error) });
    if ((error as { overloaded?: boolean }).overloaded) return { kind: "later", atMs: Date.now() + OVERLOADED_FOR_MS };
    return send(alert, target, config);
  }
}
