import { describe, expect, it } from "vitest";
import { tells } from "../system/support/alerts.ts";
import { expectAccessible, expectNoSidewaysScroll, visit } from "./support/browser.ts";
import { chromiumPath } from "./support/chromium.ts";
import {
  addEvent,
  browser,
  done,
  letOthersLive,
  loggedIn,
  pulse,
  row,
  stub,
  tower,
  useStage,
  writeRule,
} from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("hostile names", () => {
  const NAMES = [
    `<img src=x onerror=alert(1)>`,
    `"><script>alert(1)</script>`,
    `it's "quoted" \`here\` \\ and there`,
    "\u202egnp.exe",
    "ש".repeat(200),
    "..",
    "a/b?c#d%2F",
  ];

  // Each of them dies.
  letOthersLive();

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

describe.runIf(chromiumPath)("on a narrow phone", () => {
  it("words stay whole, and no button covers what it copies", async () => {
    const visitor = await loggedIn({ viewport: { width: 320, height: 640 }, permissions: ["clipboard-read"] });
    const { page } = visitor;
    await pulse("narrow");
    await visitor.open("/gui/services/narrow");
    for (const link of await page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link").all()) {
      expect((await link.boundingBox())?.height, (await link.textContent()) ?? "").toBeLessThan(40);
    }
    const button = page.getByRole("button", { name: "Copy" }).first();
    await button.waitFor();
    const isCovered = await button.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const code = element.parentElement?.querySelector("code") as Element;
      return [...code.getClientRects()].some(
        ({ top, bottom, left, right }) => top < box.bottom && bottom > box.top && left < box.right && right > box.left,
      );
    });
    expect(isCovered).toBe(false);
    await expectNoSidewaysScroll(visitor);
    await done(visitor);
  });

  it("a name of which nothing is seen can be clicked", async () => {
    const visitor = await loggedIn({ viewport: { width: 320, height: 640 } });
    const { page } = visitor;
    for (const name of ["\u200b", "\ufeff"]) {
      await pulse(name);
      await visitor.open("/gui");
      const link = row(page, name).getByRole("link");
      const box = await link.boundingBox();
      expect(box?.width).toBeGreaterThan(20);
      expect(box?.height).toBeGreaterThan(15);
      await expectAccessible(visitor);
      await link.click();
      await page.waitForURL(/services/);
      expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(name);
    }
    await done(visitor);
  });
});

describe.runIf(chromiumPath)("without a script", () => {
  it("everything can be read and done", async () => {
    await pulse("plain");
    await addEvent("plain", "a plain event", "info", { host: "web-1" });
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
    await page.getByRole("searchbox", { name: "Search" }).fill("plain host:web-1");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.locator(".field", { hasText: "web-1" }).click();
    await page.getByText("a plain event").waitFor();
    await page.getByRole("link", { name: "Rule from this search" }).click();
    await page.getByLabel("Name").fill("plain rule");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The rule is saved.").waitFor();
    await page.getByText("Delete…").click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("No rules.").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Password").waitFor();
    await visitor[Symbol.asyncDispose]();
  });
});

describe.runIf(chromiumPath).each([
  ["light", 1280],
  ["dark", 1280],
  ["light", 320],
] as const)("in the scheme %s, %i pixels wide", (colorScheme, width) => {
  it.each(["/gui", "/gui/services/shown", "/gui/events", "/gui/alerts", "/gui/rules", "/gui/setup", "/gui/nowhere"])(
    "%s keeps nobody out, and nothing is cut off",
    async (path) => {
      await pulse("shown", { remindEvery: 600, grace: 30 });
      await pulse("shown dead", { nextIn: 1 });
      await addEvent("shown", "an error", "error", { host: "web-1", note: "n".repeat(200) });
      await writeRule("shown rule", { q: 'level:>=error -"on purpose"', count: 3 });
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
