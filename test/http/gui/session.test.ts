import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY_MS } from "../../../src/domain/time.ts";
import { call, PASSWORD } from "../../support/client.ts";
import { advance, useTestClock } from "../../support/clock.ts";
import { Visitor } from "../../support/gui.ts";

useTestClock();

let mayTry: boolean;
let tried: string[];
beforeEach(() => {
  mayTry = true;
  tried = [];
  vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockImplementation(async ({ key }) => {
    tried.push(key);
    return { success: mayTry };
  });
  vi.spyOn(console, "log").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
});
afterEach(() => vi.restoreAllMocks());

const PAGES = [
  "/gui",
  "/gui/refresh?after=0",
  "/gui/names",
  "/gui/dead",
  "/gui/services/a",
  "/gui/events?level=error",
  "/gui/events/new",
  "/gui/events/export?format=csv",
  "/gui/alerts",
  "/gui/rules",
  "/gui/setup",
];

/** Expects to be led to the login. */
async function expectShutOut(visitor: Visitor, path = "/gui"): Promise<void> {
  const { status, headers, text } = await visitor.open(path);
  expect(status, path).toBe(303);
  expect(headers.get("location")).toBe(`/gui/login?next=${encodeURIComponent(path)}`);
  expect(text).toBe("");
}

describe("without a session", () => {
  it.each(PAGES)("%s leads to the login, and back", (path) => expectShutOut(new Visitor(), path));

  it("no form is taken", async () => {
    for (const path of ["/gui/services/a", "/gui/alerts", "/gui/rules", "/gui/setup"]) {
      const { status, headers } = await new Visitor().submit(path, { action: "forget" });
      expect(status).toBe(303);
      expect(headers.get("location")).toBe("/gui/login");
    }
  });

  it("a form leads to the login, and from there back to its page, where it is on ours", async () => {
    const next = async (referer: string) =>
      (await new Visitor().submit("/gui/services/a", { action: "cancel" }, { referer })).headers.get("location");
    expect(await next("https://tower.example/gui/services/a?x=1")).toBe(
      "/gui/login?next=%2Fgui%2Fservices%2Fa%3Fx%3D1",
    );
    expect(await next("https://elsewhere.example/gui/services/a")).toBe("/gui/login");
    expect(await next("no address")).toBe("/gui/login");
  });

  it("the password in a header opens nothing here", async () => {
    const headers = { password: PASSWORD, authorization: `Basic ${btoa(`a:${PASSWORD}`)}` };
    expect((await new Visitor().open("/gui", headers)).status).toBe(303);
  });

  it.each([
    "watchtower=",
    "watchtower=admin-9999999999999",
    `watchtower=admin-9999999999999.${"A".repeat(43)}=`,
    `watchtower=reader-9999999999999.${"A".repeat(43)}=`,
    `watchtower=9999999999999.${"A".repeat(43)}=`,
    `watchtower=${PASSWORD}`,
    "watchtower=%ff",
    "watchtower=admin-9999999999999.%",
  ])("a forged cookie opens nothing: %s", async (cookie) => {
    const visitor = new Visitor();
    visitor.cookie = cookie;
    await expectShutOut(visitor);
  });

  it("a link on another site leads to a page that loads itself again, so that the strict cookie is sent", async () => {
    const followed = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    const { status, text } = await new Visitor().open("/gui/events", followed);
    expect(status).toBe(200);
    expect(text).toContain('<meta http-equiv="refresh" content="0">');
    expect((await new Visitor().open("/gui", { ...followed, "sec-fetch-mode": "no-cors" })).status).toBe(303);
  });
});

describe("another site", () => {
  it("can't read what a page answers", async () => {
    const visitor = await Visitor.loggedIn();
    for (const path of ["/gui", "/gui/login", "/gui/nowhere"]) {
      const { headers } = await visitor.open(path, { origin: "https://elsewhere.example" });
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});

describe("the login", () => {
  it("sets a cookie that scripts don't see, other sites don't send, and plain HTTP doesn't carry", async () => {
    const { status, headers } = await new Visitor().submit("/gui/login", { password: PASSWORD });
    expect(status).toBe(303);
    expect(headers.get("location")).toBe("/gui");
    const [value, ...attributes] = (headers.get("set-cookie") ?? "").split("; ");
    expect(value).toMatch(/^watchtower=admin-\d+\.[\w%]+$/);
    expect(new Set(attributes)).toEqual(
      new Set(["Max-Age=2592000", "Path=/gui", "HttpOnly", "Secure", "SameSite=Strict"]),
    );
    expect(value).not.toContain(PASSWORD);
  });

  it("lets in for 30 days, and no longer", async () => {
    const visitor = await Visitor.loggedIn();
    advance(30 * DAY_MS - 1_000);
    expect((await visitor.open("/gui")).status).toBe(200);
    advance(1_000);
    await expectShutOut(visitor);
  });

  it("says when the password is wrong, and keeps where one wanted to go", async () => {
    const visitor = new Visitor();
    for (const password of ["wrong", "", ` ${PASSWORD}x`]) {
      const { status, headers } = await visitor.submit("/gui/login", { password, next: "/gui/events?level=4" });
      expect(status).toBe(303);
      expect(visitor.cookie).toBeUndefined();
      const { text } = await visitor.open(headers.get("location") ?? "");
      expect(text).toContain("This is not the password.");
      expect(text).toContain('name="next" value="/gui/events?level=4"');
    }
  });

  it("leads to where one wanted to go, and to no other site", async () => {
    const nextOf = async (next: string) =>
      (await new Visitor().submit("/gui/login", { password: PASSWORD, next })).headers.get("location");
    expect(await nextOf("/gui/services/a%2Fb?done=paused")).toBe("/gui/services/a%2Fb?done=paused");
    for (const next of [
      "https://evil.example/gui",
      "//evil.example/gui",
      "/\\evil.example/gui",
      "\\\\evil.example/gui",
      "javascript:alert(1)",
      "/gui/../heartbeats",
      "/guided",
      "http://here.invalid:80@evil.example/gui",
    ]) {
      expect(await nextOf(next), next).toBe("/gui");
    }
  });

  it("is skipped by who is in already", async () => {
    const visitor = await Visitor.loggedIn();
    const { status, headers } = await visitor.open("/gui/login?next=%2Fgui%2Falerts");
    expect([status, headers.get("location")]).toEqual([303, "/gui/alerts"]);
  });

  it("counts attempts by address, and refuses even the right password when they are too many", async () => {
    mayTry = false;
    const visitor = new Visitor();
    const { status, headers, text } = await visitor.submit(
      "/gui/login",
      { password: PASSWORD },
      { "cf-connecting-ip": "203.0.113.7" },
    );
    expect(status).toBe(429);
    expect(headers.get("retry-after")).toBe("60");
    expect(text).toContain("Too many attempts. Please wait for a minute.");
    expect(visitor.cookie).toBeUndefined();
    expect(tried).toEqual(["203.0.113.7"]);
  });

  it("is really limited, to ten attempts a minute", async () => {
    vi.mocked(env.LOGIN_ATTEMPTS.limit).mockRestore();
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) {
      const headers = { "cf-connecting-ip": "203.0.113.8" };
      statuses.push((await new Visitor().submit("/gui/login", { password: "wrong" }, headers)).status);
    }
    expect(statuses).toEqual([...Array(10).fill(303), 429]);
  });

  it.each<[string, Record<string, string>]>([
    ["cross-site", { "sec-fetch-site": "cross-site" }],
    ["same-site", { "sec-fetch-site": "same-site" }],
    ["another origin", { origin: "https://evil.example" }],
    ["a sandboxed frame", { origin: "null" }],
  ])("takes no form that another site sends: %s", async (_, headers) => {
    const visitor = new Visitor();
    expect((await visitor.submit("/gui/login", { password: PASSWORD }, headers)).status).toBe(403);
    expect(visitor.cookie).toBeUndefined();
  });
});

describe("a session", () => {
  it("opens the pages", async () => {
    const visitor = await Visitor.loggedIn();
    for (const path of PAGES.filter((page) => page !== "/gui/services/a")) {
      expect((await visitor.open(path)).status, path).toBe(200);
    }
  });

  it("opens nothing else", async () => {
    const { cookie = "" } = await Visitor.loggedIn();
    for (const path of ["/", "/heartbeats", "/events", "/alerts", "/hello"]) {
      expect((await call("GET", path, { headers: { cookie, password: "" } })).status, path).toBe(403);
    }
  });

  it("ends when the password changes", async () => {
    const { cookie } = await Visitor.loggedIn();
    const later = new Visitor({ PASSWORD: "another" });
    later.cookie = cookie;
    await expectShutOut(later);
  });

  it("ends with the logout", async () => {
    const visitor = await Visitor.loggedIn();
    const { status, headers } = await visitor.submit("/gui/logout", {});
    expect([status, headers.get("location")]).toEqual([303, "/gui/login"]);
    expect(visitor.cookie).toBeUndefined();
  });

  it("is not used by forms of other sites", async () => {
    const visitor = await Visitor.loggedIn();
    const headers = { "sec-fetch-site": "cross-site" };
    for (const path of ["/gui/services/a", "/gui/alerts", "/gui/rules", "/gui/setup", "/gui/logout"]) {
      expect((await visitor.submit(path, { action: "forget" }, headers)).status, path).toBe(403);
    }
  });
});

describe("every page", () => {
  it.each([...PAGES, "/gui/login", "/gui/nowhere"])(
    "%s runs our script alone, is framed nowhere, kept nowhere",
    async (path) => {
      const { headers } = await (await Visitor.loggedIn()).open(path);
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("same-origin");
      expect(headers.get("cache-control")).toBe("no-store");
    },
  );

  it("that is none is a page that says so", async () => {
    const { status, text } = await (await Visitor.loggedIn()).open("/gui/nowhere");
    expect(status).toBe(404);
    expect(text).toContain("There is no such page.");
    expect(text).toMatch(/^<!doctype html>/);
  });

  it("is one that says so, where no password is configured", async () => {
    const { status, text } = await new Visitor({ PASSWORD: undefined }).open("/gui");
    expect(status).toBe(503);
    expect(text).toContain("This watchTower is not configured: the secret PASSWORD is not set.");
  });
});
