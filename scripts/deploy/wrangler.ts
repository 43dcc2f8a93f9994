import { type StdioOptions, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

// The CLI's own file, not bin/wrangler.js: that one starts it as a second process, which would outlive a signal.
const cli = fileURLToPath(import.meta.resolve("wrangler"));
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A wrangler command that ended with an error; `said` is what it printed, empty where that is on the terminal already. */
export class WranglerError extends Error {
  readonly said: string;

  constructor(args: string[], said: string) {
    super(`wrangler ${args[0]} ended with an error, which it told above`);
    this.said = said;
  }
}

/** Runs a wrangler command whose output goes to the terminal; `input: "ignore"` makes it take its defaults unasked. */
export async function runWrangler(
  args: string[],
  input: "inherit" | "ignore",
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const { code } = await start(args, [input, "inherit", "inherit"], env);
  if (code !== 0) throw new WranglerError(args, "");
}

/** Runs a wrangler command that asks nothing and shows nothing, and returns what it printed on stdout. */
export async function askWrangler(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await start(args, ["ignore", "pipe", "pipe"], {});
  if (code !== 0) throw new WranglerError(args, stripVTControlCharacters(stderr || stdout).trim());
  return stdout;
}

function start(args: string[], stdio: StdioOptions, env: NodeJS.ProcessEnv) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, ["--no-warnings", cli, ...args], { stdio, env: { ...process.env, ...env } });
    // Passed on, so that wrangler ends first and the caller can clean up after it.
    const passOn = (signal: NodeJS.Signals) => child.kill(signal);
    for (const signal of signals) process.on(signal, passOn);
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code) => {
      for (const signal of signals) process.off(signal, passOn);
      resolve({ code, stdout, stderr });
    });
  });
}
