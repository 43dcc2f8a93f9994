import { beforeAll, describe, expect, it } from "vitest";
import { expectRefusal, visit } from "../support/app.ts";
import { PASSWORD } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { event, snapshot, storeEvents, storeServices } from "../support/rows.ts";

useTestClock();

const BASIC = { authorization: `Basic ${btoa(`:${PASSWORD}`)}` };
const HOSTILE = [
  `<script>alert("name")</script>`,
  `<img src=x onerror=alert(1)>`,
  `"><svg/onload=alert(1)>`,
  `' onmouseover='alert(1)`,
  `</td></table><h1>owned</h1>`,
  `&lt;b&gt;already escaped&lt;/b&gt; &amp;`,
  `<!-- comment`,
  `javascript:alert(1)`,
  "\u202etxt.exe",
];

beforeAll(async () => {
  const now = START_MS / 1_000;
  for (const text of HOSTILE) {
    await storeServices(snapshot(text, { status: "dead", last: now, targets: [{ type: text, target: text }] }));
    await storeEvents(event(START_MS, { service: text, message: text, level: 4 }));
  }
});

describe("without the password", () => {
  it.each<[string, Record<string, string>]>([
    ["none", {}],
    ["a wrong one", { authorization: `Basic ${btoa("a:wrong")}` }],
    ["a wrong header", { password: "wrong" }],
    ["a cookie", { cookie: `session=${PASSWORD}` }],
  ])("the browser is asked for it: %s", async (_, headers) => {
    const answer = await visit("GET", "/gui", { accept: "text/html", ...headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Basic realm="watchTower (any user name)", charset="UTF-8"');
    expect(answer.body).not.toContain("alert");
    expect(answer.body.length).toBeLessThan(200);
  });

  it("what only looks like the web interface is refused as everything else", async () => {
    for (const path of ["/guiding", "/gui.html", "/GUI"])
      expectRefusal(await visit("GET", path), 403, "password", path);
    expectRefusal(await visit("GET", "/gui/nothing"), 404, "no such route");
  });
});

describe("with the password", () => {
  const get = async () => {
    const { status, headers, body } = await visit("GET", "/gui", BASIC);
    expect(status).toBe(200);
    return { headers, html: body as string };
  };

  it.each(["authorization", "password"])("it opens, by the header %s", async (header) => {
    const value = header === "password" ? PASSWORD : `Bearer ${PASSWORD}`;
    expect((await visit("GET", "/gui", { [header]: value })).status).toBe(200);
  });

  it("names and messages are text, whatever they hold", async () => {
    const { html } = await get();
    const escaped = (text: string) =>
      text
        .replace(/&/g, "&amp;")
        .replace(/</g, "&lt;")
        .replace(/>/g, "&gt;")
        .replace(/"/g, "&quot;")
        .replace(/'/g, "&#39;");
    for (const text of HOSTILE) {
      // The name of a service, the name at its event, and the message.
      expect(html.split(`<bdi>${escaped(text)}</bdi>`), text).toHaveLength(4);
    }
    // Nothing but our own elements, and of their attributes none that runs anything.
    const tags = new Set([...html.matchAll(/<\/?([^\s>/]+)/g)].map(([, name]) => name));
    const OURS = "!doctype html head meta title link body header h1 p span main h2 div table thead tr th tbody td bdi";
    expect([...tags].sort()).toEqual(OURS.split(" ").sort());
    expect(html).not.toMatch(/<[^>]+\s(on\w+|style)=/i);
    expect(html).not.toMatch(/<(script|style|iframe|form|object)/i);
  });

  it("the browser is told to run, load and frame nothing, and to keep nothing", async () => {
    const { headers } = await get();
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; style-src 'self'; frame-ancestors 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
  });
});
