import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { killGroup, waitUntilGone } from "./support/processes.ts";
import { copyProjectWithFixture } from "./support/project.ts";
import { runCommand, runToEnd } from "./support/watchtower.ts";

const JSON_LINES = { LOG_FORMAT: "json", PORT: "0" };

/** What a service's manager and a container run: without npm, which speaks for itself. */
const COMMAND = ["node_modules/.bin/node", "scripts/start.ts"];

const linesOf = (output: string): Record<string, unknown>[] =>
  output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

test("With LOG_FORMAT=json everything is a JSON line, from the start to the end, and none has the password.", async () => {
  using project = copyProjectWithFixture();
  const run = runCommand(project.dir, [...COMMAND, "--self-signed"], { ...JSON_LINES, MAIL_FROM: "fail" });
  try {
    await run.waitForOutput(/"tower\.started".*\n/, { timeoutMs: 30_000 });
    const started = linesOf(run.output()).find(({ event }) => event === "tower.started");
    const stateDir = join(project.dir, ".wrangler/state");
    expect(started).toEqual({
      level: "info",
      event: "tower.started",
      version: JSON.parse(readFileSync(join(project.dir, "package.json"), "utf8")).version,
      address: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/),
      stateDir,
      passwordFile: join(project.dir, ".dev.vars"),
      certFile: join(stateDir, "tls/cert.pem"),
      inbox: expect.stringMatching(/^http:/),
    });
    const alert = { title: "A title", message: "and\nmore", date: "2026-11-22T12:34:56.789Z" };
    await fetch(String(started?.inbox), { method: "POST", body: JSON.stringify(alert) });
    await run.waitForOutput(/inbox\.alert.*\n/);
    process.kill(run.group, "SIGTERM");
    expect(await run.exited).toBe(0);

    const lines = linesOf(run.output());
    expect(lines.map(({ event }) => event)).toEqual([
      "certificate.made",
      "migration.applied",
      "tower.started",
      "inbox.alert",
      "tower.stopping",
    ]);
    expect(lines).toContainEqual({ level: "info", event: "inbox.alert", ...alert });
    expect(lines).toContainEqual({ level: "info", event: "tower.stopping", reason: "SIGTERM" });
    const password = /PASSWORD=(.+)/.exec(readFileSync(join(project.dir, ".dev.vars"), "utf8"))?.[1] ?? "";
    expect(run.output()).not.toContain(password);
  } finally {
    killGroup(run.group);
    await waitUntilGone(run.group);
  }
});

test("The Worker's JSON lines are passed on as they are, and what else is written in a line of its own.", async () => {
  using project = copyProjectWithFixture();
  project.write(
    "src/index.ts",
    `${readFileSync(join(project.dir, "src/index.ts"), "utf8")}
     console.log(JSON.stringify({ level: "info", event: "service.born" })); console.warn("two\\nlines");`,
  );
  const run = runCommand(project.dir, COMMAND, JSON_LINES);
  try {
    await run.waitForOutput(/"tower\.started".*\n/, { timeoutMs: 30_000 });
    const lines = linesOf(run.output());
    expect(lines).toContainEqual({ level: "info", event: "service.born" });
    expect(lines).toContainEqual({ level: "warn", event: "runtime.said", text: "two\nlines" });
    expect(linesOf(run.errors()).every(({ level }) => level !== "info")).toBe(true);
  } finally {
    killGroup(run.group);
    await waitUntilGone(run.group);
  }
});

test("So is a refusal.", async () => {
  using project = copyProjectWithFixture();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = other.address() as { port: number };
    const taken = await runToEnd(project, COMMAND, { ...JSON_LINES, PORT: String(port) });
    expect(taken.code).toBe(1);
    const reason = expect.stringContaining(`PORT ${port} on 127.0.0.1 is taken`);
    expect(linesOf(taken.output)).toEqual([{ level: "error", event: "tower.refused", reason }]);
  } finally {
    other.close();
  }
  const unknown = await runToEnd(project, COMMAND, { LOG_FORMAT: "xml" });
  expect(unknown).toEqual({ code: 1, output: 'LOG_FORMAT must be text or json, not "xml".\n' });
  expect(existsSync(join(project.dir, ".wrangler"))).toBe(false);
});
