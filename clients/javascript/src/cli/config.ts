import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Client } from "../client.ts";
import type { ClientOptions } from "../types.ts";
import { UsageError } from "./usage.ts";

/** Where a watchTower is, and how to get in. */
export interface Config {
  url: string;
  password: string;
}

/** What the command line says about that. */
export interface ConfigFlags {
  url?: string | undefined;
  "password-file"?: string | undefined;
  config?: string | undefined;
}

/** Where the configuration is kept, unless somebody says otherwise. */
export function defaultConfigFile(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "watchtower", "config.json");
}

/** A client by flags, environment and configuration file, in this order. */
export function connect(flags: ConfigFlags, env: NodeJS.ProcessEnv, options: ClientOptions = {}): Client {
  const file = readConfig(flags.config, env);
  const url = flags.url ?? env.WATCHTOWER_URL ?? file.url;
  const password = passwordIn(flags["password-file"]) ?? env.WATCHTOWER_PASSWORD ?? file.password;
  if (!url || !password) {
    throw new UsageError(
      `No ${url ? "password" : "address"} is given. Set WATCHTOWER_URL and WATCHTOWER_PASSWORD, or run "watchtower config --url URL" once.`,
    );
  }
  try {
    return new Client(url, password, options);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Writes the configuration, so that nobody else may read it. */
export function writeConfig(path: string, config: Config): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
}

function readConfig(chosen: string | undefined, env: NodeJS.ProcessEnv): Partial<Config> {
  const path = chosen ?? defaultConfigFile(env);
  let text: string;
  try {
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) {
      throw new UsageError(`${path} holds a password, and others may read it: run "chmod 600 ${path}".`);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (chosen === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} can't be read: ${(error as Error).message}`);
  }
  try {
    const { url, password } = JSON.parse(text) as Partial<Config>;
    return { ...(typeof url === "string" && { url }), ...(typeof password === "string" && { password }) };
  } catch {
    throw new UsageError(`${path} must hold {"url":"…","password":"…"}.`);
  }
}

function passwordIn(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    // 0 is stdin.
    return readFileSync(path === "-" ? 0 : path, "utf8").trim();
  } catch (error) {
    throw new UsageError(`The password can't be read: ${(error as Error).message}`);
  }
}
