import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { killGroup, waitUntilGone } from "../system/support/processes.ts";
import { copyProject, type Project } from "../system/support/project.ts";
import { Client } from "./client.ts";
import type { Excuse, Hold, Uptime } from "./observed.ts";

const READY_TIMEOUT_MS = 60_000;
/** So much of what it printed last is kept, for when it does not start. */
const KEPT_OUTPUT = 20_000;

/** watchTower under `npm start`, which may be killed and started again at any moment, also while it starts. */
export class Tower implements AsyncDisposable {
  readonly port: number;
  readonly password = "chaos";
  readonly uptimes: Uptime[] = [];
  readonly excuses: Excuse[] = [];
  readonly holds: Hold[] = [];
  /** How often each event of the log was seen. */
  readonly logged = new Map<string, number>();
  readonly #project: Project;
  readonly #env: Record<string, string>;
  readonly #client: Client;
  #child: ChildProcess | undefined;
  #output = "";
  /** The processes are a group of their own, and would outlive a run that is broken off. */
  readonly #leave = () => {
    if (this.#child?.pid !== undefined) killGroup(this.#child.pid);
    this.#project[Symbol.dispose]();
  };

  constructor(port: number, env: Record<string, string>) {
    this.port = port;
    this.#project = copyProject();
    this.#client = new Client(port, this.password, 1);
    this.#env = { ...env, PORT: String(port), PASSWORD: this.password, STATE_DIR: `${this.#project.dir}/state` };
    process.once("exit", this.#leave);
  }

  get stateDir(): string {
    return `${this.#project.dir}/state`;
  }

  /** Whether it has been ready, and was not killed since. */
  get isUp(): boolean {
    const last = this.uptimes.at(-1);
    return last?.readyMs !== undefined && last.killMs === undefined;
  }

  /** Starts the processes, and does not wait for more. */
  start(): void {
    const { PATH = "", HOME = "" } = process.env;
    const quiet = { NPM_CONFIG_USERCONFIG: "/dev/null", NPM_CONFIG_UPDATE_NOTIFIER: "false" };
    // A process group of its own can be killed as a whole.
    this.#child = spawn("npm", ["start"], {
      cwd: this.#project.dir,
      env: { PATH, HOME, ...quiet, ...this.#env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#output = "";
    this.uptimes.push({ startMs: Date.now() });
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#read(stream);
  }

  /** Waits until it answers; rejects where it ended, or takes too long. */
  async ready(): Promise<void> {
    const deadlineMs = Date.now() + READY_TIMEOUT_MS;
    for (;;) {
      if (this.#child?.exitCode !== null) throw new Error(`npm start ended:\n${this.#output}`);
      const answer = await this.#client.send("GET", "/hello");
      if (typeof answer !== "string" && answer.status === 200) break;
      if (Date.now() > deadlineMs) throw new Error(`npm start was not ready in time:\n${this.#output}`);
      await delay(50);
    }
    const uptime = this.uptimes.at(-1);
    if (uptime) uptime.readyMs = Date.now();
  }

  /** Kills all of its processes with SIGKILL at once, and waits until they are gone. */
  async kill(): Promise<void> {
    const group = this.#child?.pid;
    const uptime = this.uptimes.at(-1);
    if (group === undefined || !uptime) return;
    uptime.killMs = Date.now();
    killGroup(group);
    await waitUntilGone(group, 20_000);
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    process.off("exit", this.#leave);
    if (this.#child?.pid !== undefined) {
      killGroup(this.#child.pid);
      await waitUntilGone(this.#child.pid, 20_000);
    }
    this.#project[Symbol.dispose]();
  }

  #read(stream: ChildProcess["stdout"]): void {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#output = (this.#output + chunk).slice(-KEPT_OUTPUT);
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#note(line);
    });
  }

  #note(line: string): void {
    if (!line.startsWith('{"level"')) return;
    const said = JSON.parse(line) as { event: string; service?: string; sign?: string; forMs?: number };
    const { event, service = "", sign = "", forMs = 0 } = said;
    const atMs = Date.now();
    this.logged.set(event, (this.logged.get(event) ?? 0) + 1);
    if (event === "service.excused") this.excuses.push({ service, sign, atMs, forMs });
    if (event === "service.held") this.holds.push({ service, atMs, forMs });
  }
}

/** A port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
