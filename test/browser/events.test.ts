import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll } from "./support/browser.ts";
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
    await page.getByRole("searchbox", { name: "Search" }).fill("DISK -half");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.locator(".event", { hasText: "disk full" }).waitFor();
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
    await page.locator(".event", { hasText: "disk full" }).waitFor();
    await done(visitor);
  });

  it("are searched for by the search language, whose mistakes are said at the box", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    await addEvent("searched", "the first timeout", "error", { host: "web-1", note: `<b>"long" ${"x".repeat(80)}` });
    await addEvent("searched", "another timeout", "error", { host: "web-2" });
    const box = page.getByRole("searchbox", { name: "Search" });
    await visitor.open("/gui/events?service=searched");
    await box.fill('timeout "and');
    await box.press("Enter");
    const problem = page.getByText("The search can't be read at character 9");
    await problem.waitFor();
    expect(await box.inputValue()).toBe('timeout "and');
    const describedBy = await box.getAttribute("aria-describedby");
    expect(await page.locator(`#${describedBy} mark`).textContent()).toBe('"and');
    expect(await page.getByLabel("Service").inputValue()).toBe("searched");
    await expectAccessible(visitor);
    await box.fill("timeout -another");
    await box.press("Enter");
    await page.getByText("the first timeout").waitFor();
    expect(await page.locator(".event").count()).toBe(1);
    // What is folded can be read whole, by the keyboard, too.
    await page.locator(".event").getByText("All fields").focus();
    await page.keyboard.press("Enter");
    await page.locator(".event dd").getByText("x".repeat(80)).waitFor();
    await page.locator(".event .field").first().press("Enter");
    await page.waitForURL(/host/);
    expect(await box.inputValue()).toBe("timeout -another host:web-1");
    await box.fill("");
    await box.press("Enter");
    await page.locator(".event .field", { hasText: "web-2" }).click();
    await page.waitForURL(/q=host%3Aweb-2/);
    expect(await page.locator(".event").count()).toBe(1);
    await page.getByText("How to search").click();
    await page.getByRole("link", { name: "level:>=error", exact: true }).click();
    await page.waitForURL(/q=level/);
    await page.locator(".event", { hasText: "another timeout" }).waitFor();
    // Of the page that says what is wrong, which is a 400, Chromium tells its console.
    await visitor[Symbol.asyncDispose]();
  });

  it("show their fields on a narrow phone, and nothing is cut off", async () => {
    const visitor = await loggedIn({ viewport: { width: 320, height: 640 } });
    const { page } = visitor;
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`name-${i}-${"y".repeat(30)}`, "z".repeat(90)]),
    );
    await addEvent("narrow fields", "m", "info", many);
    await visitor.open("/gui/events?service=narrow+fields");
    await page.locator(".event").getByText("All fields").click();
    await page.getByText("How to search").click();
    await expectNoSidewaysScroll(visitor);
    await expectAccessible(visitor);
    await done(visitor);
  });

  it("are exported as they are searched for", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    const id = await addEvent("exported", "to a file", "error", { host: "web-1" });
    await addEvent("exported", "not to a file", "error");
    await visitor.open("/gui/events?service=exported&q=host:web-1");
    const coming = page.waitForEvent("download");
    await page.getByRole("link", { name: "NDJSON" }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toMatch(/^events-.*\.ndjson$/);
    const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ id, fields: { host: "web-1" } }]);
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
    await page.getByText("Less", { exact: true }).click();
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

  it("appear at once, each once, and take neither the focus nor the place away", async () => {
    const visitor = await loggedIn({ viewport: { width: 1000, height: 500 } });
    const { page } = visitor;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    for (let i = 0; i < 30; i++) await addEvent("steady", `number ${i}`, "info", { host: `web-${i}` });
    await visitor.open("/gui/events?service=steady&live=1");
    const held = page.locator(".event", { hasText: "number 10" }).locator(".field");
    await held.focus();
    const top = () => held.evaluate((element) => element.getBoundingClientRect().top);
    const before = await top();
    const id = await addEvent("steady", "the newest", "info", { host: "new" });
    await page.locator(`#event-${id}`).waitFor();
    expect(await held.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(Math.abs((await top()) - before)).toBeLessThan(2);
    const late = await addEvent("steady", "once more");
    await page.locator(`#event-${late}`).waitFor();
    const ids = await page.locator(".event").evaluateAll((rows) => rows.map(({ id }) => id));
    expect(new Set(ids).size).toBe(32);
    expect(ids).toHaveLength(32);
    // The stream told of them: nothing was asked for.
    expect(asked).toContain("/gui/events/stream");
    expect(asked).not.toContain("/gui/events/new");
    await done(visitor);
  });

  it("are asked for where there is no stream, and it is said when the session is over", async () => {
    const visitor = await loggedIn();
    const { page, context } = visitor;
    await page.route("**/gui/events/stream*", (route) => route.fulfill({ status: 503, body: "" }));
    await visitor.open("/gui/events?service=asked&live=1");
    const id = await addEvent("asked", "without a stream");
    await page.locator(`#event-${id}`).waitFor();
    // The quota is nearly used up.
    await page.route("**/gui/events/new*", (route) =>
      route.fulfill({ status: 503, headers: { "retry-after": "7200" }, body: "" }),
    );
    await page.getByText(/quota is nearly used up: pages rest until/).waitFor();
    await page.unroute("**/gui/events/new*");
    await page.unroute("**/gui/events/stream*");
    const next = await addEvent("asked", "a stream again");
    await page.locator(`#event-${next}`).waitFor();
    await page.getByText(/quota is nearly used up/).waitFor({ state: "hidden" });
    await context.clearCookies();
    await page.route("**/gui/events/stream*", (route) => route.abort());
    await page.evaluate(() => {
      for (const value of [true, false]) {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }
    });
    await page.getByText("The session is over.").waitFor();
    await page.getByRole("link", { name: "Log in again" }).waitFor();
    await visitor[Symbol.asyncDispose]();
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
