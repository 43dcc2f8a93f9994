import { afterEach, describe, expect, it, vi } from "vitest";
import { refuseTarget, send, warnOfTarget } from "../../src/providers/index.ts";
import { ALERT, answerJson, answerWith, configWith, onlyRequest, sendTo, TARGETS } from "../support/providers.ts";

afterEach(() => vi.restoreAllMocks());

/** As MailChannels answers: SendResults in its OpenAPI document. */
const ACCEPTED = { request_id: "r", results: [{ index: 0, message_id: "m", status: "sent", reason: "" }] };

describe("the request to MailChannels", () => {
  it("is a POST of JSON with the key, the sender, one personalization, subject and plain text", async () => {
    const fetch = answerJson(202, ACCEPTED);
    await sendTo("mail");
    const { url, init, headers, body } = onlyRequest(fetch);
    expect(url).toBe("https://api.mailchannels.net/tx/v1/send");
    expect(init.method).toBe("POST");
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("x-api-key")).toBe("mailchannels-key");
    expect(body).toEqual({
      personalizations: [{ to: [{ email: "ann@example.com" }] }],
      from: { email: "tower@example.com", name: "watchTower" },
      subject: ALERT.title,
      content: [{ type: "text/plain", value: ALERT.message }],
    });
  });

  it.each(["mail", "email"])(
    "of type %s takes several addresses, comma-separated, and forgives blanks and stray commas",
    async (type) => {
      const fetch = answerJson(202, ACCEPTED);
      await send(ALERT, { type, target: " ann@example.com,bob@example.com , ,zoë@exämple.com," }, configWith());
      expect(onlyRequest(fetch).body.personalizations).toEqual([
        { to: [{ email: "ann@example.com" }, { email: "bob@example.com" }, { email: "zoë@exämple.com" }] },
      ]);
    },
  );

  it("goes to the configured address", async () => {
    const fetch = answerJson(202, ACCEPTED);
    await sendTo("mail", configWith({ MAILCHANNELS_API_URL: "http://127.0.0.1:9999//" }));
    expect(onlyRequest(fetch).url).toBe("http://127.0.0.1:9999/tx/v1/send");
  });

  it("keeps the subject within a line, and the message whole", async () => {
    const fetch = answerJson(202, ACCEPTED);
    await sendTo("mail", undefined, { ...ALERT, title: "🦊".repeat(220), message: "é".repeat(65_536) });
    const { body } = onlyRequest(fetch);
    expect(body.subject).toBe(`${"🦊".repeat(199)}…`);
    expect(new TextEncoder().encode(body.subject).byteLength).toBeLessThan(998);
    expect(body.content[0].value).toBe("é".repeat(65_536));
  });

  it.each([
    ["MAILCHANNELS_API_KEY", { MAILCHANNELS_API_KEY: "" }],
    ["MAIL_FROM", { MAIL_FROM: "" }],
  ])("is not made without %s, which is our fault", async (name, variables) => {
    const fetch = answerJson(202, ACCEPTED);
    const outcome = await sendTo("mail", configWith(variables));
    expect(outcome).toEqual({ kind: "credentials", answer: `${name} is not configured` });
    expect(fetch).not.toHaveBeenCalled();
  });
});

describe("MailChannels' answer", () => {
  const failed = { request_id: "r", results: [{ index: 0, message_id: "m", status: "failed", reason: "try later" }] };
  const cases: [string, () => Response, string][] = [
    ["202 with a result that is sent", () => Response.json(ACCEPTED, { status: 202 }), "delivered"],
    ["202 with an empty body", () => new Response("", { status: 202 }), "delivered"],
    ["202 with results that are no list", () => Response.json({ results: "?" }, { status: 202 }), "delivered"],
    ["202 with a result of null", () => Response.json({ results: [null] }, { status: 202 }), "delivered"],
    ["202 with a result that failed", () => Response.json(failed, { status: 202 }), "retry"],
    ["200, which only a dry run gets", () => Response.json({ data: ["…"] }), "retry"],
    ["200 with a page of HTML", () => new Response("<p>Welcome to our hotel"), "retry"],
    ["204", () => new Response(null, { status: 204 }), "retry"],
    ["302", () => new Response("", { status: 302, headers: { location: "/" } }), "permanent"],
    ["400", () => Response.json({ errors: ["bad address"] }, { status: 400 }), "permanent"],
    ["401", () => new Response("Authorization Required", { status: 401 }), "credentials"],
    ["403", () => Response.json({ message: "no access to this feature" }, { status: 403 }), "credentials"],
    ["404", () => new Response("", { status: 404 }), "permanent"],
    ["413", () => Response.json({ message: "too large" }, { status: 413 }), "permanent"],
    ["422", () => new Response("", { status: 422 }), "permanent"],
    ["429", () => new Response("", { status: 429 }), "retry"],
    ["500", () => Response.json({ errors: ["internal"] }, { status: 500 }), "retry"],
    ["502", () => new Response("<h1>Bad Gateway</h1>", { status: 502 }), "retry"],
  ];
  it.each(cases)("%s", async (_, answer, kind) => {
    answerWith(answer);
    expect(await sendTo("mail")).toMatchObject({ kind });
  });
});

describe("a mail target", () => {
  const config = configWith();

  it("is never refused, since a running service must not start to fail", () => {
    expect(refuseTarget({ type: "email", target: "?" }, config)).toBeUndefined();
  });

  it.each(["ann@example.com", "ann@example.com,bob@example.com", " ann@example.com , "])("%j is fine", (target) => {
    expect(warnOfTarget({ type: "mail", target }, config)).toEqual([]);
  });

  it.each(["ann", "ann@", "@example.com", "ann@b@c", "ann bob@example.com", ",", "ann@example.com,bob"])(
    "%j is warned of",
    (target) => {
      expect(warnOfTarget({ type: "mail", target }, config)).toEqual([expect.stringContaining("mail address")]);
    },
  );

  it.each([{ MAILCHANNELS_API_KEY: "" }, { MAIL_FROM: "" }])("is warned of where %j", (variables) => {
    expect(warnOfTarget(TARGETS.mail, configWith(variables))).toEqual([
      expect.stringContaining("MAILCHANNELS_API_KEY and MAIL_FROM"),
    ]);
  });
});
