import type { Env } from "../config.ts";
import type { OutageSign, SilenceAnswer } from "../domain/outage.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { SENTINEL_NAME, type Sentinel } from "./sentinel.ts";
import { within } from "./within.ts";

/** How long a death waits to hear whether others fall silent, too. */
const LONGEST_WAIT_MS = 2 * SECOND_MS;

/** A service's way to the sentinel; where there is no getting through, the service goes on without. Never throws. */
export class SentinelLink {
  readonly #env: Env;
  readonly #service: string;

  constructor(env: Env, service: string) {
    this.#env = env;
    this.#service = service;
  }

  /**
   * Says that the service falls silent, which was missed since a moment; returns whose silence it is, undefined where the
   * sentinel does not answer, or can't say.
   * @param mayWait whether the service may be told to wait
   */
  async judgeSilence(sinceMs: number, mayWait: boolean): Promise<SilenceAnswer | undefined> {
    try {
      return await within(LONGEST_WAIT_MS, this.#sentinel.fallsSilent(this.#service, sinceMs, mayWait));
    } catch (error) {
      this.#logFailure(error);
      return undefined;
    }
  }

  /** Says that the service was excused of an outage of ours. */
  async noticeOutage(sign: OutageSign, sinceMs: number): Promise<void> {
    try {
      await this.#sentinel.noticeOutage(sign, sinceMs);
    } catch (error) {
      // Another service's object says it, or nobody does: the deaths will be told all the same.
      this.#logFailure(error);
    }
  }

  get #sentinel(): DurableObjectStub<Sentinel> {
    return this.#env.SENTINEL.getByName(SENTINEL_NAME);
  }

  #logFailure(error: unknown): void {
    log("warn", "sentinel.failed", { service: this.#service, error: errorText(error) });
  }
}
