import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const { WATCHTOWER_URL: url, WATCHTOWER_PASSWORD: password, CI } = process.env;
const chromium = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);
const canRun = url !== undefined && chromium !== undefined;
if (!chromium && CI) throw new Error("Chromium is missing, and CI has to test the client in a browser.");
if (!canRun)
  console.warn(`The browser is left out: ${chromium ? "WATCHTOWER_URL is not set" : "there is no Chromium"}.`);

const PACKAGE = join(import.meta.dirname, "..");

/** A page that uses the built client, from an origin that is not watchTower's, and tells what came of it. */
const page = (service: string) => `<!doctype html><title>a page</title><script type="module">
import { Client, EventQueue, WatchTowerError } from "/index.js";
const result = {};
try {
  const client = new Client(${JSON.stringify(url)}, ${JSON.stringify(password)});
  result.pulse = (await client.pulse(${JSON.stringify(service)}, { nextIn: 600 })).status;
  const queue = new EventQueue(client);
  const tail = client.tail({ service: ${JSON.stringify(service)} }, { lastEventId: "0".repeat(26) });
  queue.event(${JSON.stringify(service)}, "from a page", "info", { fields: { host: "page" } });
  result.flushed = await queue.flush();
  for await (const { message } of client.events({ service: ${JSON.stringify(service)} })) result.event = message;
  for await (const { fields } of client.exportEvents({ service: ${JSON.stringify(service)} })) result.exported = fields;
  for await (const { message } of tail) {
    result.followed = message;
    break;
  }
  const rule = await client.putRule("of a page", { q: "level:>=emergency", alertType: "webhook", alertTarget: "https://example.com/" });
  result.rule = rule.name;
  result.ruleDeleted = await client.deleteRule("of a page");
  result.listed = (await client.heartbeats()).some(({ service }) => service === ${JSON.stringify(service)});
  result.cancel = (await client.cancel(${JSON.stringify(service)})).status;
  const stranger = new Client(${JSON.stringify(url)}, "wrong", { attempts: 1 });
  await stranger.heartbeats().catch((error) => { result.refused = error instanceof WatchTowerError && error.status; });
} catch (error) {
  result.error = String(error);
}
fetch("/result", { method: "POST", body: JSON.stringify(result) });
</script>`;

describe.runIf(canRun)("a page of another origin", () => {
  it("pulses, sends, exports and follows events, writes rules, lists and cancels", async () => {
    const folder = mkdtempSync(join(tmpdir(), "watchtower-browser-"));
    const built = spawnSync("tsc", ["-p", "tsconfig.build.json", "--outDir", folder], {
      cwd: PACKAGE,
      encoding: "utf8",
    });
    expect(built.status, built.stdout).toBe(0);
    let tell = (_: unknown) => {};
    const told = new Promise((done) => {
      tell = done;
    });
    const server = createServer(async (request, response) => {
      const { pathname } = new URL(request.url ?? "", "http://page.example");
      if (pathname === "/result") tell(JSON.parse(Buffer.concat(await request.toArray()).toString("utf8")));
      const isScript = /^\/\w[\w-]*\.js$/.test(pathname);
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? readFileSync(join(folder, pathname)) : page("a page"));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
    const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
    const browser = spawn(chromium as string, [
      ...flags,
      ...quiet,
      `--user-data-dir=${join(folder, "profile")}`,
      address,
    ]);
    try {
      expect(await told).toEqual({
        pulse: "alive",
        flushed: true,
        event: "from a page",
        exported: { host: "page" },
        followed: "from a page",
        rule: "of a page",
        ruleDeleted: true,
        listed: true,
        cancel: "cancelled",
        refused: 403,
      });
    } finally {
      browser.kill("SIGKILL");
      await once(browser, "close");
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
