import { afterEach, describe, expect, it, vi } from "vitest";
import { refuseTarget, warnOfTarget } from "../../src/providers/index.ts";
import { ALERT, answerJson, answerWith, configWith, onlyRequest, sendTo, TARGETS } from "../support/providers.ts";

afterEach(() => vi.restoreAllMocks());

/** As Pushover answers: pushover.net/api#response. */
const QUEUED = { status: 1, request: "647d2300-702c-4b38-8b2f-d56326ae460b" };

describe("the request to Pushover", () => {
  it("is a POST of JSON with token, key, title, message and the time of what it tells", async () => {
    const fetch = answerJson(200, QUEUED);
    await sendTo("pushover");
    const { url, init, headers, body } = onlyRequest(fetch);
    expect(url).toBe("https://api.pushover.net/1/messages.json");
    expect(init.method).toBe("POST");
    expect(headers.get("content-type")).toBe("application/json");
    expect(body).toEqual({
      token: "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
      user: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
      title: ALERT.title,
      message: ALERT.message,
      timestamp: 1_767_323_045,
    });
  });

  it("goes to the configured address", async () => {
    const fetch = answerJson(200, QUEUED);
    await sendTo("pushover", configWith({ PUSHOVER_API_URL: "http://127.0.0.1:9999/stub/" }));
    expect(onlyRequest(fetch).url).toBe("http://127.0.0.1:9999/stub/1/messages.json");
  });

  it("cuts the title to 250 and the message to 1,024 characters", async () => {
    const fetch = answerJson(200, QUEUED);
    await sendTo("pushover", undefined, { ...ALERT, title: "🦊".repeat(251), message: "m".repeat(1_025) });
    const { body } = onlyRequest(fetch);
    expect(body.title).toBe(`${"🦊".repeat(249)}…`);
    expect(body.message).toBe(`${"m".repeat(1_023)}…`);
  });

  it("is not made without a token, which is our fault", async () => {
    const fetch = answerJson(200, QUEUED);
    const outcome = await sendTo("pushover", configWith({ PUSHOVER_TOKEN: "" }));
    expect(outcome).toEqual({ kind: "credentials", answer: "PUSHOVER_TOKEN is not configured" });
    expect(fetch).not.toHaveBeenCalled();
  });
});

describe("Pushover's answer", () => {
  it("429 says by a header when there is room again", async () => {
    const reset = String(Math.floor(Date.now() / 1_000) + 100);
    answerWith(() => new Response("", { status: 429, headers: { "x-limit-app-reset": reset } }));
    const outcome = await sendTo("pushover");
    expect(outcome).toMatchObject({ kind: "retry" });
    const { retryAfterMs = 0 } = outcome as { retryAfterMs?: number };
    expect(retryAfterMs).toBeGreaterThan(90_000);
    expect(retryAfterMs).toBeLessThanOrEqual(100_000);
    answerWith(() => new Response("", { status: 429, headers: { "x-limit-app-reset": "1000" } }));
    expect(await sendTo("pushover")).not.toHaveProperty("retryAfterMs");
  });

  const refused = (status: number, fields: object) => () => Response.json({ status: 0, ...fields }, { status });
  const cases: [string, () => Response, string][] = [
    ["200 with status 1: queued", () => Response.json(QUEUED), "delivered"],
    ["400, unknown user key", refused(400, { user: "invalid", errors: ["user identifier is invalid"] }), "permanent"],
    ["400, no active devices", refused(400, { user: "invalid", errors: ["user has no active devices"] }), "permanent"],
    ["400, empty message", refused(400, { message: "cannot be blank" }), "permanent"],
    ["400, refused token", refused(400, { token: "invalid", errors: ["application token is invalid"] }), "credentials"],
    [
      "400, refused token and user key",
      refused(400, { token: "invalid", user: "invalid", errors: ["application token is invalid"] }),
      "credentials",
    ],
    [
      "429, the month's messages are used up",
      refused(429, { token: "invalid", errors: ["application has exceeded current limit of 10000 messages"] }),
      "credentials",
    ],
    ["429 without more", () => new Response("", { status: 429 }), "retry"],
    ["401", refused(401, {}), "credentials"],
    ["403", refused(403, {}), "credentials"],
    ["404", refused(404, {}), "permanent"],
    ["413", () => new Response("", { status: 413 }), "permanent"],
    ["500", () => new Response("oops", { status: 500 }), "retry"],
    ["502 with the words of a refused token", refused(502, { token: "invalid" }), "retry"],
    ["503", () => new Response("", { status: 503 }), "retry"],
    ["200 with status 0", () => Response.json({ status: 0, errors: ["no"] }), "permanent"],
    ["200 with another status than 1", () => Response.json({ status: 2 }), "permanent"],
    ["200 with status 0 and a refused token", () => Response.json({ status: 0, token: "invalid" }), "credentials"],
    ["200 with a page of HTML", () => new Response("<!doctype html><p>Welcome to our hotel"), "retry"],
    ["200 with an empty body", () => new Response(""), "retry"],
    ["200 with JSON that is no object", () => Response.json(null), "retry"],
    ["200 with a list", () => Response.json([1]), "retry"],
    ["200 with status as text", () => Response.json({ status: "1" }), "retry"],
    ["204", () => new Response(null, { status: 204 }), "retry"],
    ["302", () => new Response("", { status: 302, headers: { location: "/login" } }), "permanent"],
  ];
  it.each(cases)("%s", async (_, answer, kind) => {
    answerWith(answer);
    expect(await sendTo("pushover")).toMatchObject({ kind });
  });

  it("is kept in one short line", async () => {
    answerWith(() => Response.json({ status: 0, errors: [`user\n  is ${"x".repeat(500)}`] }, { status: 400 }));
    const { answer } = await sendTo("pushover");
    expect(answer).toMatch(/^HTTP 400: \{"status":0,"errors":\["user\\n is x+…$/);
    expect(answer.length).toBe("HTTP 400: ".length + 200);
  });
});

describe("a Pushover target", () => {
  it("is never refused, since a running service must not start to fail", () => {
    for (const target of ["x", "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"]) {
      expect(refuseTarget({ type: "pushover", target }, configWith())).toBeUndefined();
    }
  });

  it("is warned of where it is no key of 30 letters and digits", () => {
    expect(warnOfTarget(TARGETS.pushover, configWith())).toEqual([]);
    for (const target of ["short", "uQiRzpo4DXghDmr9QzzfQu27cmVRs-", "uQiRzpo4DXghDmr9QzzfQu27cmVRsGG"]) {
      expect(warnOfTarget({ type: "pushover", target }, configWith())).toEqual([
        expect.stringContaining("30 letters and digits"),
      ]);
    }
  });

  it("is warned of where the token is not configured", () => {
    expect(warnOfTarget(TARGETS.pushover, configWith({ PUSHOVER_TOKEN: "" }))).toEqual([
      expect.stringContaining("PUSHOVER_TOKEN"),
    ]);
  });
});
