import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import type { WatchTower } from "../../system/support/watchtower.ts";
import { chromiumPath } from "./chromium.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A browser in which nothing may go wrong: what its console says is a failure of the test. */
export interface Visitor extends AsyncDisposable {
  context: BrowserContext;
  page: Page;
  /** Opens a page of the web interface. */
  open(path: string): Promise<void>;
  /** Expects that the console had nothing to say so far. */
  expectQuiet(): void;
}

/** Starts the machine's Chromium. */
export async function startBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("There is no Chromium.");
  return chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
}

/** What a browser keeps once somebody has logged in. */
export type Session = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** Logs in once, with the password unless told otherwise; attempts are counted. */
export async function logIn(browser: Browser, tower: WatchTower, password = tower.password): Promise<Session> {
  await using visitor = await visit(browser, tower);
  await visitor.open("/gui");
  await visitor.page.getByLabel("Password").fill(password);
  await visitor.page.getByRole("button", { name: "Log in" }).click();
  await visitor.page.waitForURL("**/gui");
  return await visitor.context.storageState();
}

/** A new visitor, perhaps one who has logged in. */
export async function visit(
  browser: Browser,
  tower: WatchTower,
  { session, ...options }: BrowserContextOptions & { session?: Session } = {},
): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    ...(session && { storageState: session }),
    ...options,
  });
  const page = await context.newPage();
  const said: string[] = [];
  // Violations of the Content-Security-Policy are errors of the console, too.
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
  page.on("dialog", (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return {
    context,
    page,
    open: async (path) => void (await page.goto(new URL(path, tower.baseUrl).href)),
    expectQuiet: () => expect(said).toEqual([]),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

/** Expects that axe-core finds nothing that keeps people out. */
export async function expectAccessible({ page }: Visitor): Promise<void> {
  // Through the debugger: the page's own policy lets no other script in.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const axe = (globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe;
    return (await axe.run()).violations;
  });
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)).toEqual([]);
}

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

/** Expects that nothing is wider than the screen. */
export async function expectNoSidewaysScroll({ page }: Visitor): Promise<void> {
  const { scroll, screen } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    screen: document.documentElement.clientWidth,
  }));
  expect(scroll).toBeLessThanOrEqual(screen);
}
