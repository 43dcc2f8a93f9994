import { spawnSync } from "node:child_process";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The Chromium of this machine: the one that `CHROMIUM` names, or one of the path; undefined where there is none. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM ?? [], NAMES]
    .flat()
    .map((command) => spawnSync("sh", ["-c", 'command -v "$0"', command], { encoding: "utf8" }).stdout.trim())
    .find((path) => path !== "");
}
