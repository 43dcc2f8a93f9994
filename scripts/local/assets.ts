import { readdirSync } from "node:fs";

/** Cloudflare's own files among the assets, which say how the others are served. */
const RULES = ["_headers", "_redirects", ".assetsignore"];

/** The paths with which begins whatever reaches a file of a folder of static assets: a page is reached without its ending. */
export function assetPaths(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !RULES.includes(entry.name))
    .map((entry) => `${entry.parentPath.slice(directory.length).replaceAll("\\", "/")}/${entry.name}`)
    .map((path) => path.replace(/(index)?\.html$/, ""));
}
