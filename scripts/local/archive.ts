import { globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, extract } from "tar";
import packageJson from "../../package.json" with { type: "json" };
import { syncAll, syncFile } from "./durable.ts";
import { Refusal } from "./refusal.ts";

/*
 * A backup is a tar archive, compressed by gzip: the resources of a state folder, and before them a manifest, by which it
 * is known for one, and known to be whole.
 */

const MANIFEST = "watchtower-backup.json";

/** What an archive says of itself. */
interface Manifest {
  /** The watchTower that made it. */
  version: string;
  /** The moment of which it is, ISO 8601. */
  date: string;
  files: number;
  bytes: number;
}

/** Packs a folder into an archive, which is on the disk when it returns. */
export async function pack(folder: string, file: string, date: Date): Promise<Manifest> {
  const manifest: Manifest = { version: packageJson.version, date: date.toISOString(), ...contentsOf(folder) };
  if (manifest.files === 0) throw new Refusal("There is no file to be kept.");
  writeFileSync(join(folder, MANIFEST), JSON.stringify(manifest));
  const names = globSync("*", { cwd: folder }).filter((name) => name !== MANIFEST);
  // Whose they were does not matter, and where they are restored they are the restorer's.
  await create({ cwd: folder, file, gzip: true, portable: true, mode: 0o600 }, [MANIFEST, ...names]);
  syncFile(file);
  return manifest;
}

/**
 * Unpacks an archive into an empty folder; what it holds is on the disk when it returns.
 * @throws Refusal where it is none, or not whole
 */
export async function unpack(file: string, folder: string): Promise<Manifest> {
  try {
    // Links and devices are of no use, and could lead out of the folder.
    const filter = (_: string, entry: object) => "type" in entry && /^(File|Directory)$/.test(String(entry.type));
    await extract({ cwd: folder, file, strict: true, filter, preserveOwner: false });
    await syncAll(folder);
  } catch (error) {
    throw new Refusal(`${file} can't be unpacked: ${(error as Error).message}`);
  }
  const manifest = readManifest(file, folder);
  const { files, bytes } = contentsOf(folder);
  if (files !== manifest.files || bytes !== manifest.bytes) {
    throw new Refusal(
      `${file} is not whole: ${files} of ${manifest.files} files, ${bytes} of ${manifest.bytes} bytes.`,
    );
  }
  return manifest;
}

function readManifest(file: string, folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, MANIFEST), "utf8"));
  } catch {
    throw new Refusal(`${file} is no backup of a watchTower: it has no ${MANIFEST}.`);
  }
}

function contentsOf(folder: string): Pick<Manifest, "files" | "bytes"> {
  const sizes = globSync("**/*", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== MANIFEST)
    .map(({ parentPath, name }) => statSync(join(parentPath, name)).size);
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
