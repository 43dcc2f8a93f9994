import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { chromiumPath } from "./support/chromium.ts";
import { done, forget, letOthersLive, loggedIn, pulse, row, useStage } from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("the overview while states change", () => {
  letOthersLive();

  it("keeps the focus when rows change their places, also the one that has it", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    for (let i = 0; i < 4; i++) await pulse(`moved ${i}`, { nextIn: 2_000 + i });
    for (const name of ["moved a", "moved b"]) await pulse(name, { nextIn: 1 });
    await visitor.open("/gui?q=moved");
    await page.mouse.move(5, 5);
    const order = () =>
      page.locator(".service:visible").evaluateAll((rows) => rows.map(({ dataset }) => dataset.service));
    const hasFocus = (name: string) =>
      row(page, name)
        .locator("a")
        .evaluate((element) => element === document.activeElement);
    for (const name of ["moved a", "moved b"]) await row(page, name).getByText("dead", { exact: true }).waitFor();
    // Others pass the one that has the focus, downwards and upwards.
    await row(page, "moved b").locator("a").focus();
    await pulse("moved a", { nextIn: 3_000 });
    await row(page, "moved a").getByText("alive", { exact: true }).waitFor();
    expect((await order())[0]).toBe("moved b");
    expect(await hasFocus("moved b")).toBe(true);
    await row(page, "moved 1").locator("a").focus();
    await pulse("moved 2", { nextIn: 1 });
    await row(page, "moved 2").getByText("dead", { exact: true }).waitFor();
    expect((await order()).slice(0, 2).sort()).toEqual(["moved 2", "moved b"]);
    expect(await hasFocus("moved 1")).toBe(true);
    // The one that has it dies, and comes back.
    await pulse("moved 1", { nextIn: 1 });
    await row(page, "moved 1").getByText("dead", { exact: true }).waitFor();
    expect((await order()).indexOf("moved 1")).toBeLessThan(3);
    expect(await hasFocus("moved 1")).toBe(true);
    await pulse("moved 1", { nextIn: 9_000 });
    await row(page, "moved 1").getByText("alive", { exact: true }).waitFor();
    expect((await order()).slice(0, 2).sort()).toEqual(["moved 2", "moved b"]);
    expect(await hasFocus("moved 1")).toBe(true);
    await Promise.all(["moved 0", "moved 1", "moved 2", "moved 3", "moved a", "moved b"].map(forget));
    await done(visitor);
  });

  it("tells who is late also where nobody looks, as a page that is opened anew does", async () => {
    const visitor = await loggedIn({ viewport: { width: 1280, height: 500 } });
    const { page } = visitor;
    const names = Array.from({ length: 20 }, (_, i) => `above ${i}`);
    await Promise.all(names.map((name) => pulse(name, { nextIn: 300 })));
    const chips = (page: Page) => page.locator(".chip").allTextContents();

    // Nothing is shown as long as nothing is late.
    await pulse("late awaited", { nextIn: 4, grace: 600 });
    await visitor.open("/gui?state=late");
    await row(page, "late awaited").waitFor({ timeout: 15_000 });
    await page.getByRole("heading", { name: "1 service is late" }).waitFor();
    await pulse("late awaited", { nextIn: 900 });
    await row(page, "late awaited").waitFor({ state: "hidden", timeout: 15_000 });

    // Neither the filter nor the screen lets it be seen; it is known only by being asked.
    await pulse("late unseen", { nextIn: 4, grace: 600 });
    await visitor.open("/gui?q=above");
    await page.getByRole("heading", { name: "1 service is late" }).waitFor({ timeout: 50_000 });
    const anew = await loggedIn();
    await anew.open("/gui?q=above");
    expect(await chips(page)).toEqual(await chips(anew.page));
    await done(anew);
    await Promise.all([...names, "late awaited", "late unseen"].map(forget));
    await done(visitor);
  });
});
