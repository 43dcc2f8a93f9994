import { constants, existsSync, mkdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { cp } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pack } from "./local/archive.ts";
import { findD1File, resourcesDir } from "./local/d1-file.ts";
import { moveForGood } from "./local/durable.ts";
import { whileFrozen } from "./local/freeze.ts";
import { INBOX_PORT } from "./local/inbox.ts";
import { checkOutside } from "./local/own-folders.ts";
import { Refusal, refusalOf, runProgram } from "./local/refusal.ts";
import { checkRestored, restoringDir } from "./local/restore-marker.ts";
import { readSettings } from "./local/settings.ts";
import { lockState } from "./local/state-lock.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Where the copy is made, in the state folder: a name that nobody gives to a folder of backups, since it is removed. */
const COPY_FOLDER = ".backup-copy";

/** Writes all state of one moment into a file, also while watchTower runs. */
async function backup(): Promise<void> {
  const [given, ...more] = process.argv.slice(2);
  if (given === undefined || more.length > 0) throw new Refusal("Usage: npm run backup -- FILE");
  const file = resolve(given);
  if (existsSync(file)) throw new Refusal(`${file} exists already; a backup does not overwrite another.`);
  const { stateDir } = readSettings(ROOT, process.env);
  checkRestored(stateDir);
  if (findD1File(stateDir) === undefined)
    throw new Refusal(`There is nothing in ${stateDir} yet: run npm start first.`);
  // On the disk of the state, so that the copy is quick, wherever the file is to be. One that was killed has left its own.
  const folder = join(stateDir, COPY_FOLDER);
  const partial = `${file}.partial`;
  checkPlace(file, partial, [folder, resourcesDir(stateDir), join(stateDir, "tmp"), restoringDir(stateDir)]);
  const lock = lockState(stateDir, "backup-lock.sqlite");
  if (lock === undefined) throw new Refusal("Another backup is under way.");

  const clean = () => {
    // Where a signal has come, the copy may still be writing into it.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    rmSync(partial, { force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      clean();
      process.exit(130);
    });
  }
  try {
    clean();
    mkdirSync(folder, { mode: 0o700 });
    const { date, frozenMs } = await copyState(stateDir, folder);
    const { files, bytes } = await pack(folder, partial, date);
    // Where it is to be, there is a whole backup or none, whatever becomes of the machine.
    moveForGood(partial, file);
    const wait = frozenMs === undefined ? "watchTower was not running" : `watchTower stood still for ${frozenMs} ms`;
    console.log(`${file}: ${files} files, ${bytes} bytes before compression, as of ${date.toISOString()}; ${wait}.`);
  } catch (error) {
    throw refusalOf(error, file);
  } finally {
    clean();
    lock.release();
  }
}

/** Refuses a file that a backup, or watchTower itself, would take away, and one that would take away what is another's. */
function checkPlace(file: string, partial: string, folders: string[]): void {
  try {
    checkOutside(file, folders);
  } catch (error) {
    throw refusalOf(error, file);
  }
  if (statSync(partial, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Refusal(`${partial} is a folder, and the backup is written under that name first: move it away.`);
  }
}

async function copyState(stateDir: string, folder: string): Promise<{ date: Date; frozenMs?: number }> {
  const copy = async () => {
    const date = new Date();
    const from = resourcesDir(stateDir);
    // What SQLite shares between processes it makes anew.
    const filter = (path: string) => !path.endsWith("-shm");
    // It may be a link to another disk, and so may what is in it; in an archive there are files only.
    const options = { recursive: true, dereference: true, filter, mode: constants.COPYFILE_FICLONE };
    await cp(realpathSync(from), join(folder, basename(from)), options);
    const inboxPort = join(stateDir, INBOX_PORT);
    if (existsSync(inboxPort)) await cp(inboxPort, join(folder, INBOX_PORT));
    return date;
  };
  const lock = lockState(stateDir);
  try {
    if (lock !== undefined) return { date: await copy() };
    const beganMs = performance.now();
    const date = await whileFrozen(stateDir, copy);
    return { date, frozenMs: Math.round(performance.now() - beganMs) };
  } finally {
    lock?.release();
  }
}

await runProgram(backup);
