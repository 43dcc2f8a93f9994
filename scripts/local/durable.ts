import { closeSync, fsyncSync, globSync, openSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";

/*
 * What is written is in memory until the system finds time for the disk, and a power cut takes it: a file that was moved
 * into place is empty then, or where it was before. So contents go to the disk before a move is made, and the folder
 * that then has the name goes there before anybody is told that it is done.
 */

/** As many at once as Node has threads for: a disk takes them together. */
const AT_ONCE = 4;

/**
 * Moves a file or a folder whose contents are on the disk into place; the move is on the disk when it returns.
 * @throws Error of the file system
 */
export function moveForGood(from: string, to: string): void {
  renameSync(from, to);
  for (const folder of new Set([dirname(to), dirname(from)])) syncFolder(folder);
}

/**
 * Has what a file holds written to the disk.
 * @throws Error of the file system
 */
export function syncFile(path: string): void {
  // For writing, without which Windows does not do it.
  withOpen(path, "r+", fsyncSync);
}

/**
 * Has the names that a folder holds written to the disk, where the system can do that.
 * @throws Error of the file system
 */
export function syncFolder(path: string): void {
  unlessImpossible(() => withOpen(path, "r", fsyncSync));
}

/**
 * Has all that is in a folder written to the disk, and the folder itself.
 * @throws Error of the file system
 */
export async function syncAll(folder: string): Promise<void> {
  const entries = globSync("**/*", { cwd: folder, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).values();
  async function work(): Promise<void> {
    for (const { parentPath, name } of files) {
      await using file = await open(join(parentPath, name), "r+");
      await file.sync();
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const { parentPath, name } of entries.filter((entry) => entry.isDirectory())) syncFolder(join(parentPath, name));
  syncFolder(folder);
}

function withOpen(path: string, flags: string, work: (descriptor: number) => void): void {
  const descriptor = openSync(path, flags);
  try {
    work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Windows, and file systems of networks, write no single folder to the disk; and one may be another user's. */
function unlessImpossible(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!/^(EACCES|EBADF|EINVAL|EISDIR|ENOTSUP|EPERM)$/.test((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
