import { describe, expect, it } from "vitest";
import { alertIn, tells } from "../system/support/alerts.ts";
import { chromiumPath } from "./support/chromium.ts";
import { done, loggedIn, pulse, row, stub, tower, useStage } from "./support/stage.ts";

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
});
