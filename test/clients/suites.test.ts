import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import { languages } from "./support/languages.ts";

let tower: WatchTower;
beforeAll(async () => {
  tower = await startWatchTower();
});
afterAll(() => tower.stop());

/** Runs a command in a folder; what it prints is shown as it comes. */
async function run(cwd: string, [command = "", ...args]: string[]): Promise<number | null> {
  const env = { ...process.env, WATCHTOWER_URL: tower.baseUrl, WATCHTOWER_PASSWORD: tower.password };
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await once(child, "close");
  return code;
}

describe.each(languages)("the $name client", ({ cwd, tests }) => {
  it("passes its own tests, those against a running watchTower among them", { timeout: 900_000 }, async () => {
    expect(await run(cwd, tests)).toBe(0);
  });
});
