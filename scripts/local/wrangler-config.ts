import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { WorkerOptions } from "miniflare";
import { parse } from "smol-toml";
import { Refusal } from "./refusal.ts";

/** What wrangler.toml says about the Worker, for the local runtime. */
export interface WorkerConfig {
  name: string;
  /** The entry module; absolute. */
  main: string;
  compatibilityDate: string;
  compatibilityFlags: string[];
  crons: string[];
  /** Absolute. */
  migrationsDir: string;
  /** Bindings and plain variables. */
  env: Bindings;
  /** The folder of what is answered without the Worker; absolute. */
  assetsDir?: string;
  /** The Durable Object classes. */
  exports: NonNullable<WorkerOptions["config"]["exports"]>;
}

/** What a Worker finds in its `env`, in Miniflare's terms. */
export type Bindings = NonNullable<WorkerOptions["config"]["env"]>;

interface WranglerToml {
  name: string;
  main: string;
  compatibility_date: string;
  compatibility_flags?: string[];
  assets?: { directory: string };
  triggers?: { crons?: string[] };
  vars?: Record<string, string>;
  ratelimits?: { name: string; namespace_id: string; simple: { limit: number; period: 10 | 60 } }[];
  durable_objects?: { bindings: { name: string; class_name: string }[] };
  d1_databases?: {
    binding: string;
    database_id?: string;
    preview_database_id?: string;
    migrations_dir?: string;
  }[];
}

// The tables that are read below, and those that matter to a deployment only.
const TABLES_READ = [
  "assets",
  "compatibility_flags",
  "triggers",
  "vars",
  "ratelimits",
  "durable_objects",
  "d1_databases",
];
const TABLES_FOR_DEPLOYMENT = ["limits", "migrations", "observability", "placement", "routes"];

/**
 * Reads wrangler.toml in the project's folder `root`. Wrangler's own reader would do, but takes longer than everything
 * else in a start together and keeps 76 MB of memory. In return a table that is not understood here is refused, so that
 * the local service never silently lacks what the deployed one has.
 */
export function readWorkerConfig(root: string): WorkerConfig {
  const toml = parse(readFileSync(join(root, "wrangler.toml"), "utf8")) as unknown as WranglerToml;
  for (const [key, value] of Object.entries(toml)) {
    if (typeof value !== "object" || [...TABLES_READ, ...TABLES_FOR_DEPLOYMENT].includes(key)) continue;
    throw new Refusal(`wrangler.toml has "${key}", which scripts/local/wrangler-config.ts does not handle yet.`);
  }

  const env: Bindings = {};
  const exports: WorkerConfig["exports"] = {};
  for (const [name, value] of Object.entries(toml.vars ?? {})) env[name] = { type: "text", value };
  for (const database of toml.d1_databases ?? []) {
    // The same identity as wrangler's, so that `wrangler d1 … --local --persist-to STATE_DIR` sees the same database.
    const id = database.preview_database_id ?? database.database_id ?? database.binding;
    env[database.binding] = { type: "d1", id };
  }
  for (const { name, namespace_id: namespace, simple } of toml.ratelimits ?? []) {
    env[name] = { type: "rate-limit", namespace, simple };
  }
  for (const object of toml.durable_objects?.bindings ?? []) {
    env[object.name] = { type: "durable-object", worker: toml.name, exportName: object.class_name };
    exports[object.class_name] = { type: "durable-object", storage: "sqlite" };
  }
  return {
    name: toml.name,
    main: resolve(root, toml.main),
    compatibilityDate: toml.compatibility_date,
    compatibilityFlags: toml.compatibility_flags ?? [],
    crons: toml.triggers?.crons ?? [],
    migrationsDir: resolve(root, toml.d1_databases?.[0]?.migrations_dir ?? "migrations"),
    ...(toml.assets && { assetsDir: resolve(root, toml.assets.directory) }),
    env,
    exports,
  };
}
