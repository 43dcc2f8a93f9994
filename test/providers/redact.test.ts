import { afterEach, describe, expect, it, vi } from "vitest";
import { send } from "../../src/providers/index.ts";
import { REDACTED, redact } from "../../src/providers/redact.ts";
import { ALERT, answerWith, configWith, sendTo, TARGETS } from "../support/providers.ts";

afterEach(() => vi.restoreAllMocks());

const HOOK =
  "https://ann:pass%20phrase@hooks.example/services/T0BCDEFG1/aVeryLongTokenOfLetters?key=query%2Fsecret&n=1";
const SECRETS = {
  PASSWORD: 'the "pass" & word/1',
  PUSHOVER_TOKEN: "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
  MAILCHANNELS_API_KEY: "mailchannels-key",
  WEBHOOK_SECRET: "webhook-secret",
  WATCHDOG_URL: "https://watchdog.example/0f3a7a52-5b1c?token=watch-the-dog",
  DEFAULT_ALERT_TYPE: "pushover",
  DEFAULT_ALERT_TARGET: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
};
const config = configWith(SECRETS);

describe("what a provider says", () => {
  it.each([
    SECRETS.PASSWORD,
    SECRETS.PUSHOVER_TOKEN,
    SECRETS.MAILCHANNELS_API_KEY,
    SECRETS.WEBHOOK_SECRET,
    SECRETS.DEFAULT_ALERT_TARGET,
    "0f3a7a52-5b1c",
    "watch-the-dog",
    "pass phrase",
    "T0BCDEFG1",
    "aVeryLongTokenOfLetters",
    "query/secret",
  ])("is kept without %s, however it is spelled", (secret) => {
    const spellings = [
      secret,
      JSON.stringify({ said: secret }),
      JSON.stringify({ said: secret }).replaceAll("/", "\\/"),
      encodeURIComponent(secret),
      new URLSearchParams({ said: secret }).toString(),
      secret.replaceAll("&", "&amp;").replaceAll('"', "&quot;"),
    ];
    for (const spelling of spellings) {
      const kept = redact(`before ${spelling}, ${spelling} after`, config, HOOK);
      expect(kept.split(REDACTED), spelling).toHaveLength(3);
      expect(kept.replaceAll(REDACTED, ""), spelling).not.toContain(secret);
    }
  });

  it("is kept as it is otherwise, the host and the words of its target included", () => {
    const said = "POST https://hooks.example/services/: no such user ann in ops; n=1";
    expect(redact(said, config, HOOK)).toBe(said);
    expect(redact(said, configWith({ PASSWORD: "ops" }), TARGETS.mail.target)).toBe(said);
    expect(redact("no mailbox ann@example.com", config, TARGETS.mail.target)).toBe("no mailbox ann@example.com");
  });

  it("is kept without a secret of which another is a part", () => {
    const nested = configWith({ PASSWORD: "abcdefgh", WEBHOOK_SECRET: "abcdefgh-and-more" });
    expect(redact("it is abcdefgh-and-more, not abcdefgh", nested, "")).toBe(`it is ${REDACTED}, not ${REDACTED}`);
  });
});

describe.each(["pushover", "mail", "webhook"] as const)("a provider that repeats what it got: %s", (type) => {
  it.each([200, 202, 400, 401, 500])("with %s", async (status) => {
    const target = { type, target: type === "webhook" ? HOOK : TARGETS[type].target };
    const fetch = answerWith(() => {
      const [url, init] = fetch.mock.calls[0] as [string, RequestInit];
      return new Response(`${JSON.stringify(init.headers)} ${init.body} ${url}`, { status });
    });
    const { answer } = await send(ALERT, target, config);
    expect(answer).toContain(`HTTP ${status}: {`);
    for (const secret of [SECRETS.PUSHOVER_TOKEN, SECRETS.MAILCHANNELS_API_KEY, "aVeryLong", "query%2Fsecret"]) {
      expect(answer).not.toContain(secret);
    }
  });

  it("in what the runtime throws", async () => {
    vi.spyOn(globalThis, "fetch").mockImplementation(async (url, init) => {
      throw new TypeError(`Fetch of ${url} with ${init?.body} and ${JSON.stringify(init?.headers)} failed`);
    });
    const target = { type, target: type === "webhook" ? HOOK : TARGETS[type].target };
    const { answer } = await send(ALERT, target, config);
    expect(answer).toMatch(/^TypeError: Fetch of /);
    expect(answer).not.toMatch(/azGDORe|mailchannels-key|aVeryLong|query%2Fsecret/);
  });
});

it("a refused token is still known for one where the answer repeats it", async () => {
  const said = { token: "invalid", errors: [SECRETS.PUSHOVER_TOKEN], status: 0 };
  answerWith(() => Response.json(said, { status: 400 }));
  expect(await sendTo("pushover", config)).toEqual({
    kind: "credentials",
    answer: `HTTP 400: {"token":"invalid","errors":["${REDACTED}"],"status":0}`,
  });
});
