import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { type ProviderStub, startProviderStub } from "../../system/support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "../../system/support/watchtower.ts";
import { logIn, type Session, startBrowser, type Visitor, visit } from "./browser.ts";
import { chromiumPath } from "./chromium.ts";

/** Lets in those who only look. */
export const READ_PASSWORD = "only looking";

export let stub: ProviderStub;
export let tower: WatchTower;
export let browser: Browser;
export let session: Session;

/** Starts what the tests of a file need: a provider, a watchTower, and a browser that has logged in. */
export function useStage(): void {
  if (chromiumPath === undefined) return;
  beforeAll(async () => {
    stub = await startProviderStub();
    tower = await startWatchTower({
      env: {
        GRACE_SECONDS: "1",
        PASSWORD_READ: READ_PASSWORD,
        DEFAULT_ALERT_TYPE: "webhook",
        DEFAULT_ALERT_TARGET: `${stub.url}/default`,
        EVENTS_PRESETS: JSON.stringify([{ name: "disks", service: "", message: "disk" }]),
      },
    });
    browser = await startBrowser();
    session = await logIn(browser, tower);
  });
  afterAll(async () => {
    await browser?.close();
    await tower?.stop();
    await stub?.stop();
  });
}

/** A visitor who has logged in. */
export const loggedIn = (options: Parameters<typeof visit>[2] = {}) => visit(browser, tower, { session, ...options });

/** Closes a visitor's browser, whose console had nothing to say. */
export async function done(visitor: Visitor): Promise<void> {
  visitor.expectQuiet();
  await visitor[Symbol.asyncDispose]();
}

export async function pulse(service: string, more: object = {}): Promise<void> {
  const answer = await tower.post("/heartbeat", { service, nextIn: 600, ...more });
  expect(answer.status, await answer.text()).toBe(200);
}

export async function cancel(service: string): Promise<void> {
  await tower.fetch("/heartbeat", { method: "DELETE", body: JSON.stringify({ service }) });
}

export async function forget(service: string): Promise<void> {
  await tower.fetch("/heartbeat", { method: "DELETE", body: JSON.stringify({ service, forget: true }) });
}

/** Stores an event, and says its id. */
export async function addEvent(
  service: string,
  message: string,
  level: string | number = "info",
  fields: object = {},
): Promise<string> {
  const answer = await tower.post("/event", { service, message, level, fields });
  return ((await answer.json()) as { id: string }).id;
}

/** Writes a rule for the default target. */
export async function writeRule(name: string, rule: object): Promise<void> {
  const init = { method: "PUT", body: JSON.stringify(rule) };
  const answer = await tower.fetch(`/rules/${encodeURIComponent(name)}`, init);
  expect(answer.status, await answer.text()).toBe(200);
}

/** A service in the list. */
export const row = (page: Page, service: string) => page.locator(`.service[data-service=${JSON.stringify(service)}]`);

/** Lets so many services live on that nobody takes the death of a few for an outage of ours. */
export function letOthersLive(): void {
  if (chromiumPath === undefined) return;
  const others = Array.from({ length: 30 }, (_, i) => `lives on too ${i}`);
  beforeAll(async () => void (await Promise.all(others.map((service) => pulse(service, { nextIn: 290 })))));
  afterAll(async () => void (await Promise.all(others.map(forget))));
}
