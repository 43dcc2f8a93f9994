import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { resourcesDir } from "./d1-file.ts";
import { Refusal } from "./refusal.ts";

/** Where a restore unpacks what it then moves into place in one step. */
export function restoringDir(stateDir: string): string {
  return join(stateDir, "restoring");
}

/** Refuses a state folder into which a restore has not come to its end: to start on it would be to start with nothing. */
export function checkRestored(stateDir: string): void {
  const remains = restoringDir(stateDir);
  if (!existsSync(remains)) return;
  if (!existsSync(resourcesDir(stateDir))) {
    throw new Refusal(
      `A restore into STATE_DIR ${stateDir} was cut off. Run it again, or remove ${remains} to start with nothing.`,
    );
  }
  rmSync(remains, { recursive: true, force: true });
}
