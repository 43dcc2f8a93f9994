import { afterEach, expect, it, vi } from "vitest";
import { linkOf } from "../../src/providers/link.ts";
import { ALERT, answerWith, configWith, sendTo, TARGETS } from "../support/providers.ts";

afterEach(() => vi.restoreAllMocks());

const TYPES = Object.keys(TARGETS) as (keyof typeof TARGETS)[];
const LINK = "https://tower.example/gui/services/nightly%20backup";

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

it("an event leads to the events of its service, which need not have a page of its own", () => {
  const link = linkOf(configWith({ PUBLIC_URL: "https://tower.example" }), { ...ALERT, kind: "event", service: "a&b" });
  expect(link).toBe("https://tower.example/gui/events?service=a%26b&since=604800");
});

it.each([".", "..", "a/b?c#d"])("a service is found at its link, whatever its name: %s", (service) => {
  const config = configWith({ PUBLIC_URL: "https://tower.example" });
  const { pathname, searchParams } = new URL(linkOf(config, { ...ALERT, service }) ?? "");
  const inPath = decodeURIComponent(pathname.replace(/^\/gui\/services\/?/, ""));
  expect(searchParams.get("service") ?? inPath).toBe(service);
});
