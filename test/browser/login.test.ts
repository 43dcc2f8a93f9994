import { describe, expect, it } from "vitest";
import { expectAccessible, visit } from "./support/browser.ts";
import { chromiumPath } from "./support/chromium.ts";
import { browser, done, loggedIn, session, stub, tower, useStage } from "./support/stage.ts";

useStage();

describe.runIf(chromiumPath)("the login", () => {
  it("asks for the password, lets in, and leads to where one wanted to go", async () => {
    const visitor = await visit(browser, tower);
    const { page } = visitor;
    await visitor.open("/gui/events?level=error");
    await expectAccessible(visitor);
    await page.getByLabel("Password").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("This is not the password.").waitFor();
    await page.getByLabel("Password").fill(tower.password);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Events" }).waitFor();
    expect(new URL(page.url()).search).toBe("?level=error");
    const [cookie] = await visitor.context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/gui", secure: false });

    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Password").waitFor();
    await visitor.open("/gui");
    await page.getByLabel("Password").waitFor();
    await done(visitor);
  });

  it("is not asked for again by a link on another site", async () => {
    const visitor = await loggedIn();
    await visitor.page.goto(`${stub.url}/elsewhere`);
    await visitor.page.setContent(
      `<a href="${tower.baseUrl.replace("127.0.0.1", "localhost")}/gui">the alert's link</a>`,
    );
    // The same host under another name is another site; so is the session's cookie, which is set there first.
    const { cookies } = session;
    await visitor.context.addCookies(cookies.map((cookie) => ({ ...cookie, domain: "localhost" })));
    await visitor.page.getByRole("link").click();
    await visitor.page.getByRole("navigation", { name: "Pages" }).waitFor();
    await done(visitor);
  });
});
