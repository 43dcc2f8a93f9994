import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { unstable_splitSqlQuery as splitSql } from "wrangler";

/** One entry of a Worker's `bindings`, as wrangler uploads it. */
export interface Binding {
  type: string;
  name: string;
  id?: string;
  text?: string;
  class_name?: string;
}

/** The `metadata` part of an upload, as far as the stub understands it. */
export interface Metadata {
  main_module: string;
  bindings: Binding[];
  keep_bindings?: string[];
  migrations?: { old_tag?: string; new_tag: string; steps: { new_sqlite_classes?: string[] }[] };
  compatibility_date?: string;
  compatibility_flags?: string[];
  observability?: unknown;
  assets?: { jwt: string };
}

/** A version of a Worker with the bindings that it would run with. */
export interface Version {
  id: string;
  bindings: Binding[];
  metadata: Metadata;
}

/** A Worker: all its versions, and what is kept beside them. */
export interface Script {
  name: string;
  tag: string;
  lastDeployedFrom: "wrangler" | "dash";
  migrationTag?: string;
  classes: string[];
  versions: Version[];
  deployed?: Version;
  subdomainEnabled: boolean;
  crons: string[];
}

/** An error in Cloudflare's form: an HTTP status, a code of its own and a message. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What a Cloudflare account holds, with the rules of the API that matter to a deploy. */
export class Account {
  /** The paths of each set of assets, by the token of its upload. */
  readonly assets = new Map<string, string[]>();
  readonly #files = new Set<string>();
  readonly databases = new Map<string, { uuid: string; name: string; sqlite: DatabaseSync }>();
  readonly scripts = new Map<string, Script>();
  subdomain: string | undefined = "example";

  createDatabase(name: string) {
    if ([...this.databases.values()].some((database) => database.name === name)) {
      throw new ApiError(400, 7502, `database with name '${name}' already exists`);
    }
    const database = { uuid: randomUUID(), name, sqlite: new DatabaseSync(":memory:") };
    this.databases.set(database.uuid, database);
    return { uuid: database.uuid, name };
  }

  database(idOrName: string) {
    const all = [...this.databases.values()];
    const found = all.find(({ uuid, name }) => uuid === idOrName || name === idOrName);
    if (!found) throw new ApiError(404, 7404, `The database ${idOrName} could not be found`);
    return found;
  }

  /** Runs the statements in one transaction, as D1's query endpoint does. */
  query(uuid: string, sql: string) {
    const { sqlite } = this.database(uuid);
    sqlite.exec("BEGIN");
    try {
      const results = splitSql(sql).map((statement) => ({
        results: sqlite.prepare(statement).all(),
        success: true,
        meta: { duration: 1 },
      }));
      sqlite.exec("COMMIT");
      return results;
    } catch (error) {
      sqlite.exec("ROLLBACK");
      throw new ApiError(400, 7500, `${(error as Error).message}: SQLITE_ERROR`);
    }
  }

  /** Begins the upload of a Worker's assets: answers which files are not known yet, and a token that belongs to it. */
  beginAssets(manifest: Record<string, { hash: string }>): { jwt: string; buckets: string[][] } {
    const missing = Object.values(manifest)
      .map(({ hash }) => hash)
      .filter((hash) => !this.#files.has(hash));
    const jwt = tokenOf({ session: randomUUID() });
    this.assets.set(jwt, Object.keys(manifest).sort());
    return { jwt, buckets: missing.length > 0 ? [missing] : [] };
  }

  /** Takes files by their hashes; the token of their upload is then the one that a version names. */
  uploadAssets(jwt: string, hashes: string[]): { jwt: string } {
    if (!this.assets.has(jwt)) throw new ApiError(403, 10000, "Authentication error");
    for (const hash of hashes) this.#files.add(hash);
    return { jwt };
  }

  script(name: string, notFoundCode = 10007): Script {
    const script = this.scripts.get(name);
    if (!script) throw new ApiError(404, notFoundCode, "This Worker does not exist on your account.");
    return script;
  }

  /** A Worker as the dashboard makes it before its first build: no code of ours, no migrations. */
  createPlaceholder(name: string, secrets: Record<string, string>): Script {
    const bindings = Object.entries(secrets).map(([key, text]) => ({ type: "secret_text", name: key, text }));
    const script = newScript(name, "dash");
    script.deployed = { id: randomUUID(), bindings, metadata: { main_module: "worker.js", bindings } };
    script.versions.push(script.deployed);
    this.scripts.set(name, script);
    return script;
  }

  /** Adds a version to a Worker, which PUT (`deploy`) creates where it is missing; the rules are those of the API. */
  upload(name: string, metadata: Metadata, deploy: boolean): { script: Script; version: Version } {
    const script = deploy ? (this.scripts.get(name) ?? newScript(name, "wrangler")) : this.script(name);
    if (metadata.assets && this.assets.get(metadata.assets.jwt) === undefined) {
      throw new ApiError(400, 10021, "the assets' completion token is not known");
    }
    const bindings = this.#resolve(metadata, script.deployed);
    if (metadata.migrations) migrate(script, metadata.migrations, deploy);
    for (const { type, class_name: className, name: binding } of bindings) {
      if (type === "durable_object_namespace" && !script.classes.includes(className ?? "")) {
        throw new ApiError(400, 10061, `Cannot create binding ${binding} to class ${className}: no such class`);
      }
    }
    const version = { id: randomUUID(), bindings, metadata };
    script.versions.push(version);
    if (deploy) script.deployed = version;
    script.lastDeployedFrom = "wrangler";
    this.scripts.set(name, script);
    return { script, version };
  }

  /** The bindings that a version gets: its own, `inherit` looked up, and those of a kept type that it doesn't name. */
  #resolve({ bindings, keep_bindings: kept = [] }: Metadata, before: Version | undefined): Binding[] {
    const own = bindings.map((binding) => {
      if (binding.type === "d1" && !this.databases.has(binding.id ?? "")) {
        throw new ApiError(400, 10021, "binding DB of type d1 must have a valid `id` specified [code: 10021]");
      }
      if (binding.type !== "inherit") return binding;
      const inherited = before?.bindings.find(({ name }) => name === binding.name);
      if (!inherited) throw new ApiError(400, 10056, `inherit binding '${binding.name}' is invalid`);
      return inherited;
    });
    const names = new Set(own.map(({ name }) => name));
    return [...own, ...(before?.bindings ?? []).filter(({ type, name }) => kept.includes(type) && !names.has(name))];
  }
}

function newScript(name: string, lastDeployedFrom: Script["lastDeployedFrom"]): Script {
  const tag = randomUUID().replaceAll("-", "");
  return { name, tag, lastDeployedFrom, classes: [], versions: [], subdomainEnabled: false, crons: [] };
}

function migrate(script: Script, migrations: NonNullable<Metadata["migrations"]>, deploy: boolean): void {
  if (!deploy) throw new ApiError(400, 10211, "Durable Object migrations can't be uploaded as a version");
  if (migrations.old_tag !== script.migrationTag) {
    throw new ApiError(412, 10079, `migration tag precondition failed; expected ${script.migrationTag}`);
  }
  script.classes.push(...migrations.steps.flatMap((step) => step.new_sqlite_classes ?? []));
  script.migrationTag = migrations.new_tag;
}

/** A token that wrangler can read: it looks for when it ends. */
function tokenOf(claims: object): string {
  const payload = JSON.stringify({ ...claims, exp: Math.floor(Date.now() / 1_000) + 3_600 });
  return `stub.${Buffer.from(payload).toString("base64url")}.stub`;
}
