import type { Outcome } from "../domain/retry.ts";
import { SECOND_MS, toSeconds } from "../domain/time.ts";
import { linkOf } from "./link.ts";
import { classifyByStatus, jsonObject } from "./post.ts";
import type { Provider, ProviderAnswer } from "./provider.ts";
import { cutText } from "./text.ts";

/** The limits of a message, in characters (pushover.net/api#limits). */
const MOST_TITLE = 250;
const MOST_MESSAGE = 1_024;

/** Pushover (pushover.net/api): the target is a user's or a group's key. */
export const pushover: Provider = {
  longestText: MOST_MESSAGE,

  refuses: () => undefined,

  warnings(target, config) {
    return [
      ...(config.pushover.token ? [] : ["PUSHOVER_TOKEN is not configured, so this alert can't be sent yet."]),
      ...(/^[A-Za-z0-9]{30}$/.test(target) ? [] : ["A Pushover key has 30 letters and digits; alertTarget has not."]),
    ];
  },

  async request(message, target, config) {
    if (!config.pushover.token) return { kind: "credentials", answer: "PUSHOVER_TOKEN is not configured" };
    return {
      url: `${config.pushover.apiUrl}/1/messages.json`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        token: config.pushover.token,
        user: target,
        title: cutText(message.title, MOST_TITLE),
        message: cutText(message.message, MOST_MESSAGE),
        timestamp: toSeconds(message.dateMs),
        url: linkOf(config, message),
      }),
    };
  },

  classify(answer) {
    const outcome = withReset(classifyByStatus(answer), answer);
    const said = jsonObject(answer.body);
    // Pushover says "token":"invalid" of a refused token and, with 429, of a used-up month: both are ours to mend.
    if (answer.status < 500 && said?.token === "invalid") return { kind: "credentials", answer: outcome.answer };
    if (outcome.kind !== "delivered" || said?.status === 1) return outcome;
    // Another status is a refusal (pushover.net/api#response); without one it was not Pushover that answered.
    return { kind: typeof said?.status === "number" ? "permanent" : "retry", answer: outcome.answer };
  },
};

/** A quota that is used up comes back at a moment that Pushover says (pushover.net/api#limits), in seconds since the epoch. */
function withReset(outcome: Outcome, { status, headers }: ProviderAnswer): Outcome {
  if (status !== 429 || outcome.kind !== "retry" || outcome.retryAfterMs !== undefined) return outcome;
  const resetMs = Number(headers.get("x-limit-app-reset")) * SECOND_MS;
  return resetMs > Date.now() ? { ...outcome, retryAfterMs: resetMs - Date.now() } : outcome;
}
