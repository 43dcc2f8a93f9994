import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { findD1File } from "./d1-file.ts";
import { Refusal } from "./refusal.ts";
import { startRuntime } from "./runtime.ts";
import type { Voice } from "./voice.ts";
import type { WorkerConfig } from "./wrangler-config.ts";

// The table in which `wrangler d1 migrations` keeps count, as wrangler creates it.
const BOOKKEEPING = `create table if not exists "d1_migrations"(
  id integer primary key autoincrement,
  name text unique,
  applied_at timestamp default current_timestamp not null
)`;

// A D1 batch is one transaction. A statement may hold a whole file here; what is appended keeps a comment at the
// file's end from being taken for a statement.
const MIGRATOR = `export default {
  async fetch(request, { DB }) {
    const { bookkeeping, name, sql } = await request.json();
    try {
      await DB.batch([
        DB.prepare(bookkeeping),
        DB.prepare(sql + "\\n;select 1"),
        DB.prepare("insert into d1_migrations (name) values (?)").bind(name),
      ]);
      return new Response();
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};`;

/**
 * Applies the migrations that the local D1 database lacks, each with its bookkeeping or not at all, and returns their
 * names. It is done before the service runs, so that no request and no alarm meets tables of another version.
 */
export async function applyMigrations(config: WorkerConfig, stateDir: string, voice?: Voice): Promise<string[]> {
  const done = appliedMigrations(stateDir);
  const pending = globSync("*.sql", { cwd: config.migrationsDir })
    .sort()
    .filter((name) => !done.has(name));
  if (pending.length === 0) return [];

  const migrator = { config: { ...config, exports: {}, env: databasesOf(config) }, script: MIGRATOR };
  const { miniflare } = await startRuntime(migrator, {
    host: "127.0.0.1",
    port: 0,
    stateDir,
    ...(voice && { voice }),
  });
  try {
    for (const name of pending) {
      const sql = readFileSync(join(config.migrationsDir, name), "utf8");
      const response = await miniflare.dispatchFetch("http://migrator/", {
        method: "POST",
        body: JSON.stringify({ bookkeeping: BOOKKEEPING, name, sql }),
      });
      if (!response.ok) throw new Refusal(`The migration ${name} failed: ${await response.text()}`);
    }
  } finally {
    await miniflare.dispose();
  }
  return pending;
}

function appliedMigrations(stateDir: string): Set<string> {
  const file = findD1File(stateDir);
  if (file === undefined) return new Set();
  const database = new DatabaseSync(file);
  try {
    const known = database.prepare("select 1 from sqlite_schema where name = 'd1_migrations'").get();
    const rows = known === undefined ? [] : database.prepare("select name from d1_migrations").all();
    return new Set(rows.map(({ name }) => String(name)));
  } finally {
    database.close();
  }
}

/** The Durable Objects stay out of it: their alarms would run. */
function databasesOf(config: WorkerConfig): WorkerConfig["env"] {
  return Object.fromEntries(Object.entries(config.env).filter(([, binding]) => binding.type === "d1"));
}
