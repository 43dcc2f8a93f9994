import { existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { unpack } from "./local/archive.ts";
import { resourcesDir } from "./local/d1-file.ts";
import { moveForGood, syncFolder } from "./local/durable.ts";
import { INBOX_PORT } from "./local/inbox.ts";
import { checkOutside } from "./local/own-folders.ts";
import { Refusal, runProgram } from "./local/refusal.ts";
import { restoringDir } from "./local/restore-marker.ts";
import { readSettings } from "./local/settings.ts";
import { lockState } from "./local/state-lock.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Puts the state that a backup holds into an empty state folder: all of it, or nothing. */
async function restore(): Promise<void> {
  const [given, ...more] = process.argv.slice(2);
  if (given === undefined || more.length > 0) throw new Refusal("Usage: npm run restore -- FILE");
  const file = resolve(given);
  if (!existsSync(file)) throw new Refusal(`There is no ${file}.`);
  const { stateDir } = readSettings(ROOT, process.env);
  // It is emptied first.
  checkOutside(file, [restoringDir(stateDir)]);
  const lock = lockState(stateDir);
  if (lock === undefined) throw new Refusal(`STATE_DIR ${stateDir} is in use: stop the watchTower that runs on it.`);
  try {
    const target = resourcesDir(stateDir);
    if (existsSync(target)) {
      throw new Refusal(`${target} exists already; a backup is restored into an empty STATE_DIR. Move it away first.`);
    }
    const folder = restoringDir(stateDir);
    // As long as this folder is there, and the state is not, watchTower does not start.
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (const holder of [stateDir, dirname(stateDir)]) syncFolder(holder);
    const { version, date, files } = await unpackInto(folder, file);
    const inboxPort = join(folder, INBOX_PORT);
    if (existsSync(inboxPort)) moveForGood(inboxPort, join(stateDir, INBOX_PORT));
    moveForGood(join(folder, basename(target)), target);
    rmSync(folder, { recursive: true, force: true });
    console.log(`${stateDir} is as it was at ${date}, under watchTower ${version}: ${files} files. Run npm start.`);
  } finally {
    lock.release();
  }
}

async function unpackInto(folder: string, file: string) {
  try {
    return await unpack(file, folder);
  } catch (error) {
    // It was the archive that was at fault, and the state folder is as empty as it was.
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

await runProgram(restore);
