import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGE = join(ROOT, "docs/protocol.md");
const TIMEOUT_MS = 15_000;
/** `UPDATE_DOCS=1` writes the answers into the page instead; `npm run docs` then makes the page at /docs. */
const isUpdate = process.env.UPDATE_DOCS === "1";

let tower: WatchTower;
/** The pulse key that was given out last. */
let key = "";
beforeAll(async () => {
  tower = await startWatchTower({ env: { PULSE_KEY_SECRET: "a secret that signs the keys of devices" } });
});
afterAll(() => tower.stop());

/** An example of the page: commands, one a line, which all give the same answer, as JSON or as text. */
interface Example {
  commands: string[];
  answer: string;
  isText: boolean;
}

const EXAMPLE = /^```sh\n([\s\S]*?)```\n\n```(json|text)\n([\s\S]*?)```$/gm;

function examplesOf(page: string): Example[] {
  return [...page.matchAll(EXAMPLE)].map(([, commands = "", kind, answer = ""]) => ({
    commands: commands.trim().split("\n"),
    answer,
    isText: kind === "text",
  }));
}

/** Runs a command as a reader would paste it. */
async function run(command: string, isText: boolean): Promise<unknown> {
  const env = { ...process.env, URL: tower.baseUrl, PASSWORD: tower.password, KEY: key };
  const { stdout } = await promisify(execFile)("bash", ["-c", `curl() { command curl -sS "$@"; }; ${command}`], {
    env,
  });
  // The page shows lines as lines, whatever ends them.
  if (isText) return stdout.replaceAll("\r\n", "\n").trimEnd();
  const answer = JSON.parse(stdout);
  key = answer.key ?? key;
  return answer;
}

/** An answer without what is different each time: dates, ids, keys, and the inbox's address. */
function lasting(answer: unknown): unknown {
  const text = JSON.stringify(answer)
    .replace(/\b\d{10}\b/g, "1795392000")
    .replace(/(wtk1\.[\w-]+)\.\d+\.[\w-]+/g, "$1.1795392000000.zSRJ3WwfMcUjzKw2cFGgLwnBLoHdxW1DG8cdVpYKh7I")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "2026-11-23 00:00:00")
    // A line may begin with an id: then the end of the line before, as JSON has it, stands right before it.
    .replace(/(?<![0-9A-Z])[0-9A-HJKMNP-TV-Z]{26}\b/g, "01M8374DZ0Q2V8K6CJ5V0S3XKD")
    .replace(/http:\/\/127\.0\.0\.1:\d+\/inbox/g, "http://127.0.0.1:40265/inbox");
  return JSON.parse(text);
}

/** What a command answers, once it is what is shown: an alert may still be on its way when the delivery log is asked. */
async function answerOf(command: string, shown: unknown, isText: boolean): Promise<unknown> {
  let said: unknown;
  await vi.waitFor(
    async () => {
      said = await run(command, isText);
      if (shown) expect(lasting(said), command).toEqual(shown);
      else if (command.includes("/alerts")) expect(said).toMatchObject({ alerts: [{ state: "delivered" }] });
    },
    { timeout: TIMEOUT_MS, interval: 100 },
  );
  return said;
}

describe("docs/protocol.md", () => {
  const page = readFileSync(PAGE, "utf8");
  const examples = examplesOf(page);

  it("shows what each of its commands answers", async () => {
    const answers: string[] = [];
    for (const { commands, answer, isText } of examples) {
      const shown = isUpdate ? undefined : lasting(isText ? answer.trimEnd() : JSON.parse(answer));
      const said = await Promise.all(commands.map((command) => answerOf(command, shown, isText)));
      for (const other of said) expect(lasting(other), commands.join("\n")).toEqual(lasting(said[0]));
      answers.push(isText ? String(said[0]) : JSON.stringify(said[0], null, 2));
    }
    if (isUpdate) writeFileSync(PAGE, withAnswers(page, answers));
  });

  it("has an example of every route", async () => {
    const { paths } = await description();
    const commands = examples.flatMap((example) => example.commands);
    const missing = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations)
        .filter((method) => !commands.some((command) => asks(command, method.toUpperCase(), path)))
        .map((method) => `${method} ${path}`),
    );
    expect(missing).toEqual([]);
  });

  it("is served at /docs, to everybody", async () => {
    const response = await fetch(`${tower.baseUrl}/docs`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await response.text();
    for (const { commands } of examples) expect(unescaped(html)).toContain(commands[0]);
    const style = html.match(/<link rel="stylesheet" href="(.+?)">/)?.[1];
    expect((await fetch(`${tower.baseUrl}${style}`)).status).toBe(200);
  });
});

describe("/openapi.json", () => {
  it("is a valid description by OpenAPI's own schema, and served to everybody and to other sites", async () => {
    const response = await fetch(`${tower.baseUrl}/openapi.json`);
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const result = await new Validator().validate((await response.json()) as Record<string, unknown>);
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
  });
});

describe("static assets", () => {
  it("have the style sheet and the script of the web interface, to be kept for good", async () => {
    const page = await (await fetch(`${tower.baseUrl}/gui/login`)).text();
    const paths = [...page.matchAll(/"(\/gui\/assets\/[^"]+)"/g)].map(([, path]) => path);
    expect(paths.map((path) => path?.replace(/.*\./, ""))).toEqual(["svg", "svg", "svg", "css", "js"]);
    for (const path of paths) {
      const response = await fetch(`${tower.baseUrl}${path}`);
      expect(response.status, path).toBe(200);
      expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    }
  });

  it("open no other path without the password", async () => {
    for (const path of ["/docs1", "/docs/x", "/_headers", "/openapi.json1", "/heartbeats"]) {
      expect((await fetch(`${tower.baseUrl}${path}`)).status, path).toBe(403);
    }
    expect((await tower.fetch("/docs1")).status).toBe(404);
  });
});

async function description(): Promise<{ paths: Record<string, Record<string, unknown>> }> {
  return (await fetch(`${tower.baseUrl}/openapi.json`)).json() as never;
}

/** Whether a curl command is a request of this method and path. */
function asks(command: string, method: string, path: string): boolean {
  const said = command.match(/-X (\w+)/)?.[1] ?? (command.includes(" -d ") ? "POST" : "GET");
  const asked = command.match(/"\$URL(\/[^"?]*)/)?.[1] ?? "";
  const pattern = new RegExp(`^${path.replace(/\{\w+\}/, "[^/]+")}$`);
  return said === method && pattern.test(asked);
}

function withAnswers(page: string, answers: string[]): string {
  let next = 0;
  return page.replace(EXAMPLE, (_, commands: string, kind: string) => {
    const answer = answers[next++];
    return `\`\`\`sh\n${commands}\`\`\`\n\n\`\`\`${kind}\n${answer}\n\`\`\``;
  });
}

function unescaped(html: string): string {
  return html
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}
