import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { killGroup, type Process, processesOfGroup, waitUntilGone } from "./processes.ts";
import { copyProject, type Project } from "./project.ts";

/** How to start watchTower; what is left out is what a newcomer has. */
export interface StartOptions {
  /** Its configuration. */
  env?: Record<string, string>;
  /** What stands behind `npm start --`. */
  args?: string[];
  /** Any free one by default. */
  port?: number;
  /** In the project's folder by default. */
  stateDir?: string;
  /** Where to start it; without it, a copy that is removed in the end. */
  project?: Project;
}

/** A command that runs in a process group of its own. */
export interface Run {
  /** The process group; also the pid of the command itself. */
  group: number;
  /** Everything it has printed. */
  output(): string;
  /** What of it went to stderr. */
  errors(): string;
  /** Waits until the output after `from` characters matches. */
  waitForOutput(pattern: RegExp, options?: { from?: number; timeoutMs?: number }): Promise<RegExpExecArray>;
  /** Resolves with the exit code, or the signal, once it has ended and closed its output. */
  exited: Promise<number | NodeJS.Signals>;
}

/** A running watchTower. */
export interface WatchTower extends Run, AsyncDisposable {
  baseUrl: string;
  password: string;
  stateDir: string;
  /** Where it was started. */
  project: Project;
  /** A request with the password. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A JSON POST with the password. */
  post(path: string, body: unknown): Promise<Response>;
  /** Its processes that live: npm, perhaps a shell, node, the guard, workerd. */
  processes(): Process[];
  /** The process whose command matches. */
  process(pattern: RegExp): Process;
  /** Kills all of its processes with SIGKILL at once, and waits until they are gone. */
  kill(): Promise<void>;
  /** Starts it again as it was started; on the same port, so that its address stays. It has to be down. */
  restart(env?: Record<string, string>): Promise<WatchTower>;
  /** Kills what is left, and removes the project's folder where it was made for this run. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 30_000;

/** Runs `npm start` and waits until it is ready. */
export async function startWatchTower(options: StartOptions = {}): Promise<WatchTower> {
  return startIn(options.project ?? copyProject(), options);
}

async function startIn(project: Project, options: StartOptions): Promise<WatchTower> {
  const { port = 0, stateDir: chosenDir } = options;
  const env = { ...options.env, PORT: String(port), ...(chosenDir !== undefined && { STATE_DIR: chosenDir }) };
  const { args = [] } = options;
  const run = runCommand(project.dir, ["npm", "start", ...(args.length > 0 ? ["--", ...args] : [])], env);
  async function stop(): Promise<void> {
    killGroup(run.group);
    await waitUntilGone(run.group);
    if (options.project === undefined) project[Symbol.dispose]();
  }
  try {
    const ready = /ready\..*?address +(\S+)\n +password +([^\n]+)\n +state +([^\n]+)\n.* curl .*\n/s;
    const [, baseUrl = "", password = "", stateDir = ""] = await Promise.race([
      run.waitForOutput(ready, { timeoutMs: READY_TIMEOUT_MS }),
      run.exited.then((code) => Promise.reject(new Error(`npm start ended (${code}):\n${run.output()}`))),
    ]);
    const fetchWithPassword = (path: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set("password", password);
      return fetch(new URL(path, baseUrl), { ...init, headers });
    };
    return {
      ...run,
      baseUrl,
      password,
      stateDir,
      project,
      fetch: fetchWithPassword,
      post: (path, body) => fetchWithPassword(path, { method: "POST", body: JSON.stringify(body) }),
      processes: () => processesOfGroup(run.group),
      process(pattern) {
        const found = processesOfGroup(run.group).find(({ command }) => pattern.test(command));
        if (found === undefined) throw new Error(`No process matches ${pattern}`);
        return found;
      },
      async kill() {
        killGroup(run.group);
        await waitUntilGone(run.group);
      },
      restart: (more) =>
        startIn(project, { ...options, env: { ...options.env, ...more }, port: Number(new URL(baseUrl).port) }),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs a command of the project to its end. */
export async function runToEnd(
  project: Pick<Project, "dir">,
  command: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | NodeJS.Signals; output: string }> {
  const run = runCommand(project.dir, command, env);
  return { code: await run.exited, output: run.output() };
}

/** Starts a command with nothing but `env` and what a shell needs in its environment. */
export function runCommand(cwd: string, [command = "", ...args]: string[], env: Record<string, string>): Run {
  const { PATH = "", HOME = "" } = process.env;
  // A process group of its own can be killed as a whole; npm must not warn of what is in the user's npmrc.
  const child = spawn(command, args, {
    cwd,
    env: { PATH, HOME, NPM_CONFIG_USERCONFIG: "/dev/null", NPM_CONFIG_UPDATE_NOTIFIER: "false", ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid === undefined) throw new Error(`${command} can't be started`);
  const output = collectOutput(child);
  return {
    group: child.pid,
    output: output.text,
    errors: output.errors,
    waitForOutput: output.waitFor,
    exited: once(child, "close").then(([code, signal]) => code ?? signal),
  };
}

function collectOutput(child: ChildProcess) {
  let text = "";
  let errors = "";
  const listeners = new Set<() => void>();
  function take(chunk: string) {
    text += chunk;
    for (const listener of listeners) listener();
  }
  child.stdout?.setEncoding("utf8").on("data", take);
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    errors += chunk;
    take(chunk);
  });
  return {
    text: () => text,
    errors: () => errors,
    waitFor: (pattern: RegExp, { from = 0, timeoutMs = 10_000 } = {}) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const timer = setTimeout(() => {
          listeners.delete(look);
          reject(new Error(`${pattern} did not appear within ${timeoutMs} ms in:\n${text.slice(from)}`));
        }, timeoutMs);
        function look() {
          const match = pattern.exec(text.slice(from));
          if (match === null) return;
          clearTimeout(timer);
          listeners.delete(look);
          resolve(match);
        }
        listeners.add(look);
        look();
      }),
  };
}
