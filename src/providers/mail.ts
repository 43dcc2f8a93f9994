import { linkOf } from "./link.ts";
import { classifyByStatus, jsonObject } from "./post.ts";
import type { Provider } from "./provider.ts";
import { cutText } from "./text.ts";

/** RFC 5322 allows 998 bytes in a line; 200 code points are at most 800, and no mailbox shows more. */
const MOST_SUBJECT = 200;

/** Mail through MailChannels' Email API (docs.mailchannels.net): the target is one address or several, comma-separated. */
export const mail: Provider = {
  longestText: 60_000,

  refuses: () => undefined,

  warnings(target, config) {
    return [
      ...(config.mail.apiKey && config.mail.from
        ? []
        : ["MAILCHANNELS_API_KEY and MAIL_FROM are not both configured, so this alert can't be sent yet."]),
      ...(addresses(target).every((address) => /^[^\s@]+@[^\s@]+$/.test(address)) && addresses(target).length > 0
        ? []
        : ["alertTarget does not look like a mail address."]),
    ];
  },

  async request(message, target, config) {
    const { apiKey, from, apiUrl } = config.mail;
    if (!apiKey) return { kind: "credentials", answer: "MAILCHANNELS_API_KEY is not configured" };
    if (!from) return { kind: "credentials", answer: "MAIL_FROM is not configured" };
    return {
      url: `${apiUrl}/tx/v1/send`,
      headers: { "content-type": "application/json", "x-api-key": apiKey },
      body: JSON.stringify({
        personalizations: [{ to: addresses(target).map((email) => ({ email })) }],
        from: { email: from, name: "watchTower" },
        subject: cutText(message.title, MOST_SUBJECT),
        content: [
          { type: "text/plain", value: [message.message, linkOf(config, message)].filter(Boolean).join("\n\n") },
        ],
      }),
    };
  },

  classify(answer) {
    const outcome = classifyByStatus(answer);
    if (outcome.kind !== "delivered" || (answer.status === 202 && !saysFailed(answer.body))) return outcome;
    // 202 alone means accepted, and even then the one message may have failed; without it nobody was told.
    return { kind: "retry", answer: outcome.answer };
  },
};

/** Whether an answer of 202 carries the news that the message was not sent after all. */
function saysFailed(body: string): boolean {
  const results = jsonObject(body)?.results;
  return Array.isArray(results) && results.some((result) => result?.status === "failed");
}

function addresses(target: string): string[] {
  return target
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
}
