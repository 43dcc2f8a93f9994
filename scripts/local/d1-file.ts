import { globSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "./refusal.ts";

/** Where Miniflare keeps the resources of a state folder: the place that `wrangler --persist-to` uses too. */
export function resourcesDir(stateDir: string): string {
  return join(stateDir, "v3");
}

/** The file of the local D1 database; undefined before the first start. */
export function findD1File(stateDir: string): string | undefined {
  const folder = join(resourcesDir(stateDir), "d1/miniflare-D1DatabaseObject");
  // metadata.sqlite is the runtime's own.
  const names = globSync("*.sqlite", { cwd: folder }).filter((name) => name !== "metadata.sqlite");
  if (names.length > 1) {
    throw new Refusal(`${folder} holds several databases: move those away that are not wanted.`);
  }
  return names[0] === undefined ? undefined : join(folder, names[0]);
}
