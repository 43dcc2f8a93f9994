import { toSeconds } from "../domain/time.ts";
import { classifyByStatus, describe } from "./post.ts";
import type { Provider } from "./provider.ts";
import { cutText } from "./text.ts";

/** The limits of a message, in characters (pushover.net/api#limits). */
const MOST_TITLE = 250;
const MOST_MESSAGE = 1_024;

/** Pushover (pushover.net/api): the target is a user's or a group's key. */
export const pushover: Provider = {
  refuses: () => undefined,

  warnings(target, config) {
    return [
      ...(config.pushover.token ? [] : ["PUSHOVER_TOKEN is not configured, so this alert can't be sent yet."]),
      ...(/^[A-Za-z0-9]{30}$/.test(target) ? [] : ["A Pushover key has 30 letters and digits; alertTarget has not."]),
    ];
  },

  async request(alert, target, config) {
    if (!config.pushover.token) return { kind: "credentials", answer: "PUSHOVER_TOKEN is not configured" };
    return {
      url: `${config.pushover.apiUrl}/1/messages.json`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        token: config.pushover.token,
        user: target,
        title: cutText(alert.title, MOST_TITLE),
        message: cutText(alert.message, MOST_MESSAGE),
        timestamp: toSeconds(alert.dateMs),
      }),
    };
  },

  classify(answer) {
    const outcome = classifyByStatus(answer);
    const said = readBody(answer.body);
    if (outcome.kind === "delivered") {
      // 200 without "status":1 is not Pushover's: a proxy or a captive portal answered. Only status 0 is its refusal.
      if (said?.status === 1) return outcome;
      return { kind: said?.status === 0 ? "permanent" : "retry", answer: describe(answer) };
    }
    // A refused token is our fault, whatever else is wrong: "token":"invalid" (pushover.net/api#response).
    if (outcome.kind === "permanent" && said?.token === "invalid")
      return { kind: "credentials", answer: outcome.answer };
    return outcome;
  },
};

function readBody(body: string): { status?: unknown; token?: unknown } | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
