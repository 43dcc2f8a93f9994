import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runToEnd } from "./support/watchtower.ts";

/*
 * A power can't be cut here. What it would leave is what was on the disk: so it is recorded what a program brings there,
 * and in which order.
 */

const ROOT = resolve(import.meta.dirname, "../..");
const RECORDER = pathToFileURL(join(import.meta.dirname, "support/record-disk.js")).href;

type Entry = ["sync", path: string, size: number] | ["move", from: string, to: string];

let folder: string;
let stateDir: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "watchtower-power-cut-"));
  stateDir = join(folder, "state");
  mkdirSync(join(stateDir, "v3/d1/miniflare-D1DatabaseObject"), { recursive: true });
  mkdirSync(join(stateDir, "v3/do/empty"), { recursive: true });
  writeFileSync(join(stateDir, "v3/d1/miniflare-D1DatabaseObject/one.sqlite"), "of the database");
  writeFileSync(join(stateDir, "v3/do/a service.sqlite"), "of a service");
  writeFileSync(join(stateDir, "inbox-port"), "1234\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a script to its end, and returns what it did to the disk. */
async function recordOf(script: string, file: string, env: Record<string, string> = {}): Promise<Entry[]> {
  const record = join(folder, "record");
  rmSync(record, { force: true });
  const command = ["node_modules/.bin/node", "--import", RECORDER, `scripts/${script}.ts`, file];
  const { code, output } = await runToEnd({ dir: ROOT }, command, { STATE_DIR: stateDir, DISK_RECORD: record, ...env });
  expect(output, output).not.toContain("Error");
  expect(code, output).toBe(0);
  const lines = readFileSync(record, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** Where in a record something is brought to the disk for the last time, or moved to; -1 where it is not. */
const synced = (record: Entry[], path: string) => record.findLastIndex(([kind, at]) => kind === "sync" && at === path);
const moved = (record: Entry[], path: string) => record.findIndex(([kind, , to]) => kind === "move" && to === path);

/** Expects that a file was on the disk as it is now before it was moved into place, and its name afterwards. */
function expectWhole(record: Entry[], file: string): void {
  expect(record.slice(0, moved(record, file))).toContainEqual(["sync", `${file}.partial`, statSync(file).size]);
  expect(moved(record, file)).toBeGreaterThan(-1);
  expect(synced(record, dirname(file))).toBeGreaterThan(moved(record, file));
}

describe("what a power cut leaves of", () => {
  it("a backup that was written is the whole backup", async () => {
    const file = join(folder, "backup.tgz");
    expectWhole(await recordOf("backup", file), file);
  });

  it("a restore is no state before its end, and all of it from then on", async () => {
    const file = join(folder, "backup.tgz");
    await recordOf("backup", file);
    const kept = globSync("**/*", { cwd: join(stateDir, "v3") });
    expect(kept.length).toBe(6);
    stateDir = join(folder, "restored");
    const record = await recordOf("restore", file);

    const inPlace = moved(record, join(stateDir, "v3"));
    expect(inPlace).toBeGreaterThan(-1);
    for (const name of ["", ...kept]) {
      const path = join(stateDir, "restoring/v3", name);
      expect(synced(record, path), path).toBeGreaterThan(-1);
      expect(synced(record, path), path).toBeLessThan(inPlace);
      const isFile = statSync(join(stateDir, "v3", name)).isFile();
      if (isFile) expect(record).toContainEqual(["sync", path, statSync(join(stateDir, "v3", name)).size]);
    }
    // The folder that keeps watchTower from starting is there before anything else is.
    const first = record.findIndex(([, path]) => path.startsWith(join(stateDir, "restoring")));
    for (const holder of [stateDir, folder]) {
      expect(record.findIndex(([kind, path]) => kind === "sync" && path === holder)).toBeLessThan(first);
      expect(synced(record, holder)).toBeGreaterThan(-1);
    }
    expect(moved(record, join(stateDir, "inbox-port"))).toBeLessThan(inPlace);
    expect(synced(record, stateDir)).toBeGreaterThan(inPlace);
    expect(existsSync(join(stateDir, "restoring"))).toBe(false);
  });

  it("an export that was written is the whole export", async () => {
    const server = createServer((_, response) => void response.end('{"kind":"end"}\n'));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    const file = join(folder, "export.ndjson");
    const env = { WATCHTOWER_URL: `http://127.0.0.1:${port}`, WATCHTOWER_PASSWORD: "x" };
    expectWhole(await recordOf("export", file, env), file);
    server.close();
  });
});
