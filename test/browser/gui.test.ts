import { gzipSync } from "node:zlib";
import type { Browser, Page, Response } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alertIn, tells } from "../system/support/alerts.ts";
import { type ProviderStub, startProviderStub } from "../system/support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import {
  expectAccessible,
  expectNoSidewaysScroll,
  logIn,
  type Session,
  startBrowser,
  type Visitor,
  visit,
} from "./support/browser.ts";
import { chromiumPath } from "./support/chromium.ts";

const READ_PASSWORD = "only looking";

/** What is sent to a provider's stub under this path is refused for good. */
const REFUSED = "/refused";

let stub: ProviderStub;
let tower: WatchTower;
let browser: Browser;
let session: Session;

describe.runIf(chromiumPath)("the web interface in a browser", () => {
  beforeAll(async () => {
    stub = await startProviderStub();
    stub.answer(REFUSED, { status: 400, body: "no such receiver" });
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

  const loggedIn = (options: Parameters<typeof visit>[2] = {}) => visit(browser, tower, { session, ...options });
  const pulse = async (service: string, more: object = {}) => {
    const answer = await tower.post("/heartbeat", { service, nextIn: 600, ...more });
    expect(answer.status, await answer.text()).toBe(200);
  };
  const addEvent = async (service: string, message: string, level: string | number = "info") => {
    const answer = await tower.post("/event", { service, message, level });
    return ((await answer.json()) as { id: string }).id;
  };
  const row = (page: Page, service: string) => page.locator(`.service[data-service=${JSON.stringify(service)}]`);
  const done = async (visitor: Visitor) => {
    visitor.expectQuiet();
    await visitor[Symbol.asyncDispose]();
  };

  describe("the login", () => {
    it("asks for the password, lets in, and leads to where one wanted to go", async () => {
      const visitor = await visit(browser, tower);
      const { page } = visitor;
      await visitor.open("/gui/events?level=error");
      await expectAccessible(visitor);
      await page.getByLabel("Password").fill("wrong");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").getByText("This is not the password.").waitFor();
      await page.getByLabel("Password").fill(tower.password);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Events" }).waitFor();
      expect(new URL(page.url()).search).toBe("?level=error");
      const [cookie] = await visitor.context.cookies();
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/gui", secure: false });

      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("Password").waitFor();
      await visitor.open("/gui");
      await page.getByLabel("Password").waitFor();
      await done(visitor);
    });

    it("is not asked for again by a link on another site", async () => {
      const visitor = await loggedIn();
      await visitor.page.goto(`${stub.url}/elsewhere`);
      await visitor.page.setContent(
        `<a href="${tower.baseUrl.replace("127.0.0.1", "localhost")}/gui">the alert's link</a>`,
      );
      // The same host under another name is another site; so is the session's cookie, which is set there first.
      const { cookies } = session;
      await visitor.context.addCookies(cookies.map((cookie) => ({ ...cookie, domain: "localhost" })));
      await visitor.page.getByRole("link").click();
      await visitor.page.getByRole("navigation", { name: "Pages" }).waitFor();
      await done(visitor);
    });
  });

  describe("the overview", () => {
    it("shows a service that dies and revives while the page is open", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await pulse("lives on");
      await visitor.open("/gui");
      await row(page, "lives on").waitFor();
      await page.evaluate(() => {
        (globalThis as { mark?: string }).mark = "the same page";
      });

      // Long enough that a refresh sees it alive.
      await pulse("comes and goes", { nextIn: 8 });
      await row(page, "comes and goes").getByText("alive", { exact: true }).waitFor();
      await row(page, "comes and goes").getByText("dead", { exact: true }).waitFor();
      await page.getByRole("heading", { name: "1 service is dead" }).waitFor();
      expect(await page.title()).toBe("1 dead · watchTower");
      expect(await page.locator('link[rel="icon"]').getAttribute("href")).toContain("icon-dead");
      expect(await page.locator(".service").first().getAttribute("data-service")).toBe("comes and goes");

      await pulse("comes and goes");
      await row(page, "comes and goes").getByText("alive", { exact: true }).waitFor();
      await page.getByRole("heading", { name: "All 2 services are alive" }).waitFor();
      expect(await page.title()).toBe("watchTower");
      expect(await page.locator('link[rel="icon"]').getAttribute("href")).not.toContain("icon-dead");
      expect(await page.evaluate(() => (globalThis as { mark?: string }).mark)).toBe("the same page");
      await done(visitor);
    });

    it("counts down to the deadline", async () => {
      const visitor = await loggedIn();
      await pulse("counted", { nextIn: 300 });
      await visitor.open("/gui");
      const due = row(visitor.page, "counted").locator(".due-text");
      const first = await due.textContent();
      await visitor.page.waitForFunction(
        ([before]) =>
          document.querySelector('[data-service="counted"] .due-text')?.textContent !== before &&
          /due in 4 min \d+ s/.test(document.querySelector('[data-service="counted"] .due-text')?.textContent ?? ""),
        [first],
      );
      await done(visitor);
    });

    it("filters while one types and by state, keeps that in the address, and over refreshes", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await pulse("filter apple");
      await pulse("filter banana");
      await pulse("filter cherry");
      await tower.fetch("/heartbeat", { method: "DELETE", body: JSON.stringify({ service: "filter cherry" }) });
      await visitor.open("/gui");
      const search = page.getByRole("searchbox");
      await search.pressSequentially("FILTER a");
      await row(page, "filter banana").waitFor({ state: "hidden" });
      expect(await row(page, "filter apple").isVisible()).toBe(true);
      expect(new URL(page.url()).searchParams.get("q")).toBe("FILTER a");

      const refreshed = page.waitForResponse(/\/gui\/refresh/);
      await pulse("filter avocado");
      await refreshed;
      await row(page, "filter avocado").waitFor();
      expect(await row(page, "filter banana").isHidden()).toBe(true);
      expect(await search.evaluate((element) => element === document.activeElement)).toBe(true);

      await search.fill("filter");
      await page.getByRole("link", { name: /cancelled/ }).click();
      await row(page, "filter apple").waitFor({ state: "hidden" });
      expect(await row(page, "filter cherry").isVisible()).toBe(true);
      await page.reload();
      expect(await row(page, "filter cherry").isVisible()).toBe(true);
      expect(await row(page, "filter apple").isHidden()).toBe(true);
      await search.fill("no such thing");
      await page.getByText("No service matches.").waitFor();
      await done(visitor);
    });

    it("stays where it is scrolled to, and at what is focused, over refreshes", async () => {
      const visitor = await loggedIn({ viewport: { width: 1280, height: 400 } });
      const { page } = visitor;
      for (let i = 0; i < 12; i++) await pulse(`scrolled ${i}`, { nextIn: 1_000 + i });
      await visitor.open("/gui");
      const link = row(page, "scrolled 9").getByRole("link");
      await link.focus();
      const top = () => link.evaluate((element) => Math.round(element.getBoundingClientRect().top));
      const before = await top();
      const refreshed = page.waitForResponse(async (answer) => (await answer.text()).includes("scrolled 9"));
      await pulse("scrolled 9", { nextIn: 1_009, grace: 7 });
      await refreshed;
      await row(page, "scrolled 9").getByText("grace 7 s").waitFor();
      expect(await link.evaluate((element) => element === document.activeElement)).toBe(true);
      expect(await top()).toBe(before);
      await done(visitor);
    });

    it("lets a service go that is forgotten elsewhere, and nothing else", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await pulse("forgotten elsewhere");
      await pulse("forgotten never");
      await visitor.open("/gui");
      await row(page, "forgotten elsewhere").waitFor();
      const search = page.getByRole("searchbox");
      await search.pressSequentially("forgotten");
      await tower.fetch("/heartbeat", {
        method: "DELETE",
        body: JSON.stringify({ service: "forgotten elsewhere", forget: true }),
      });
      await row(page, "forgotten elsewhere").waitFor({ state: "detached" });
      expect(await row(page, "forgotten never").isVisible()).toBe(true);
      expect(await search.inputValue()).toBe("forgotten");
      expect(await search.evaluate((element) => element === document.activeElement)).toBe(true);
      await done(visitor);
    });

    it("weighs little, and keeps its assets for good", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      const answers: Response[] = [];
      page.on("response", (answer) => answers.push(answer));
      await visitor.open("/gui");
      await page.waitForLoadState("networkidle");
      const assets = answers.filter((answer) => answer.url().includes("/gui/assets/"));
      expect(assets.length).toBeGreaterThanOrEqual(2);
      for (const asset of assets) expect(asset.headers()["cache-control"]).toContain("immutable");
      const bodies = await Promise.all(answers.map((answer) => answer.body()));
      const weight = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
      expect(weight).toBeLessThan(60 * 1_024);
      await done(visitor);
    });

    it("asks for nothing while nobody looks", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await visitor.open("/gui");
      const hide = (isHidden: boolean) =>
        page.evaluate((value) => {
          Object.defineProperty(document, "hidden", { value, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }, isHidden);
      await page.clock.install();
      await page.reload();
      await hide(true);
      let asked = 0;
      page.on("request", (request) => {
        if (request.url().includes("/gui/refresh")) asked++;
      });
      await page.clock.fastForward("10:00");
      expect(asked).toBe(0);
      const again = page.waitForRequest(/\/gui\/refresh/);
      await hide(false);
      await again;
      await done(visitor);
    });

    it("says when the connection is lost, and when it is back", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await visitor.open("/gui");
      await page.route("**/gui/refresh*", (route) => route.fulfill({ status: 503, body: "down" }));
      await page.getByText("The connection is lost").waitFor();
      await page.unroute("**/gui/refresh*");
      await page.getByText("The connection is lost").waitFor({ state: "hidden" });
    });

    it("says when the session is over", async () => {
      const visitor = await loggedIn();
      await visitor.open("/gui");
      await visitor.context.clearCookies();
      await visitor.page.getByRole("link", { name: "Log in again" }).click();
      await visitor.page.getByLabel("Password").waitFor();
      await done(visitor);
    });
  });

  describe("a service's page", () => {
    it("pauses, ends the pause, cancels and forgets", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await pulse("managed");
      await visitor.open("/gui");
      await row(page, "managed").getByRole("link").click();
      await page.getByRole("heading", { name: "managed" }).waitFor();
      await page.getByRole("button", { name: "Pause", exact: true }).click();
      await page.getByText("Alerts are kept back.").waitFor();
      await page.getByText(/paused until/).waitFor();
      await page.getByRole("button", { name: "End the pause" }).click();
      await page.getByText("The pause is over.").waitFor();
      expect(await page.getByText(/paused until/).count()).toBe(0);
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByText("The service is cancelled").waitFor();
      expect(await (await tower.fetch("/heartbeat/managed")).json()).toMatchObject({
        heartBeat: { status: "cancelled" },
      });
      await page.getByText("Forget…").click();
      await page.getByRole("button", { name: "Forget it" }).click();
      await page.getByText("The service is forgotten.").waitFor();
      expect((await tower.fetch("/heartbeat/managed")).status).toBe(404);
      expect(await row(page, "managed").count()).toBe(0);
      await done(visitor);
    });

    it("sends a test alert to everybody who is told, and shows what came of it", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      stub.answer("/second", { status: 202, body: "taken" });
      await pulse("tried", {
        alertType: "webhook",
        alertTarget: `${stub.url}/first`,
        alerts: [{ type: "webhook", target: `${stub.url}/second` }],
      });
      await visitor.open("/gui/services/tried");
      await page.getByRole("button", { name: "Send a test alert" }).click();
      await page.getByText("A test alert is on its way").waitFor();
      for (const path of ["/first", "/second"]) {
        const request = await stub.waitFor((request) => request.path === path && tells("tried", "event")(request));
        expect(alertIn(request)).toMatchObject({ title: "Test alert of tried" });
      }
      await page.locator(".alert.delivered").nth(1).waitFor();
      await page.locator(".alert").filter({ hasText: "/second" }).getByText("1 attempt").click();
      await page.getByText("HTTP 202: taken").waitFor();
      await done(visitor);
    });

    it("shows a death and a return as they happen, with the downtime", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await pulse("watched", { nextIn: 1 });
      await visitor.open("/gui/services/watched");
      await page.locator(".timeline li.dead").waitFor();
      await page.getByText("The service watched is not pulsing since").first().waitFor();
      await pulse("watched");
      await page.getByText(/after \d+ s of downtime/).waitFor();
      await page.locator(".standing.alive").waitFor();
      await done(visitor);
    });
  });

  describe("the events", () => {
    it("are filtered by what the form says, and by a click", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await addEvent("filtered a", "disk full", "error");
      await addEvent("filtered a", "all is well", "debug");
      await addEvent("filtered b", "disk half full", "warning");
      await visitor.open("/gui/events");
      await page.getByText("disk half full").waitFor();
      await page.getByLabel("Level").selectOption("error and above");
      await page.getByLabel("Message contains").fill("DISK");
      await page.getByRole("button", { name: "Filter" }).click();
      await page.getByText("disk full").waitFor();
      expect(await page.locator(".event").count()).toBe(1);
      expect(new URL(page.url()).searchParams.get("level")).toBe("error");

      await visitor.open("/gui/events?preset=disks");
      expect(await page.locator(".event").count()).toBe(2);
      await page.locator(".event").getByRole("link", { name: "filtered b" }).click();
      await page.getByText("disk half full").waitFor();
      expect(await page.locator(".event").count()).toBe(1);
      await visitor.open("/gui/events?service=filtered+a");
      await page.locator(".event").getByRole("link", { name: "error" }).click();
      await page.getByText("all is well").waitFor({ state: "detached" });
      expect(await page.locator(".event").count()).toBe(1);
      // A bar of the histogram leads to its part of the range.
      await page.locator(".histogram a").last().focus();
      await page.keyboard.press("Enter");
      await page.waitForURL(/from=\d+/);
      await page.getByText("disk full").waitFor();
      await done(visitor);
    });

    it("appear by themselves while the switch is on", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      const first = await addEvent("live", "the first");
      await visitor.open("/gui/events?service=live");
      await page.locator(`#event-${first}`).waitFor();
      await page.getByRole("switch", { name: "Live" }).click();
      expect(new URL(page.url()).searchParams.get("live")).toBe("1");
      const second = await addEvent("live", "the second");
      await page.locator(`#event-${second}`).waitFor();
      await addEvent("another", "not wanted here");
      const third = await addEvent("live", "the third");
      await page.locator(`#event-${third}`).waitFor();
      expect(await page.locator(".event").evaluateAll((rows) => rows.map(({ id }) => id))).toEqual(
        [third, second, first].map((id) => `event-${id}`),
      );
      const many = await Promise.all(Array.from({ length: 130 }, (_, i) => addEvent("live", `one of many: ${i}`)));
      await page.locator(".event").nth(132).waitFor();
      expect(await page.locator(".event").evaluateAll((rows) => rows.map(({ id }) => id))).toEqual(
        [first, second, third, ...many]
          .sort()
          .reverse()
          .map((id) => `event-${id}`),
      );
      await page.getByRole("switch", { name: "Live" }).press("Space");
      expect(await page.getByRole("switch", { name: "Live" }).getAttribute("aria-checked")).toBe("false");
      expect(new URL(page.url()).searchParams.get("live")).toBe(null);
      await done(visitor);
    });

    it("are paged by the address, to and fro", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      for (let i = 0; i < 230; i += 10) {
        await Promise.all(Array.from({ length: 10 }, (_, k) => addEvent("paged", `number ${i + k}`)));
      }
      const ids = () => page.locator(".event").evaluateAll((rows) => rows.map(({ id }) => id));
      await visitor.open("/gui/events?service=paged");
      const first = await ids();
      await page.getByRole("link", { name: "Older" }).click();
      await page.waitForURL(/before=/);
      const second = await ids();
      await page.getByRole("link", { name: "Older" }).click();
      await page.getByRole("link", { name: "Older" }).waitFor({ state: "detached" });
      const third = await ids();
      expect([first, second, third].map(({ length }) => length)).toEqual([100, 100, 30]);
      expect(new Set([...first, ...second, ...third]).size).toBe(230);
      await page.getByRole("link", { name: "Newer" }).click();
      await page.waitForURL(/after=/);
      expect(await ids()).toEqual(second);
      await page.getByRole("link", { name: "Newer" }).click();
      await page.getByRole("link", { name: "Newer" }).waitFor({ state: "detached" });
      expect(await ids()).toEqual(first);
      await done(visitor);
    });
  });

  describe("the alerts", () => {
    it("that were given up stand out, and can be sent again", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await pulse("unheard", { nextIn: 1, alertType: "webhook", alertTarget: `${stub.url}${REFUSED}` });
      await stub.waitFor(({ path }) => path === REFUSED);
      await visitor.open("/gui/alerts?service=unheard");
      const alert = page.locator(".alert", {
        has: page.locator("strong", { hasText: /^Service unheard has not pulsed$/ }),
      });
      await alert.locator(".delivery.failed").waitFor();
      stub.answer(REFUSED, { status: 200, body: "now it is there" });
      await alert.getByRole("button", { name: "Send again" }).click();
      await page.getByText("The alert is being sent again.").waitFor();
      const again = await stub.waitFor(({ path }) => path === REFUSED, { count: 2 });
      expect(alertIn(again)).toEqual(alertIn(stub.requests.find(({ path }) => path === REFUSED) as typeof again));
      await alert.locator(".delivery.delivered").waitFor();
      await alert.getByText("2 attempts").click();
      await alert.getByText("HTTP 400: no such receiver").waitFor();
      await alert.getByText("HTTP 200: now it is there").waitFor();
      await done(visitor);
    });
  });

  describe("the set-up", () => {
    it("sends a test to any target, and shows what the provider said", async () => {
      const visitor = await loggedIn();
      const { page } = visitor;
      stub.answer("/trial", { status: 200, body: "fine" });
      await visitor.open("/gui/setup");
      await page.getByText("not configured: it lacks the secret PUSHOVER_TOKEN").waitFor();
      await page.getByLabel("Type").selectOption("webhook");
      await page.getByLabel("Target").fill(`${stub.url}/trial`);
      await page.getByRole("button", { name: "Send a test" }).click();
      await page.getByText("HTTP 200: fine").waitFor();
      await stub.waitFor(({ path }) => path === "/trial");
      await done(visitor);
    });
  });

  describe("hostile names", () => {
    const NAMES = [
      `<img src=x onerror=alert(1)>`,
      `"><script>alert(1)</script>`,
      `it's "quoted" \`here\` \\ and there`,
      "\u202egnp.exe",
      "ש".repeat(200),
      "..",
      "a/b?c#d%2F",
    ];

    // Each of them dies: so many live on that nobody takes this for an outage of ours.
    const others = Array.from({ length: 30 }, (_, i) => `lives on too ${i}`);
    beforeAll(async () => {
      await Promise.all(others.map((service) => pulse(service, { nextIn: 290 })));
    });
    afterAll(async () => {
      const forget = (service: string) => JSON.stringify({ service, forget: true });
      await Promise.all(others.map((name) => tower.fetch("/heartbeat", { method: "DELETE", body: forget(name) })));
    });

    it.each(NAMES)("are shown as they are, everywhere: %s", async (name) => {
      const visitor = await loggedIn();
      const { page } = visitor;
      await pulse(name, { nextIn: 1 });
      await stub.waitFor(tells(name, "dead"));
      await addEvent(name, `message of ${name}`, "error");
      const names = () => page.locator(".name bdi").allTextContents();
      await visitor.open("/gui");
      expect(await names()).toContain(name);
      await page.locator(".service .name").filter({ hasText: name }).first().click();
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(name);
      await expectNoSidewaysScroll(visitor);
      await page.getByRole("link", { name: "Search its events" }).click();
      expect(await page.getByLabel("Service").inputValue()).toBe(name);
      expect(new Set(await names())).toEqual(new Set([name]));
      await page.getByText(`message of ${name}`).waitFor();
      await visitor.open("/gui/alerts");
      expect(await names()).toContain(name);
      await expectNoSidewaysScroll(visitor);
      await done(visitor);
    });
  });

  describe("without a script", () => {
    it("everything can be read and done", async () => {
      await pulse("plain");
      await addEvent("plain", "a plain event");
      const visitor = await visit(browser, tower, { javaScriptEnabled: false });
      const { page } = visitor;
      await visitor.open("/gui");
      await page.getByLabel("Password").fill(tower.password);
      await page.getByRole("button", { name: "Log in" }).click();
      await row(page, "plain").waitFor();
      await page.getByRole("searchbox").fill("plain");
      await page.getByRole("button", { name: "Filter" }).click();
      expect(await page.locator(".service:visible").count()).toBe(1);
      await page.getByRole("link", { name: /cancelled/ }).click();
      expect(await row(page, "plain").isHidden()).toBe(true);
      await visitor.open("/gui/services/plain");
      await page.getByText("due in").waitFor();
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByText("The service is cancelled").waitFor();
      await visitor.open("/gui/events?live=1");
      await page.getByText("a plain event").waitFor();
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("Password").waitFor();
      await visitor[Symbol.asyncDispose]();
    });
  });

  describe.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 320],
  ] as const)("in the scheme %s, %i pixels wide", (colorScheme, width) => {
    it.each(["/gui", "/gui/services/shown", "/gui/events", "/gui/alerts", "/gui/setup", "/gui/nowhere"])(
      "%s keeps nobody out, and nothing is cut off",
      async (path) => {
        await pulse("shown", { remindEvery: 600, grace: 30 });
        await pulse("shown dead", { nextIn: 1 });
        await addEvent("shown", "an error", "error");
        await addEvent("shown", `a long message ${"x".repeat(500)}`, "warning");
        const visitor = await loggedIn({ colorScheme, viewport: { width, height: 700 } });
        await visitor.open(path);
        await expectAccessible(visitor);
        await expectNoSidewaysScroll(visitor);
        if (path !== "/gui/nowhere") await done(visitor);
        else await visitor[Symbol.asyncDispose]();
      },
    );
  });

  describe("who logs in with the password that reads", () => {
    it("sees services live, and no button but to filter and to leave", async () => {
      await pulse("looked at", { alertType: "webhook", alertTarget: `${stub.url}${REFUSED}` });
      const visitor = await visit(browser, tower, { session: await logIn(browser, tower, READ_PASSWORD) });
      const { page } = visitor;
      await visitor.open("/gui");
      await pulse("came meanwhile");
      await row(page, "came meanwhile").waitFor();
      for (const path of ["/gui", "/gui/services/looked%20at", "/gui/alerts", "/gui/events", "/gui/setup"]) {
        await visitor.open(path);
        await page.getByText("read only").waitFor();
        const buttons = await page.getByRole("button").allInnerTexts();
        expect(
          buttons.filter((name) => !["Filter", "Log out"].includes(name)),
          path,
        ).toEqual([]);
        expect(await page.content(), path).not.toContain(REFUSED);
        await expectAccessible(visitor);
        await expectNoSidewaysScroll(visitor);
      }
      await page.setViewportSize({ width: 360, height: 740 });
      await expectNoSidewaysScroll(visitor);
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("Password").waitFor();
      await done(visitor);
    });
  });
});
