import { gzipSync } from "node:zlib";
import type { Response } from "playwright-core";
import { describe, expect, it } from "vitest";
import { chromiumPath } from "./support/chromium.ts";
import { cancel, done, forget, loggedIn, pulse, row, useStage } from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("the overview", () => {
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
    await cancel("filter cherry");
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
    expect(await page.locator(".chip.dead").getAttribute("href")).toBe("/gui?state=dead&q=filter");
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
    const asked: string[] = [];
    page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (!pathname.startsWith("/gui/assets/")) asked.push(pathname);
    });
    const search = page.getByRole("searchbox");
    await search.pressSequentially("forgotten");
    await forget("forgotten elsewhere");
    await row(page, "forgotten elsewhere").waitFor({ state: "detached" });
    expect(new Set(asked)).toEqual(new Set(["/gui/refresh", "/gui/names"]));
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
