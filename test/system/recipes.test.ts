import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

const PAGE = readFileSync(resolve(import.meta.dirname, "../../docs/recipes.md"), "utf8");
const home = mkdtempSync(join(tmpdir(), "watchtower-home-"));

let tower: WatchTower;
beforeAll(async () => {
  tower = await startWatchTower();
});
afterAll(async () => {
  await tower.stop();
  rmSync(home, { recursive: true });
});

async function run(script: string): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    WATCHTOWER_URL: tower.baseUrl,
    WATCHTOWER_PASSWORD: tower.password,
  };
  return (await promisify(execFile)("bash", ["-euc", script], { env })).stdout;
}

describe("docs/recipes.md", () => {
  const scripts = [...PAGE.matchAll(/^```sh\n# tried\n([\s\S]*?)^```$/gm)].map(([, script = ""]) => script);
  const tried = scripts.map(
    (script) => [/"service[":=]+(recipe \w+)|service=(recipe\+\w+)/.exec(script), script] as const,
  );

  it("has recipes that are tried", () => {
    expect(scripts.length).toBeGreaterThanOrEqual(4);
  });

  it.each(tried)("has a recipe that pulses (%s)", async (found, script) => {
    const service = (found?.[1] ?? found?.[2] ?? "").replace("+", " ");
    await run(script);
    const response = await tower.fetch(`/heartbeat?service=${encodeURIComponent(service)}`);
    expect(await response.json()).toMatchObject({ result: 200, heartBeat: { service, status: "alive" } });
  });

  it("has a recipe that sends an event when the job fails", async () => {
    const script = scripts.find((text) => text.includes("job() { true; }")) as string;
    await run(script.replace("true;", "false;"));
    const response = await tower.fetch("/events?message=the%20job%20failed");
    expect(await response.json()).toMatchObject({ events: [{ service: "recipe shell", level: 4 }] });
  });
});
