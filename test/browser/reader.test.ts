import { describe, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll, logIn, visit } from "./support/browser.ts";
import { chromiumPath } from "./support/chromium.ts";
import { browser, done, pulse, READ_PASSWORD, row, stub, tower, useStage, writeRule } from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("who logs in with the password that reads", () => {
  it("sees services live, and no button but to filter and to leave", async () => {
    await pulse("looked at", { alertType: "webhook", alertTarget: `${stub.url}/not-for-all` });
    await writeRule("looked at", { q: "x", alertType: "webhook", alertTarget: `${stub.url}/not-for-all` });
    const visitor = await visit(browser, tower, { session: await logIn(browser, tower, READ_PASSWORD) });
    const { page } = visitor;
    await visitor.open("/gui");
    await pulse("came meanwhile");
    await row(page, "came meanwhile").waitFor();
    for (const path of [
      "/gui",
      "/gui/services/looked%20at",
      "/gui/alerts",
      "/gui/events",
      "/gui/rules",
      "/gui/setup",
    ]) {
      await visitor.open(path);
      await page.getByText("read only").waitFor();
      const buttons = await page.getByRole("button").allInnerTexts();
      expect(
        buttons.filter((name) => !["Filter", "Log out"].includes(name)),
        path,
      ).toEqual([]);
      expect(await page.content(), path).not.toContain("not-for-all");
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
