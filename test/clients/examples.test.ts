import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import { languages } from "./support/languages.ts";

const CLIENTS = resolve(import.meta.dirname, "../../clients");
const NODE_BIN = resolve(CLIENTS, "../node_modules/.bin");

/** Names that mean something to a shell, to crontab, to systemd, to HTML, or to a language. */
const NAMES = [
  "plain",
  `it's "100 %" <b>&amp;</b> $HOME \${HOME} \`id\` $(id) %h %% \\n \\ !! #`,
  "Füße 🎉 \u202eright to left",
];

let tower: WatchTower;
let cookie: string;
let folder: string;
let program: ChildProcess | undefined;

beforeAll(async () => {
  tower = await startWatchTower();
  cookie = await logIn();
  folder = mkdtempSync(join(tmpdir(), "watchtower-examples-"));
});
afterAll(async () => {
  await tower.stop();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  program?.kill("SIGKILL");
  program = undefined;
});

/** What a browser keeps once somebody has logged in; attempts are counted. */
async function logIn(): Promise<string> {
  const body = new URLSearchParams({ password: tower.password });
  const answer = await fetch(`${tower.baseUrl}/gui/login`, { method: "POST", body, redirect: "manual" });
  return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** An example as the service's page shows it. */
async function exampleOf(service: string, name: string): Promise<string> {
  const page = await fetch(`${tower.baseUrl}/gui/services/${encodeURIComponent(service)}`, { headers: { cookie } });
  const html = await page.text();
  expect(html).not.toContain(tower.password);
  const all = html.matchAll(/<summary>([^<]+)<\/summary><p>[^<]*<\/p><pre data-copy=""><code>([^<]*)<\/code>/g);
  const example = new Map([...all].map(([, of = "", code = ""]) => [of, unescapeHtml(code)])).get(name);
  if (example === undefined) throw new Error(`The page has no example for ${name}.`);
  return example;
}

function unescapeHtml(html: string): string {
  const characters: Record<string, string> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };
  return html.replace(/&([^;]+);/g, (_, name: string) => characters[name] ?? `&${name};`);
}

/** Runs a command with the password in its environment. */
function start(command: string, args: string[], env: Record<string, string> = {}): void {
  program = spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, WATCHTOWER_PASSWORD: tower.password, ...env },
    stdio: "inherit",
  });
}

async function runToEnd(command: string, args: string[]): Promise<void> {
  start(command, args);
  expect((await once(program as ChildProcess, "exit"))[0]).toBe(0);
}

interface HeartBeat {
  status: string;
  nextIn: number;
  alertTarget: string;
}

async function heartbeatOf(service: string): Promise<HeartBeat | undefined> {
  const answer = await tower.fetch(`/heartbeat?service=${encodeURIComponent(service)}`);
  return ((await answer.json()) as { heartBeat?: HeartBeat }).heartBeat;
}

const PROMISE = { nextIn: 3_600, alertType: "webhook", alertTarget: "https://hooks.example/it's?a=%25&b=$1" };

async function untilAlive(service: string, nextIn: number): Promise<void> {
  const alive = { ...PROMISE, nextIn, status: "alive" };
  await vi.waitFor(async () => expect(await heartbeatOf(service)).toMatchObject(alive), 20_000);
}

describe.each(NAMES)("the examples of a service named %j", (service) => {
  const example = (name: string, run: (code: string) => Promise<void>, nextIn = PROMISE.nextIn) =>
    it(`pulse by ${name}`, async () => {
      await tower.post("/heartbeat", { service, ...PROMISE });
      const code = await exampleOf(service, name);
      // The example has to bring it back.
      await tower.fetch("/heartbeat", { method: "DELETE", body: JSON.stringify({ service }) });
      await run(code);
      await untilAlive(service, nextIn);
    });
  const isPresent = (name: string) => languages.some((language) => language.name === name);

  example("curl", (code) => runToEnd("sh", ["-c", code]));

  example(
    "crontab",
    (line) => {
      const command = /^0 3 \* \* \* {2}(.*)$/.exec(line)?.[1] ?? "";
      // What cron makes of a line: a % that is not escaped ends the command.
      expect(command).not.toMatch(/(?<!\\)%/);
      return runToEnd("sh", ["-c", command.replaceAll("\\%", "%").replace("/usr/local/bin/job", "true")]);
    },
    90_000,
  );

  example("systemd", (unit) => {
    const command = /^ExecStartPost=(.*)$/m.exec(unit)?.[1] ?? "";
    const [program = "", ...args] = systemdWords(command);
    return runToEnd(program, args);
  });

  if (isPresent("Python")) {
    example("Python", async (code) => {
      writeFileSync(join(folder, "example.py"), `import signal\n\ndef work():\n    signal.pause()\n\n${code}\n`);
      start("python3", ["example.py"], { PYTHONPATH: join(CLIENTS, "python/src") });
    });
  }

  example("JavaScript", async (code) => {
    const packageDir = join(folder, "node_modules/watchtower-client");
    mkdirSync(packageDir, { recursive: true });
    copyFileSync(join(CLIENTS, "javascript/package.json"), join(packageDir, "package.json"));
    const build = ["-p", "tsconfig.build.json", "--outDir", join(packageDir, "dist")];
    execFileSync(join(NODE_BIN, "tsc"), build, { cwd: join(CLIENTS, "javascript"), stdio: "inherit" });
    writeFileSync(join(folder, "example.mjs"), `${code}\nsetInterval(() => {}, 1_000);\n`);
    start(process.execPath, ["example.mjs"]);
  });

  if (isPresent("Java")) {
    example("Java", async (code) => {
      const classes = join(folder, "classes");
      execFileSync("mvn", ["-q", "-B", "compile"], { cwd: join(CLIENTS, "java"), stdio: "inherit" });
      const imports = /^import .*;$/gm;
      const source = `${code.match(imports)?.join("\n")}
        class Example {
          public static void main(String[] arguments) throws Exception {
            ${code.replace(imports, "")}
            Thread.currentThread().join();
          }
        }`;
      writeFileSync(join(folder, "Example.java"), source);
      const path = join(CLIENTS, "java/target/classes");
      execFileSync("javac", ["-encoding", "US-ASCII", "-cp", path, "-d", classes, join(folder, "Example.java")]);
      start("java", ["-cp", `${path}:${classes}`, "Example"]);
    });
  }
});

/** The words that systemd makes of a command line (systemd.service, "Command lines"): those of ours are plain or in double quotes. */
function systemdWords(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    quoted === undefined
      ? (plain as string)
      : quoted
          .replace(/%(.)/g, (_, letter) => {
            if (letter !== "%") throw new Error(`%${letter} is a specifier.`);
            return "%";
          })
          .replace(/\\(.)/g, (_, letter) => {
            if (!['"', "\\"].includes(letter)) throw new Error(`\\${letter} is an escape sequence.`);
            return letter;
          })
          .replace(/\$(\$|\{WATCHTOWER_PASSWORD\})/g, (_, name) => (name === "$" ? "$" : tower.password)),
  );
}
