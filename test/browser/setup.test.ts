import { describe, it } from "vitest";
import { chromiumPath } from "./support/chromium.ts";
import { done, loggedIn, stub, useStage } from "./support/stage.ts";

useStage();

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
