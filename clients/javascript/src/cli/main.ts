#!/usr/bin/env node
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { WatchTowerError } from "../error.ts";
import { COMMANDS } from "./commands.ts";
import { HELP } from "./help.ts";
import { UsageError } from "./usage.ts";

/** Runs a command line, and returns its exit code: 1 refused, 2 wrong usage, 3 watchTower can't be reached. */
async function main([name = "", ...args]: string[]): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  if (
    name === "" ||
    name === "help" ||
    name === "-h" ||
    name === "--help" ||
    own.includes("--help") ||
    own.includes("-h")
  ) {
    print(HELP[command ? name : ""] ?? "");
    return name === "" ? 2 : 0;
  }
  if (name === "--version") {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    print(version);
    return 0;
  }
  if (!command) {
    warn(`There is no command "${name}": "watchtower --help" lists them.`);
    return 2;
  }
  try {
    return await command(args, { env: process.env, print, write, warn, report: (error) => warn(textOf(error)) });
  } catch (error) {
    warn(textOf(error));
    if (error instanceof UsageError) return 2;
    return error instanceof WatchTowerError && error.status === 0 ? 3 : 1;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

function warn(line: string): void {
  process.stderr.write(`watchtower: ${line}\n`);
}

function textOf(error: unknown): string {
  if (!(error instanceof WatchTowerError)) return error instanceof Error ? error.message : String(error);
  return error.status === 0 ? `watchTower can't be reached: ${error.hint}` : error.hint;
}

// Whoever reads us may have enough, as head does.
process.stdout.on("error", () => process.exit(0));
process.exitCode = await main(process.argv.slice(2));
