import { afterEach, expect, it, vi } from "vitest";
import { ALERT, answerWith, configWith, sendTo, TARGETS } from "../support/providers.ts";

afterEach(() => vi.restoreAllMocks());

const TYPES = Object.keys(TARGETS) as (keyof typeof TARGETS)[];
const LINK = "https://tower.example/gui";

/** What is sent to a provider, with some variables set. */
async function sentBody(type: (typeof TYPES)[number], variables: { PUBLIC_URL?: string }): Promise<string> {
  const fetch = answerWith(() => new Response("ok"));
  await sendTo(type, configWith(variables));
  return String(fetch.mock.lastCall?.[1]?.body);
}

it.each(TYPES)("an alert by %s leads to the web interface where its address is configured", async (type) => {
  expect(await sentBody(type, { PUBLIC_URL: "https://tower.example/" })).toContain(LINK);
  const without = await sentBody(type, {});
  expect(without).not.toContain("/gui");
  expect(without).toContain(ALERT.message);
});
