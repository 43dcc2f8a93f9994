import { constants, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pack } from "./local/archive.ts";
import { findD1File, resourcesDir } from "./local/d1-file.ts";
import { whileFrozen } from "./local/freeze.ts";
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

  const folder = makeFolderFor(file);
  try {
    const { date, frozenMs } = await copyState(stateDir, folder);
    const packed = join(folder, "packed");
    const { files, bytes } = await pack(join(folder, "copied"), packed, date);
    // Where it is to be, there is a whole backup or none.
    renameSync(packed, file);
    const wait = frozenMs === undefined ? "watchTower was not running" : `watchTower stood still for ${frozenMs} ms`;
    console.log(`${file}: ${files} files, ${bytes} bytes before compression, as of ${date.toISOString()}; ${wait}.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Beside the file, so that it can be moved into place in one step; nobody else may look into it. */
function makeFolderFor(file: string): string {
  try {
    return mkdtempSync(join(dirname(file), `.${basename(file)}-`));
  } catch (error) {
    throw new Refusal(`${file} can't be written: ${(error as Error).message}`);
  }
}

async function copyState(stateDir: string, folder: string): Promise<{ date: Date; frozenMs?: number }> {
  const copy = async () => {
    const date = new Date();
    const from = resourcesDir(stateDir);
    // What SQLite shares between processes it makes anew.
    const filter = (path: string) => !path.endsWith("-shm");
    const to = join(folder, "copied", basename(from));
    await cp(from, to, { recursive: true, filter, mode: constants.COPYFILE_FICLONE });
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
