import { describe, expect, it } from "vitest";
import { alertIn } from "../system/support/alerts.ts";
import { chromiumPath } from "./support/chromium.ts";
import { done, loggedIn, pulse, stub, tower, useStage } from "./support/stage.ts";

useStage();

/** What is sent to a provider's stub under this path is refused for good. */
const REFUSED = "/refused";

describe.runIf(chromiumPath)("the alerts", () => {
  it("that were given up stand out, and can be sent again", async () => {
    stub.answer(REFUSED, { status: 400, body: "no such receiver" });
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

  it("appear by themselves, also while something in the list has the focus", async () => {
    const visitor = await loggedIn();
    const { page } = visitor;
    const alert = (message: string) => tower.post("/event", { service: "told", message, level: "error", alert: true });
    await pulse("told");
    await alert("the first alert");
    await visitor.open("/gui/alerts?service=told");
    const first = page.locator(".alert").filter({ hasText: "the first alert" });
    await first.locator(".delivered").waitFor();
    const fold = first.locator("summary").last();
    await fold.click();
    await alert("the second alert");
    await page.getByText("the second alert").waitFor({ timeout: 15_000 });
    expect(await fold.evaluate((element) => element === document.activeElement)).toBe(true);
    await first.getByText("HTTP 200").waitFor();
    await done(visitor);
  });
});
