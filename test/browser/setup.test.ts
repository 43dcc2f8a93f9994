import { describe, expect, it } from "vitest";
import { tells } from "../system/support/alerts.ts";
import { chromiumPath } from "./support/chromium.ts";
import { done, loggedIn, pulse, stub, useStage } from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("the tab of a page without news of its own", () => {
  it("tells of the dead while it is open", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await page.clock.install();
    await visitor.open("/gui/setup");
    expect(await page.title()).toBe("Set-up · watchTower");
    await pulse("dies elsewhere", { nextIn: 1 });
    await stub.waitFor(tells("dies elsewhere", "dead"));
    const count = async () => {
      const counted = page.waitForResponse(/\/gui\/dead$/);
      await page.clock.fastForward("00:31");
      await (await counted).finished();
    };
    const icon = page.locator('link[rel="icon"]');
    await count();
    await expect.poll(() => page.title()).toBe("1 dead · Set-up · watchTower");
    expect(await icon.getAttribute("href")).toContain("icon-dead");
    await pulse("dies elsewhere");
    await count();
    await expect.poll(() => page.title()).toBe("Set-up · watchTower");
    expect(await icon.getAttribute("href")).not.toContain("icon-dead");
    await done(visitor);
  });
});

describe.runIf(chromiumPath)("the set-up", () => {
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
