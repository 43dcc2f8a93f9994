import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Account, Binding, Version } from "./account.ts";
import type { Project } from "./project.ts";

/** The password that a version runs with. */
export function passwordOf(version: Version | undefined): string | undefined {
  return version?.bindings.find(({ type, name }) => type === "secret_text" && name === "PASSWORD")?.text;
}

/** The binding to the database that a deploy has to migrate. */
export function boundDatabase(account: Account): Binding {
  return { type: "d1", name: "DB", id: account.database("watchtower").uuid };
}

/** The names of the migrations that wrangler has noted as applied. */
export function appliedMigrations(sqlite: DatabaseSync): unknown[] {
  const rows = sqlite.prepare("SELECT name FROM d1_migrations ORDER BY id").all();
  return rows.map(({ name }) => name);
}

/** The names of the migrations that a project has. */
export function migrationsOf({ folder }: Project): string[] {
  return readdirSync(join(folder, "migrations"))
    .filter((name) => name.endsWith(".sql"))
    .sort();
}

/** Tables, views and indexes, without the bookkeeping of SQLite and wrangler. */
export function schema(sqlite: DatabaseSync): unknown[] {
  const own = "name NOT LIKE 'sqlite_%' AND name <> 'd1_migrations'";
  return sqlite.prepare(`SELECT type, name, sql FROM sqlite_schema WHERE ${own} ORDER BY name`).all();
}

/** What `schema` is where each of the project's migrations ran once. */
export function schemaOf(project: Project): unknown[] {
  const sqlite = new DatabaseSync(":memory:");
  for (const name of migrationsOf(project)) {
    sqlite.exec(readFileSync(join(project.folder, "migrations", name), "utf8"));
  }
  return schema(sqlite);
}
