import { describe, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll } from "./support/browser.ts";
import { chromiumPath } from "./support/chromium.ts";
import { addEvent, done, loggedIn, stub, useStage, writeRule } from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("rules", () => {
  it("are made from a search, tell of what it finds, are changed and deleted, all by the keyboard", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await visitor.open("/gui/events?q=disk&level=error");
    await page.getByRole("link", { name: "Rule from this search" }).press("Enter");
    await page.waitForURL(/\/gui\/rules/);
    expect(await page.getByRole("textbox", { name: "Search" }).inputValue()).toBe("disk level:>=error");
    await page.getByRole("textbox", { name: "Name" }).fill("disks");
    await page.getByLabel("Type").selectOption("webhook");
    await page.getByRole("textbox", { name: "Target" }).fill(`${stub.url}/of-the-rule`);
    await page.getByRole("textbox", { name: "Target" }).press("Enter");
    await page.getByText("The rule is saved.").waitFor();
    const rule = page.locator(".rule", { hasText: "disks" });
    expect(await rule.textContent()).toContain("each event, then quiet for 15 min");
    await addEvent("ruled", "disk full", "error");
    await stub.waitFor(({ path }) => path === "/of-the-rule");
    await expect
      .poll(async () => {
        await page.reload();
        return rule.textContent();
      })
      .toMatch(/last alert \d+ s ago/);
    await rule.getByRole("link", { name: "disk level:>=error" }).press("Enter");
    await page.locator(".event", { hasText: "disk full" }).waitFor();
    await page.goBack();
    await rule.getByRole("link", { name: "Change disks" }).press("Enter");
    await page.getByRole("heading", { name: "Change the rule" }).waitFor();
    expect(await page.getByRole("textbox", { name: "Name" }).isEditable()).toBe(false);
    await page.getByLabel("Events", { exact: true }).fill("3");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await rule.getByText("3 events within 1 min, then quiet for 15 min").waitFor();
    await rule.getByText("Delete…").focus();
    await page.keyboard.press("Enter");
    await rule.getByRole("button", { name: "Delete it" }).press("Enter");
    await page.getByText("No rules.").waitFor();
    await done(visitor);
  });

  it("that can't be saved are shown as they were filled in, with what is wrong at each field", async () => {
    const visitor = await loggedIn({ viewport: { width: 320, height: 640 } });
    const { page } = visitor;
    await writeRule(`long ${"name".repeat(40)}`, { q: `"${"x".repeat(300)}"` });
    await visitor.open("/gui/rules");
    await expectNoSidewaysScroll(visitor);
    await page.getByRole("textbox", { name: "Name" }).fill("<b>new</b>");
    await page.getByRole("textbox", { name: "Search" }).fill("a (b)");
    await page.getByRole("textbox", { name: "Target" }).fill("somewhere");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The search can't be read at character 3").waitFor();
    await page.getByText("Choose the type of this target, too.").waitFor();
    for (const label of ["Search", "Target"]) {
      const field = page.getByRole("textbox", { name: label });
      expect(await field.getAttribute("aria-invalid")).toBe("true");
      const id = await field.getAttribute("aria-describedby");
      expect(await page.locator(`#${id}`).isVisible()).toBe(true);
    }
    expect(await page.getByRole("textbox", { name: "Name" }).inputValue()).toBe("<b>new</b>");
    await expectAccessible(visitor);
    await expectNoSidewaysScroll(visitor);
    await visitor[Symbol.asyncDispose]();
  });
});
