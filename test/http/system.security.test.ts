import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { callWith, expectRefusal, visit } from "../support/app.ts";
import { PASSWORD } from "../support/client.ts";

const basic = (user: string, password: string) => `Basic ${btoa(`${user}:${password}`)}`;

/** Whether the Worker lets somebody in with these headers. */
async function lets(headers: Record<string, string>): Promise<boolean> {
  const answer = await visit("GET", "/hello", headers);
  if (answer.status !== 200) expectRefusal(answer, 403, "password");
  return answer.status === 200;
}

describe("the password opens", () => {
  it.each([
    ["as a header", { password: PASSWORD }],
    ["as a header in capitals, with blanks around it", { PASSWORD: `  ${PASSWORD} ` }],
    ["as a bearer token", { authorization: `Bearer ${PASSWORD}` }],
    ["as a bearer token of another case, with more blanks", { authorization: `bearer   ${PASSWORD}` }],
    ["by Basic authentication, as anybody", { authorization: basic("ann", PASSWORD) }],
    ["by Basic authentication, as nobody", { authorization: basic("", PASSWORD) }],
    ["by basic authentication of another case", { authorization: basic("x", PASSWORD).replace("Basic", "BASIC") }],
  ])("%s", async (_, headers) => {
    expect(await lets(headers)).toBe(true);
  });
});

describe("nothing else opens", () => {
  it.each<[string, Record<string, string>]>([
    ["nothing", {}],
    ["an empty header", { password: "" }],
    ["a wrong password", { password: "wrong" }],
    ["the beginning of the password", { password: PASSWORD.slice(0, -1) }],
    ["the password and more", { password: `${PASSWORD}x` }],
    ["another case", { password: PASSWORD.toUpperCase() }],
    ["the password in the name of another header", { secret: PASSWORD }],
    ["the password as a cookie", { cookie: `password=${PASSWORD}` }],
    ["the password without a scheme", { authorization: PASSWORD }],
    ["another scheme", { authorization: `Digest ${PASSWORD}` }],
    ["an empty token", { authorization: "Bearer " }],
    ["the password as the user", { authorization: basic(PASSWORD, "") }],
    ["Basic without a colon", { authorization: `Basic ${btoa(PASSWORD)}` }],
    ["Basic that is no base 64", { authorization: "Basic %%%" }],
    ["Basic that is empty", { authorization: "Basic" }],
    ["a wrong header, whatever the token says", { password: "wrong", authorization: `Bearer ${PASSWORD}` }],
    ["a session of the web interface's", { cookie: "session=1", accept: "text/html" }],
  ])("%s", async (_, headers) => {
    expect(await lets(headers)).toBe(false);
  });

  it("a password whose digest is only nearly the same", async () => {
    const digest = async (text: string) =>
      new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    const right = await digest(PASSWORD);
    const near = { first: "", last: "" };
    for (let i = 0; near.first === "" || near.last === ""; i++) {
      const guess = await digest(`guess ${i}`);
      if (guess[0] === right[0]) near.first ||= `guess ${i}`;
      if (guess.at(-1) === right.at(-1)) near.last ||= `guess ${i}`;
    }
    expect(await lets({ password: near.first })).toBe(false);
    expect(await lets({ password: near.last })).toBe(false);
  });

  it("a password in the query", async () => {
    expectRefusal(await visit("GET", `/hello?password=${encodeURIComponent(PASSWORD)}`), 403, "password");
  });
});

describe("a password of odd characters", () => {
  const ODD = ` !"#$%&'()*+,-./0:;<=>?@A[\\]^_\`a{|}~ `;

  it.each<[string, (password: string) => Record<string, string>]>([
    ["header", (password) => ({ password })],
    ["Bearer", (password) => ({ authorization: `Bearer ${password}` })],
    ["Basic", (password) => ({ authorization: basic("a", password) })],
  ])("opens by %s, also when it was configured with blanks or a newline around it", async (_, headersOf) => {
    const given = ODD.trim();
    for (const configured of [given, ODD, `${given}\n`]) {
      expect((await visit("GET", "/hello", headersOf(given), { PASSWORD: configured })).status).toBe(200);
    }
    expect((await visit("GET", "/hello", headersOf(`${given}x`), { PASSWORD: given })).status).toBe(403);
  });
});

describe("an answer", () => {
  it("never has a secret of the configuration", async () => {
    const secrets = {
      PUSHOVER_TOKEN: "secret-1",
      MAILCHANNELS_API_KEY: "secret-2",
      WEBHOOK_SECRET: "secret-3",
      DEFAULT_ALERT_TYPE: "pushover",
      DEFAULT_ALERT_TARGET: "secret-4",
    };
    for (const path of ["/hello", "/health", "/heartbeats", "/pings", "/nothing"]) {
      const { headers, body } = await callWith(secrets, "GET", path);
      expect(JSON.stringify([body, [...headers]])).not.toMatch(/secret-\d|correct horse/);
    }
  });
});

describe("a browser that remembers the password for Basic authentication", () => {
  const body = JSON.stringify({ service: "forged", message: "by another site" });
  const ask = async (method: string, path: string, headers: Record<string, string>) => {
    const response = await exports.default.fetch(
      new Request(`https://tower.example${path}`, { method, headers, body }),
    );
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const remembered = { authorization: basic("ann", PASSWORD) };

  it.each([
    ["another site's form", { "sec-fetch-site": "cross-site" }],
    ["a neighbour's form", { "sec-fetch-site": "same-site" }],
    ["an older browser, by its origin", { origin: "https://evil.example" }],
    ["a page without an origin", { origin: "null" }],
  ])("changes nothing for %s", async (_, headers) => {
    for (const [method, path] of [
      ["POST", "/event"],
      ["POST", "/"],
      ["DELETE", "/"],
    ] as const) {
      expectRefusal(await ask(method, path, { ...remembered, ...headers }), 403, "password");
    }
  });

  it.each([
    ["of curl, which says nothing of sites", {}],
    ["of our own pages", { "sec-fetch-site": "same-origin", origin: "https://tower.example" }],
    ["of its user", { "sec-fetch-site": "none" }],
  ])("does the bidding %s", async (_, headers) => {
    const answer = await ask("POST", "/event", { ...remembered, ...headers });
    expect(answer.status).toBe(200);
  });

  it("may call from any site where the secret is in a header of its own", async () => {
    const headers = { password: PASSWORD, "sec-fetch-site": "cross-site", origin: "https://app.example" };
    expect((await ask("POST", "/event", headers)).status).toBe(200);
  });
});
