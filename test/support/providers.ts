import { type Mock, vi } from "vitest";
import { type Config, parseConfig, type Variables } from "../../src/config.ts";
import type { Alert } from "../../src/domain/alert.ts";
import type { Outcome } from "../../src/domain/retry.ts";
import { send } from "../../src/providers/index.ts";

/** An alert as the domain makes them. */
export const ALERT: Alert = {
  id: "01K0000000000000000000000A",
  kind: "dead",
  service: "nightly backup",
  dateMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  title: "Service nightly backup has not pulsed",
  message: "The service nightly backup is not pulsing since 2026-01-02 03:03:00 UTC",
  dead: { lastMs: Date.UTC(2026, 0, 2, 3, 3, 0), fromMs: Date.UTC(2026, 0, 2, 3, 4, 0, 250) },
};

/** A configuration in which every provider has its credentials, changed as told. */
export function configWith(variables: Variables = {}): Config {
  return parseConfig({
    PASSWORD: "correct horse",
    PUSHOVER_TOKEN: "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
    MAILCHANNELS_API_KEY: "mailchannels-key",
    MAIL_FROM: "tower@example.com",
    WEBHOOK_SECRET: "webhook-secret",
    ...variables,
  });
}

/** A target of each type. */
export const TARGETS = {
  pushover: { type: "pushover", target: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG" },
  mail: { type: "mail", target: "ann@example.com" },
  webhook: { type: "webhook", target: "https://hooks.example/a" },
} as const;

/** Sends {@link ALERT}, and says what came of it. */
export function sendTo(type: keyof typeof TARGETS, config = configWith(), alert = ALERT): Promise<Outcome> {
  return send(alert, TARGETS[type], config);
}

/** Stands in for the network: every request gets this answer. */
export function answerWith(answer: () => Response | Promise<Response>): Mock<typeof fetch> {
  return vi.spyOn(globalThis, "fetch").mockImplementation(async () => answer());
}

/** Stands in for the network with a JSON answer. */
export function answerJson(status: number, body: unknown, headers: Record<string, string> = {}): Mock<typeof fetch> {
  return answerWith(() => Response.json(body, { status, headers }));
}

/** The one request that was made. */
export function onlyRequest(fetch: Mock<typeof globalThis.fetch>) {
  if (fetch.mock.calls.length !== 1) throw new Error(`${fetch.mock.calls.length} requests were made`);
  const [url, init = {}] = fetch.mock.calls[0] as [string, RequestInit?];
  const text = String(init.body);
  return { url, init, headers: new Headers(init.headers), text, body: JSON.parse(text) };
}
