import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Refusal } from "./refusal.ts";

/** Holds a state folder; it has to stay referenced, because a database that is collected is closed. */
export interface StateLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Takes the state folder for this process; undefined where another one has it. It is SQLite's file lock, which the
 * operating system takes back from a process that ends in any way.
 * @param file what stands for that which is locked
 */
export function lockState(stateDir: string, file = "lock.sqlite"): StateLock | undefined {
  try {
    mkdirSync(stateDir, { recursive: true });
    const database = new DatabaseSync(join(stateDir, file));
    database.exec("pragma locking_mode = exclusive; begin exclusive");
    return { release: () => database.close() };
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw new Refusal(`STATE_DIR ${stateDir} can't be used: ${(error as Error).message}`);
  }
}
