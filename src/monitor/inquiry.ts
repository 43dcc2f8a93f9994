import type { Env } from "../config.ts";
import { heed, isNewSilence, mayBeHeld, type OutageSign } from "../domain/outage.ts";
import { expectedMs } from "../domain/service.ts";
import { CLAIM_MS, type Ledger } from "./ledger.ts";
import { forgetRefusal } from "./refusals.ts";
import { SentinelLink } from "./sentinel-link.ts";

/** Looks into a service's silence before it dies: those who see all services are asked whose silence it is. */
export class Inquiry {
  readonly #service: string;
  readonly #sentinel: SentinelLink;

  constructor(env: Env, service: string) {
    this.#service = service;
    this.#sentinel = new SentinelLink(env, service);
  }

  /** Excuses a service that is about to die, or lets it wait, where its silence may be ours. Never throws for want of an answer. */
  async hold(ledger: Ledger): Promise<void> {
    const nowMs = Date.now();
    const asking = ledger.service;
    if (!isNewSilence(asking, nowMs)) return;
    // What is awaited here may be cut short: then this is asked again.
    ledger.armFor(nowMs + CLAIM_MS, nowMs);
    const answer = await this.#sentinel.judgeSilence(expectedMs(asking), mayBeHeld(asking));
    const answeredMs = Date.now();
    const { service } = ledger;
    // A pulse may have come meanwhile.
    if (!isNewSilence(service, answeredMs)) return;
    const { verdict, waitMs } = heed(service, answer, Math.random());
    if (verdict === "ours") ledger.excuse("silence", waitMs, answeredMs);
    else if (verdict === "perhaps") ledger.hold(waitMs, answer === undefined, answeredMs);
  }

  /** The service was excused: others have to hear of an outage that only its own object can see. Never rejects. */
  async excused(sign: OutageSign, sinceMs: number): Promise<void> {
    if (sign === "silence") return;
    forgetRefusal(this.#service);
    await this.#sentinel.noticeOutage(sign, sinceMs);
  }
}
