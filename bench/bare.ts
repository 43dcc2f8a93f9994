import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { bundleWorker } from "../scripts/local/bundle.ts";
import { readWorkerConfig, type WorkerConfig } from "../scripts/local/wrangler-config.ts";
import { Connection, encode } from "./client.ts";
import type { Setup, Worker } from "./worker.ts";

/** A Worker under bare workerd. */
export interface BareWorker extends Worker {
  /** Where its inspector listens, if it was asked for. */
  inspectorUrl: URL | undefined;
  /** When its process was started, by `performance.now()`. */
  startedMs: number;
}

// Its package says where the program is, to who asks as a CommonJS module.
const WORKERD = (createRequire(import.meta.url)("workerd") as { default: string }).default;
const D1_WORKER = join(import.meta.dirname, "d1", "worker.ts");
const text = (value: unknown) => JSON.stringify(value);

/**
 * Starts a Worker under `workerd serve`: objects on disk, D1 by an object, and nothing of Miniflare. Where its folder is
 * said to be migrated, the database is not touched.
 */
export async function startBare(
  { root, stateDir, variables = {} }: Setup,
  { inspector = false, isMigrated = false } = {},
): Promise<BareWorker> {
  const config = readWorkerConfig(root);
  mkdirSync(join(stateDir, "objects"), { recursive: true });
  writeFileSync(join(stateDir, "main.js"), await bundleWorker(config.main));
  writeFileSync(join(stateDir, "d1.js"), await bundleWorker(D1_WORKER));
  writeFileSync(join(stateDir, "config.capnp"), capnpOf(config, stateDir, variables));
  const args = ["serve", "--control-fd=3", ...(inspector ? ["--inspector-addr=127.0.0.1:0"] : []), "config.capnp"];
  const logFile = openSync(join(stateDir, "log"), "a");
  const startedMs = performance.now();
  const child = spawn(WORKERD, args, { cwd: stateDir, stdio: ["ignore", logFile, logFile, "pipe"] });
  const exited = once(child, "exit");
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  const ports = new Map<string, number>();
  const wanted = ["http", "d1", ...(inspector ? ["inspector"] : [])];
  for await (const line of createInterface(child.stdio[3] as Readable)) {
    const { event, socket, port } = JSON.parse(line) as { event: string; socket?: string; port: number };
    ports.set(event === "listen-inspector" ? "inspector" : (socket ?? ""), port);
    if (wanted.every((name) => ports.has(name))) break;
  }
  const urlOf = (name: string) => new URL(`http://127.0.0.1:${ports.get(name)}`);
  if (!isMigrated) await migrate(urlOf("d1"), config.migrationsDir);
  return {
    url: urlOf("http"),
    pid: child.pid as number,
    startedMs,
    inspectorUrl: inspector ? urlOf("inspector") : undefined,
    async stop() {
      child.kill();
      await exited;
      process.off("exit", kill);
    },
  };
}

async function migrate(url: URL, dir: string): Promise<void> {
  const connection = await Connection.open(url);
  for (const name of globSync("*.sql", { cwd: dir }).sort()) {
    const sql = readFileSync(join(dir, name), "utf8");
    const { body } = await connection.send(encode(url.host, { body: text({ sql }) }));
    const answer = JSON.parse(String(body)) as { error?: string };
    // A state folder that was used before has them.
    if (answer.error && !/already exists|duplicate column/.test(answer.error)) throw new Error(answer.error);
  }
  connection.close();
}

function capnpOf(config: WorkerConfig, stateDir: string, variables: Record<string, string>): string {
  const classes = Object.keys(config.exports);
  const bindings = Object.entries(config.env).flatMap(([name, binding]) => {
    switch (binding.type) {
      case "durable-object":
        return [`(name = ${text(name)}, durableObjectNamespace = ${text(binding.exportName)})`];
      case "d1":
        return [
          `(name = ${text(name)}, wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1")]))`,
        ];
      default:
        // Rate limits are asked only where a password is wrong.
        return [];
    }
  });
  for (const [name, value] of Object.entries(variables)) bindings.push(`(name = ${text(name)}, text = ${text(value)})`);
  // Miniflare's keys: what it has stored can be taken over.
  const namespaces = classes.map(
    (name) => `(className = ${text(name)}, uniqueKey = ${text(`${config.name}-${name}`)}, enableSql = true)`,
  );
  const dated = (flags: string[]) =>
    `compatibilityDate = ${text(config.compatibilityDate)}, compatibilityFlags = [${flags.map((flag) => text(flag)).join(", ")}]`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "d1", worker = .d1),
    (name = "disk", disk = (path = ${text(join(stateDir, "objects"))}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:0", http = (), service = "main"),
    (name = "d1", address = "127.0.0.1:0", http = (), service = "d1"),
  ],
);
const main :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "main.js")],
  ${dated(config.compatibilityFlags)},
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [${bindings.join(", ")}],
);
const d1 :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "d1.js")],
  ${dated([])},
  durableObjectNamespaces = [(className = "Database", uniqueKey = "Database", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "DATABASE", durableObjectNamespace = "Database")],
);
`;
}
