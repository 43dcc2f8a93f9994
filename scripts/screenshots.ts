import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Browser, type BrowserContextOptions, chromium } from "playwright-core";
import { findChromium } from "./local/chromium.ts";
import { findD1File } from "./local/d1-file.ts";
import { Refusal, runProgram } from "./local/refusal.ts";
import { LATE, pulse, SHOWN_SERVICE, writePast } from "./screenshots/demo.ts";

const ROOT = resolve(import.meta.dirname, "..");
const OUT = join(ROOT, "docs/screenshots");
const PASSWORD = "screenshots";
const TIME_ZONE = "Europe/Paris";

const DESK = { viewport: { width: 1200, height: 920 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const PAGES = {
  overview: "/gui",
  service: `/gui/services/${encodeURIComponent(SHOWN_SERVICE)}`,
  events: "/gui/events?since=86400",
  alerts: "/gui/alerts",
  rules: "/gui/rules",
  "set-up": "/gui/setup",
};

const DEVICES: Record<string, BrowserContextOptions> = {
  light: { ...DESK, colorScheme: "light" },
  dark: { ...DESK, colorScheme: "dark" },
  phone: { ...PHONE, colorScheme: "light" },
};

/** Takes pictures of each page of the web interface, of a demo: in light, in dark, and on a phone. */
async function takeScreenshots(): Promise<void> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Refusal("There is no Chromium on this machine (CHROMIUM may name one).");
  const stateDir = mkdtempSync(join(tmpdir(), "watchtower-screenshots-"));
  try {
    await makeDemo(stateDir);
    await using tower = await startTower(stateDir);
    // It is late once its promise is over, and its grace is not.
    await delay(LATE.nextIn * 1000);
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    rmSync(OUT, { recursive: true, force: true });
    mkdirSync(OUT, { recursive: true });
    const session = await logIn(browser, tower.address);
    for (const [device, options] of Object.entries(DEVICES)) {
      const context = await browser.newContext({
        ...options,
        ...{ storageState: session, timezoneId: TIME_ZONE, reducedMotion: "reduce" },
      });
      const page = await context.newPage();
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(tower.address + path, { waitUntil: "networkidle" });
        await page.screenshot({ path: join(OUT, `${name}-${device}.png`) });
      }
      await context.close();
    }
    await browser.close();
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function makeDemo(stateDir: string): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  {
    await using tower = await startTower(stateDir);
    await pulse(async (method, path, body) => {
      const headers = { password: PASSWORD };
      const answer = await fetch(tower.address + path, { method, headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    }, now);
  }
  const file = findD1File(stateDir);
  if (file === undefined) throw new Error(`There is no database in ${stateDir}.`);
  writePast(file, now);
}

interface Tower extends AsyncDisposable {
  address: string;
}

/** A watchTower of its own, ended when it is disposed of. */
async function startTower(stateDir: string): Promise<Tower> {
  const child = spawn(process.execPath, [join(ROOT, "scripts/start.ts")], {
    env: {
      ...{ PATH: process.env.PATH, STATE_DIR: stateDir, PORT: "0", PASSWORD },
      // Providers are configured; nobody dies meanwhile, so that nothing is sent to them.
      ...{ PUSHOVER_TOKEN: "none", MAILCHANNELS_API_KEY: "none", MAIL_FROM: "watchtower@example.com" },
      ...{ DEFAULT_ALERT_TYPE: "mail", DEFAULT_ALERT_TARGET: "ops@example.com" },
      ...{ PUBLIC_URL: "https://watchtower.example.workers.dev", TIMEZONE: TIME_ZONE },
      EVENTS_PRESETS: JSON.stringify([{ name: "payments", service: "checkout", message: "pay" }]),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const address = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      const found = /address +(\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exited.then(([code]) => reject(new Error(`watchTower ended (${code}):\n${said}`)));
  });
  return {
    address,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function logIn(browser: Browser, address: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${address}/gui/login`);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL("**/gui");
  return await context.storageState();
}

await runProgram(takeScreenshots);
