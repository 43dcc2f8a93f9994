import type { Config } from "../config.ts";
import type { Message } from "../domain/digest.ts";
import type { Outcome } from "../domain/retry.ts";
import type { Target } from "../domain/service.ts";
import { mail } from "./mail.ts";
import { deliver } from "./post.ts";
import type { Provider } from "./provider.ts";
import { pushover } from "./pushover.ts";
import { webhook } from "./webhook.ts";

const providers: ReadonlyMap<string, Provider> = new Map([
  ["pushover", pushover],
  ["mail", mail],
  ["email", mail],
  ["webhook", webhook],
]);

/** The alert types that a pulse may name. */
export const ALERT_TYPES: readonly string[] = [...providers.keys()];

/** Why a target can't be accepted, as one sentence; undefined where it can. */
export function refuseTarget({ type, target }: Target, config: Config): string | undefined {
  const provider = providers.get(type);
  if (!provider) return `alertType must be one of ${ALERT_TYPES.join(", ")}.`;
  return provider.refuses(target, config);
}

/** What was said of so many targets at most is remembered: every pulse asks again. */
const MOST_REMEMBERED = 1_000;
const warned = new WeakMap<Config, Map<string, readonly string[]>>();

/** What is dubious about a target that is used all the same, as sentences: the configured default is never refused. */
export function warnOfTarget({ type, target }: Target, config: Config): readonly string[] {
  let known = warned.get(config);
  if (!known || known.size >= MOST_REMEMBERED) {
    known = new Map();
    warned.set(config, known);
  }
  const key = `${type}:${target}`;
  let warnings = known.get(key);
  if (!warnings) {
    const refusal = refuseTarget({ type, target }, config);
    warnings = refusal ? [refusal] : (providers.get(type)?.warnings(target, config) ?? []);
    known.set(key, warnings);
  }
  return warnings;
}

/** How many characters a message to a target may have. */
export function longestText({ type }: Target): number {
  return providers.get(type)?.longestText ?? 0;
}

/** Makes one attempt to send a message to a target. Never throws. */
export async function send(message: Message, { type, target }: Target, config: Config): Promise<Outcome> {
  const provider = providers.get(type);
  if (!provider) return { kind: "permanent", answer: `there is no alertType ${type}` };
  return deliver(provider, message, target, config);
}
