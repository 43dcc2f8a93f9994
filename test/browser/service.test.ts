import { describe, expect, it } from "vitest";
import { alertIn, tells } from "../system/support/alerts.ts";
import { chromiumPath } from "./support/chromium.ts";
import { addEvent, cancel, done, loggedIn, pulse, row, stub, tower, useStage } from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("a service's page", () => {
  it("pauses, ends the pause, cancels and forgets", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await pulse("managed");
    await visitor.open("/gui");
    await row(page, "managed").getByRole("link").click();
    await page.getByRole("heading", { name: "managed" }).waitFor();
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByText("Alerts are kept back.").waitFor();
    // It is said once: whoever loads the page again, or sends its address, is told no more.
    expect(new URL(page.url()).search).toBe("");
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

  it("stays true while something on it has the focus", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await pulse("focused", { nextIn: 4 });
    await visitor.open("/gui/services/focused");
    const link = page.locator("h1 a");
    await link.focus();
    await page.locator(".standing.dead").waitFor({ timeout: 20_000 });
    expect(await link.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.getByText("missing for").waitFor();
    await done(visitor);
  });

  it("leaves everything in place while nothing happens", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await pulse("quiet");
    await addEvent("quiet", `long ${"x".repeat(300)}`);
    await visitor.open("/gui/services/quiet");
    await page.evaluate(() => {
      const seen = globalThis as { replaced?: string[] };
      seen.replaced = [];
      new MutationObserver((changes) => {
        for (const { addedNodes, target } of changes) {
          const isTime = (target as Element).closest("time, .due-text") !== null;
          if (addedNodes.length > 0 && !isTime) seen.replaced?.push((target as Element).outerHTML);
        }
      }).observe(document.querySelector("main") as Element, { childList: true, subtree: true });
      getSelection()?.selectAllChildren(document.querySelector(".standing .targets") as Element);
    });
    for (let i = 0; i < 2; i++) await page.waitForResponse(/\/gui\/services\/quiet/);
    await page.waitForTimeout(300);
    expect(await page.evaluate(() => (globalThis as { replaced?: string[] }).replaced)).toEqual([]);
    expect(await page.evaluate(() => getSelection()?.toString())).toContain("webhook");
    await done(visitor);
  });

  it("has all its dates in the viewer's zone, also those of the days, and keeps them over refreshes", async () => {
    const visitor = await loggedIn({ timezoneId: "America/New_York" });
    const { page } = visitor;
    await pulse("zoned");
    await visitor.open("/gui/services/zoned");
    const day = page.locator(".days li").last();
    const clock = await page.evaluate(() => new Date(Date.now() - 86_400_000).toLocaleString("sv"));
    const expectDates = async () => {
      for (const text of [await day.getAttribute("title"), await day.locator("span").textContent()]) {
        const date = text?.match(/24 hours from (\S+ \S+): /)?.[1] ?? "";
        expect(Math.abs(Date.parse(date) - Date.parse(clock))).toBeLessThan(120_000);
      }
    };
    await expectDates();
    await page.waitForResponse(/\/gui\/services\/zoned/);
    await page.waitForTimeout(300);
    await expectDates();
    await done(visitor);
  });

  it("offers what can be done now, also when that changes elsewhere", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await pulse("changed elsewhere");
    await visitor.open("/gui/services/changed%20elsewhere");
    const button = (name: string) => page.getByRole("button", { name, exact: true });
    await button("Cancel").waitFor();
    await page.getByLabel("Keep alerts back for").selectOption("4 h");
    await page.getByText("Forget…").click();
    await cancel("changed elsewhere");
    await button("Cancel").waitFor({ state: "detached" });
    expect(await button("Pause").count()).toBe(0);
    expect(await button("Forget it").isVisible()).toBe(true);
    await pulse("changed elsewhere", { pauseUntil: Math.floor(Date.now() / 1_000) + 3_600 });
    await button("End the pause").waitFor();
    await button("Cancel").waitFor();
    await done(visitor);
  });
});
