import type { Config } from "../config.ts";
import type { Message } from "../domain/digest.ts";
import type { Outcome } from "../domain/retry.ts";

/** A request to a provider; redirects are never followed. */
export interface ProviderRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** What a provider answered; the body is cut off after 16 KiB. */
export interface ProviderAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** One way to tell people something. It shapes a request and classifies the answer; when to repeat is not its business. */
export interface Provider {
  /** How many characters a message's text may have. */
  longestText: number;
  /** Why a target can't be used at all, as one sentence that goes into a hint; undefined where it can. */
  refuses(target: string, config: Config): string | undefined;
  /** What is dubious about a target or about our own configuration, as sentences; the target is accepted all the same. */
  warnings(target: string, config: Config): string[];
  /** The request, or the outcome where there is nothing to send: credentials are missing. */
  request(message: Message, target: string, config: Config): Promise<ProviderRequest | Outcome>;
  /** What the answer means. */
  classify(answer: ProviderAnswer): Outcome;
}
