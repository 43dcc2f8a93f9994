import { describe, expect, it } from "vitest";
import { chromiumPath } from "./support/chromium.ts";
import { addEvent, done, loggedIn, useStage } from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("the events", () => {
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

  it("have all their dates in the viewer's zone, also those that one hovers over or types", async () => {
    const visitor = await loggedIn({ timezoneId: "America/New_York" });
    const { page } = visitor;
    await addEvent("zoned", "somewhere in time", "error");
    await visitor.open("/gui/events?service=zoned");
    const date = await page.locator(".event time").textContent();
    const seconds = (text: string | null) => Date.parse(`${text?.slice(0, 19).replace(" ", "T")}Z`) / 1_000;
    expect(await page.locator("[data-zone]").textContent()).toBe("America/New_York");
    const bar = page.locator(".histogram a").last();
    for (const text of [await bar.getAttribute("aria-label"), await bar.locator("title").textContent()]) {
      expect(Math.abs(seconds(text) - seconds(date))).toBeLessThan(86_400 / 30);
    }
    await bar.focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/from=\d+/);
    await page.getByText("somewhere in time").waitFor();
    const [from, to] = [
      await page.getByLabel("From", { exact: true }).inputValue(),
      await page.getByLabel("To").inputValue(),
    ];
    expect(seconds(from)).toBeLessThanOrEqual(seconds(date));
    expect(seconds(to)).toBeGreaterThanOrEqual(seconds(date));
    expect(await page.locator('[name="zone"]').inputValue()).toBe("America/New_York");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.waitForURL(/zone=America/);
    await page.getByText("somewhere in time").waitFor();
    // A link from somebody in another zone means the same, said by one's own clocks.
    await visitor.open("/gui/events?from=2026-01-01T12:00&to=2026-01-01T13:00:30&zone=Europe%2FParis");
    expect(await page.getByLabel("From", { exact: true }).inputValue()).toMatch(/^2026-01-01T06:00(:00)?$/);
    expect(await page.getByLabel("To").inputValue()).toBe("2026-01-01T07:00:30");
    await done(visitor);
  });

  it("that are long are unfolded in place, and folded again", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await addEvent("long", `the start ${"and more ".repeat(60)}the end`);
    await visitor.open("/gui/events?service=long");
    const start = page.getByText("the start").filter({ visible: true });
    await start.click();
    await page.getByText("the end").waitFor();
    expect(await start.count()).toBe(1);
    await page.getByText("Less").click();
    await page.getByText("the end").waitFor({ state: "hidden" });
    await start.waitFor();
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

  it("that came while nobody looked appear afterwards, also where there were none before", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await visitor.open("/gui/events?service=missed&live=1");
    await page.getByText("No events.").waitFor();
    const hide = (isHidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    await hide(true);
    await addEvent("missed", "nobody has seen this");
    await page.waitForTimeout(13_000);
    await hide(false);
    await page.getByText("nobody has seen this").waitFor();
    expect(await page.getByText("No events.").isVisible()).toBe(false);
    await done(visitor);
  });

  it("can all be reached, however many came while one looked", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    const ids: string[] = [];
    const add = async (count: number) => {
      for (let i = 0; i < count; i += 25) {
        ids.push(...(await Promise.all(Array.from({ length: 25 }, (_, k) => addEvent("flood", `number ${i + k}`)))));
      }
    };
    const shown = () => page.locator(".event").evaluateAll((rows) => rows.map(({ id }) => id.replace("event-", "")));
    const older = () => page.getByRole("link", { name: "Older" });
    await add(25);
    await visitor.open("/gui/events?service=flood&live=1");
    expect(await older().count()).toBe(0);
    for (const total of [600, 1_100]) {
      await add(total - ids.length);
      const newest = ids.toSorted().at(-1) as string;
      await page.locator(`#event-${newest}`).waitFor();
    }
    await page.waitForFunction(() => document.querySelectorAll(".event").length === 1_000);
    const newest = ids.toSorted().reverse();
    expect(await shown()).toEqual(newest.slice(0, 1_000));
    await older().click();
    await page.waitForURL(/before=/);
    expect(await shown()).toEqual(newest.slice(1_000));
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
