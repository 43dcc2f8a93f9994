import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

/** How a command line ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

/** Starts the command line with an empty home and nothing of ours in the environment but what is given. */
export function start(
  args: string[],
  env: Record<string, string> = {},
  input: string | Buffer = "",
  { keepsOpen = false } = {},
) {
  const home = mkdtempSync(join(tmpdir(), "watchtower-home-"));
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH, HOME: home, ...env } });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk) => stdout.push(chunk));
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdin.on("error", () => undefined);
  if (keepsOpen) child.stdin.write(input);
  else child.stdin.end(input);
  const ended: Promise<Ended> = once(child, "close").then(([code, signal]) => {
    rmSync(home, { recursive: true, force: true });
    return { code, signal, stdout: Buffer.concat(stdout), stderr };
  });
  return { child, ended, output: () => Buffer.concat(stdout).toString("utf8"), errors: () => stderr };
}

/** Runs the command line to its end. */
export function run(args: string[], env?: Record<string, string>, input?: string | Buffer): Promise<Ended> {
  return start(args, env, input).ended;
}
