import type { Config, Env } from "../config.ts";
import type { Alert } from "../domain/alert.ts";
import type { Target } from "../domain/service.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { send } from "../providers/index.ts";
import { messengerName, type Sent } from "./messenger.ts";
import { within } from "./within.ts";

/** A messenger needs 13 seconds at most; where everything is slow, to give up early would send twice. */
const LONGEST_WAIT_MS = 60 * SECOND_MS;
/** So often is a messenger tried, before an alert goes out without it: it may just have been moved or updated. */
const MOST_FAILURES = 3;
/** Those whom a messenger has failed don't come again all at once. */
const AGAIN_AFTER_MS = SECOND_MS;
const SPREAD_MS = 9 * SECOND_MS;

/**
 * Sends alerts through the messenger of their target. Where there is no getting through to it again and again, an alert
 * goes out without it: that many come at once is better than that one is lost.
 */
export class AlertSender {
  readonly #env: Env;
  readonly #config: Config;
  #failures = 0;

  constructor(env: Env, config: Config) {
    this.#env = env;
    this.#config = config;
  }

  /** Makes one attempt to send the first of some alerts to one target, or several of them together. Never throws. */
  async send(alerts: readonly Alert[], target: Target): Promise<Sent> {
    const first = alerts[0] as Alert;
    try {
      const messenger = this.#env.MESSENGER.getByName(messengerName(target));
      const delivering: Promise<Sent> = messenger.deliver([...alerts], target);
      const sent = await within(LONGEST_WAIT_MS, delivering);
      this.#failures = 0;
      return sent;
    } catch (error) {
      this.#failures++;
      log("warn", "messenger.failed", { service: first.service, alert: first.id, error: errorText(error) });
      if (this.#failures >= MOST_FAILURES) return { delivery: await send(first, target, this.#config), count: 1 };
      const atMs = Date.now() + AGAIN_AFTER_MS + Math.floor(Math.random() * SPREAD_MS);
      return { delivery: { kind: "later", atMs }, count: 1 };
    }
  }
}
