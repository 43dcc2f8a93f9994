import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { Refusal } from "./refusal.ts";

/**
 * Refuses a user's file where it is inside a folder that watchTower empties or fills as it likes, or would have the name
 * of one.
 * @throws Refusal; Error of the file system where the file's folder is not there
 */
export function checkOutside(file: string, folders: string[]): void {
  // Links lead elsewhere, and some systems take other letters for the same name.
  const real = join(realpathSync.native(dirname(file)), basename(file));
  for (const folder of folders) {
    const within = existsSync(folder)
      ? [folder, realpathSync.native(folder)]
      : [join(realHolder(folder), basename(folder))];
    if (within.some((own) => real === own || real.startsWith(`${own}${sep}`))) {
      throw new Refusal(`${file} is inside ${folder}, which is watchTower's own: choose another place for it.`);
    }
  }
}

function realHolder(folder: string): string {
  const holder = dirname(folder);
  return existsSync(holder) ? realpathSync.native(holder) : holder;
}
