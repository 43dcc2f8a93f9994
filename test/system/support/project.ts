import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");
const COPIED = ["package.json", "tsconfig.json", "wrangler.toml", "public", "scripts", "src", "migrations"];

/** A copy of the project in a folder of its own, so that a run finds no `.dev.vars` and no state but its own. */
export interface Project extends Disposable {
  dir: string;
  /** Writes a file, in place of the project's own where there is one. */
  write(path: string, text: string): void;
  /** Takes a file or a folder away. */
  remove(path: string): void;
}

/** Copies the project into a temporary folder; `node_modules` stays where it is. */
export function copyProject(): Project {
  const dir = mkdtempSync(join(tmpdir(), "watchtower-"));
  for (const name of COPIED) cpSync(join(ROOT, name), join(dir, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  const remove = (path: string) => rmSync(join(dir, path), { recursive: true, force: true });
  return {
    dir,
    write(path, text) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    },
    remove,
    [Symbol.dispose]: () => remove("."),
  };
}

/** A project with the fixture in the Worker's place, and one table of its own. */
export function copyProjectWithFixture(): Project {
  const project = copyProject();
  project.remove("src");
  project.remove("migrations");
  project.write("src/index.ts", readFileSync(join(import.meta.dirname, "fixture-worker.js"), "utf8"));
  project.write("migrations/0000_notes.sql", "create table notes (text text not null);\n");
  return project;
}
