import { constants, existsSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pack } from "./local/archive.ts";
import { findD1File, resourcesDir } from "./local/d1-file.ts";
import { moveForGood } from "./local/durable.ts";
import { whileFrozen } from "./local/freeze.ts";
import { INBOX_PORT } from "./local/inbox.ts";
import { Refusal, runProgram } from "./local/refusal.ts";
import { checkRestored } from "./local/restore-marker.ts";
import { readSettings } from "./local/settings.ts";
import { lockState } from "./local/state-lock.ts";

const ROOT = resolve(import.meta.dirname, "..");

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
  const lock = lockState(stateDir, "backup-lock.sqlite");
  if (lock === undefined) throw new Refusal("Another backup is under way.");

  // On the disk of the state, so that the copy is quick, wherever the file is to be. One that was killed has left its own.
  const folder = join(stateDir, "backup");
  const partial = `${file}.partial`;
  const clean = () => {
    for (const path of [folder, partial]) rmSync(path, { recursive: true, force: true });
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
    // A full disk, or a folder that is not there or not to be written to.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new Refusal(`${file} can't be written: ${(error as Error).message}`);
  } finally {
    clean();
    lock.release();
  }
}

async function copyState(stateDir: string, folder: string): Promise<{ date: Date; frozenMs?: number }> {
  const copy = async () => {
    const date = new Date();
    const from = resourcesDir(stateDir);
    // What SQLite shares between processes it makes anew.
    const filter = (path: string) => !path.endsWith("-shm");
    const options = { recursive: true, filter, mode: constants.COPYFILE_FICLONE };
    // It may be a link to another disk.
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
