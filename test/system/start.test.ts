import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { killGroup, waitUntilGone } from "./support/processes.ts";
import { copyProjectWithFixture } from "./support/project.ts";
import { startProviderStub } from "./support/provider-stub.ts";
import { runCommand, runToEnd, startWatchTower } from "./support/watchtower.ts";

const STACK_TRACE = /^ +at .+:\d+:\d+/m;

describe("what npm start prints", () => {
  test("The curl line works when it is pasted.", async () => {
    await using tower = await startWatchTower();
    expect(JSON.parse(paste(curlLine(tower.output())))).toMatchObject({ result: 200 });
  });

  test("The curl line works with a password that a shell would take apart.", async () => {
    const PASSWORD = `it's "$HOME" \`id\` \\ !`;
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project, env: { PASSWORD } });
    const words = curlLine(tower.output()).replace("curl", "printf '%s\\n'");
    expect(paste(words)).toContain(`password: ${PASSWORD}\n`);
    expect(existsSync(join(project.dir, ".dev.vars"))).toBe(false);
  });

  test("The pulse names a target where there is no default one.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project, env: { PUSHOVER_TOKEN: "token" } });
    expect(curlLine(tower.output())).toContain('"alertType":"pushover"');
    expect(tower.output()).not.toContain("inbox");
  });

  test("The Worker's log lines are printed, and nothing is printed for a request.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    const before = tower.output().length;
    await tower.fetch("/heartbeat");
    await tower.fetch("/log");
    await tower.waitForOutput(/a line to stderr/);
    expect(tower.output().slice(before).split("\n").sort()).toEqual(["", "a line to stderr", "a line to stdout"]);
    expect(tower.errors()).toContain("a line to stderr\n");
    expect(tower.errors()).not.toContain("a line to stdout");
  });
});

describe("configuration", () => {
  test("It comes from the environment, then from .dev.vars, and what is empty counts as not set.", async () => {
    using project = copyProjectWithFixture();
    project.write(".dev.vars", 'TIMEZONE="Europe/Paris"\nGRACE_SECONDS=3\nMAIL_FROM=a@example.com\nOTHER=1\n');
    await using tower = await startWatchTower({
      project,
      env: { PASSWORD: "secret", GRACE_SECONDS: "7", MAIL_FROM: "", PUSHOVER_TOKEN: "", SOMETHING_ELSE: "1" },
    });
    const response = await tower.fetch("/variables");
    const inbox = /inbox +(\S+)/.exec(tower.output())?.[1];
    expect(await response.json()).toEqual({
      PASSWORD: "secret",
      TIMEZONE: "Europe/Paris",
      GRACE_SECONDS: "7",
      MAIL_FROM: "a@example.com",
      ALLOW_PRIVATE_WEBHOOKS: "true",
      PLAN: "paid",
      DEFAULT_ALERT_TYPE: "webhook",
      DEFAULT_ALERT_TARGET: inbox,
    });
  });

  test("Where there is a default target, alerts go there, and there is no inbox.", async () => {
    await using provider = await startProviderStub();
    await using tower = await startWatchTower({
      env: { GRACE_SECONDS: "0", DEFAULT_ALERT_TYPE: "webhook", DEFAULT_ALERT_TARGET: `${provider.url}/hook` },
    });
    expect(tower.output()).not.toContain("inbox");
    await tower.post("/heartbeat", { service: "demo", nextIn: 1 });
    const { body } = await provider.waitFor(({ method, path }) => method === "POST" && path === "/hook");
    expect(JSON.parse(body)).toMatchObject({ title: "Service demo has not pulsed" });
  });

  test("A generated password is kept in .dev.vars, for its owner only, beside what is there.", async () => {
    using project = copyProjectWithFixture();
    project.write(".dev.vars", "TIMEZONE=UTC");
    chmodSync(join(project.dir, ".dev.vars"), 0o644);
    await using first = await startWatchTower({ project });
    await first.kill();
    await using second = await first.restart();
    expect(second.password).toBe(first.password);
    expect(readFileSync(join(project.dir, ".dev.vars"), "utf8")).toBe(`TIMEZONE=UTC\nPASSWORD=${first.password}\n`);
    expect(statSync(join(project.dir, ".dev.vars")).mode & 0o777).toBe(0o600);
  });

  test.for(["abc", "70000"])("PORT=%s is refused.", async (PORT) => {
    using project = copyProjectWithFixture();
    const { code, output } = await runToEnd(project, ["npm", "start"], { PORT });
    expect(code).toBe(1);
    expect(output).toContain(`PORT must be a whole number from 0 (any free port) to 65535, not "${PORT}".`);
    expect(output).not.toMatch(STACK_TRACE);
  });

  test("A table of wrangler.toml that would be ignored is refused.", async () => {
    using project = copyProjectWithFixture();
    const toml = readFileSync(join(project.dir, "wrangler.toml"), "utf8");
    project.write("wrangler.toml", `${toml}\n[[kv_namespaces]]\nbinding = "KV"\n`);
    const { code, output } = await runToEnd(project, ["npm", "start"], { PORT: "0" });
    expect(code).toBe(1);
    expect(output).toContain('wrangler.toml has "kv_namespaces"');
  });
});

describe("refusals", () => {
  test("A second start on the same STATE_DIR is refused, and the first one runs on.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    const { code, output } = await runToEnd(project, ["npm", "start"], { PORT: "0" });
    expect(code).toBe(1);
    expect(output).toContain(`STATE_DIR ${tower.stateDir} is in use by another watchTower`);
    expect(output).not.toMatch(STACK_TRACE);
    expect((await tower.fetch("/")).status).toBe(200);
  });

  test("A taken port is refused before anything is written.", async () => {
    using project = copyProjectWithFixture();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = other.address() as { port: number };
      const { code, output } = await runToEnd(project, ["npm", "start"], { PORT: String(port) });
      expect(code).toBe(1);
      expect(output).toContain(`PORT ${port} on 127.0.0.1 is taken`);
      expect(output).not.toMatch(STACK_TRACE);
      expect(existsSync(join(project.dir, ".wrangler"))).toBe(false);
      expect(existsSync(join(project.dir, ".dev.vars"))).toBe(false);
    } finally {
      other.close();
    }
  });

  test.for([
    ["that can't be parsed", "export default { fetch( }", /can't be bundled:.*src\/index\.ts:1/s],
    [
      "that imports what is not there",
      'import "./nothing.ts";',
      /can't be bundled:.*Could not resolve "\.\/nothing\.ts"/s,
    ],
    [
      "that throws when it is loaded",
      'throw new Error("no luck");',
      /no luck.*The Worker can't be started, for the reason above\./s,
    ],
  ] as const)("Code %s is refused with its place or its message.", async ([_, code, message]) => {
    using project = copyProjectWithFixture();
    project.write("src/index.ts", code);
    const run = await runToEnd(project, ["npm", "start"], { PORT: "0" });
    expect(run.code).toBe(1);
    expect(run.output).toMatch(message);
  });
});

describe("state", () => {
  test("It is kept when all processes are killed at once.", async () => {
    using project = copyProjectWithFixture();
    await using first = await startWatchTower({ project });
    await first.fetch("/count");
    await first.fetch("/notes", { method: "POST", body: "before" });
    await first.kill();
    await using second = await first.restart();
    expect(await (await second.fetch("/count")).json()).toBe(2);
    expect(await (await second.fetch("/notes")).json()).toEqual(["before"]);
  });

  test("Pending migrations are applied once, in wrangler's bookkeeping.", async () => {
    using project = copyProjectWithFixture();
    await using first = await startWatchTower({ project });
    expect(first.output()).toContain("Applied the migration 0000_notes.sql");
    await first.kill();

    project.write(
      "migrations/0001_more.sql",
      "alter table notes add column extra text;\n-- A last remark; no statement.\n",
    );
    project.write(
      "migrations/0002_view.sql",
      "create table more (id integer);\ncreate view notes_now as select text from notes;",
    );
    await using second = await first.restart();
    expect(second.output().match(/Applied the migration .+/g)).toEqual([
      "Applied the migration 0001_more.sql",
      "Applied the migration 0002_view.sql",
    ]);
    await second.fetch("/notes", { method: "POST", body: "after" });
    await second.kill();

    const list = "wrangler d1 migrations list DB --local".split(" ");
    const wrangler = await runToEnd(
      project,
      ["node_modules/.bin/node", "node_modules/.bin/wrangler", ...list.slice(1)],
      {
        WRANGLER_SEND_METRICS: "false",
      },
    );
    expect(wrangler.output).toContain("No migrations to apply");
  });

  test("A migration that fails leaves nothing behind, and nothing starts.", async () => {
    using project = copyProjectWithFixture();
    project.write("migrations/0001_bad.sql", "create table half (id integer);\ncreate table half (id integer);");
    const { code, output } = await runToEnd(project, ["npm", "start"], { PORT: "0" });
    expect(code).toBe(1);
    expect(output).toContain("The migration 0001_bad.sql failed: D1_ERROR: table half already exists");

    project.write("migrations/0001_bad.sql", "create table half (id integer);");
    await using tower = await startWatchTower({ project });
    expect(tower.output().match(/Applied the migration .+/g)).toEqual(["Applied the migration 0001_bad.sql"]);
  });
});

describe("ends", () => {
  test("When npm alone is killed, nothing is left, and the next start works.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    process.kill(tower.group, "SIGKILL");
    await waitUntilGone(tower.group, 3_000);
    await using next = await tower.restart();
    expect((await next.fetch("/")).status).toBe(200);
  });

  test("When node alone is killed, nothing is left, and the next start works.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    process.kill(tower.process(/^node scripts\/start\.ts/).pid, "SIGKILL");
    await waitUntilGone(tower.group, 3_000);
    await using next = await tower.restart();
    expect((await next.fetch("/")).status).toBe(200);
  });

  test("When workerd is killed, it says so and fails.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    process.kill(tower.process(/workerd serve/).pid, "SIGKILL");
    expect(await tower.exited).toBe(1);
    expect(tower.errors()).toContain("the Workers runtime ended unexpectedly (SIGKILL)");
    await waitUntilGone(tower.group, 3_000);
  });

  test("SIGTERM ends it in good order.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    process.kill(tower.process(/^node scripts\/start\.ts/).pid, "SIGTERM");
    expect(await tower.exited).toBe(0);
    await waitUntilGone(tower.group, 3_000);
  });

  test("Ctrl-C, which reaches all of its processes, ends it without a complaint.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    process.kill(-tower.group, "SIGINT");
    await tower.exited;
    await waitUntilGone(tower.group, 3_000);
    expect(tower.output()).not.toContain("unexpectedly");
  });

  test("It outlives the reader of its output.", async () => {
    using project = copyProjectWithFixture();
    // `sed` goes away as soon as it has seen the address.
    const run = runCommand(project.dir, ["sh", "-c", "npm start | sed '/address/q'"], { PORT: "0" });
    try {
      const [, address = ""] = await run.waitForOutput(/address +(\S+)/, { timeoutMs: 30_000 });
      for (let logged = 0; logged < 3; logged++) await fetch(new URL("/log", address)).catch(() => undefined);
      await run.waitForOutput(/(a line to stderr\n.*){3}/s);
      expect((await fetch(address)).status).toBe(200);
    } finally {
      killGroup(run.group);
      await waitUntilGone(run.group);
    }
  });

  test("It outlives the shell that started npm.", async () => {
    using project = copyProjectWithFixture();
    const run = runCommand(project.dir, ["sh", "-c", "nohup npm start & exit 0"], { PORT: "0" });
    try {
      const [, address = ""] = await run.waitForOutput(/address +(\S+)/, { timeoutMs: 30_000 });
      // Time enough to notice that something is gone.
      await delay(1_500);
      expect((await fetch(address)).status).toBe(200);
    } finally {
      killGroup(run.group);
      await waitUntilGone(run.group);
    }
  });
});

describe("cron triggers", () => {
  test.for(["http", "https"])("They fire on their schedule, also after a run that failed, by %s.", async (scheme) => {
    using project = copyProjectWithFixture();
    project.write("wrangler.toml", withCron(project.dir, "* * * * * *"));
    const args = scheme === "https" ? ["--self-signed"] : [];
    await using tower = await startWatchTower({ project, args, env: { MAIL_FROM: "fail" } });
    await tower.waitForOutput(/(scheduled: \* \* \* \* \* \*.+){2}/s);
    await tower.waitForOutput(/The cron trigger "\* \* \* \* \* \*" failed: .*exception/);
  });

  test("They and a Worker that logs much don't wait for each other.", async () => {
    using project = copyProjectWithFixture();
    project.write("wrangler.toml", withCron(project.dir, "* * * * * *"));
    await using tower = await startWatchTower({ project });
    let runs = 0;
    const logging = Array.from({ length: 4 }, async () => {
      while (runs < 2) expect((await tower.fetch("/log-much")).status).toBe(200);
    });
    for (let from = 0; runs < 2; runs++) {
      const seen = await tower.waitForOutput(/scheduled: /, { from, timeoutMs: 60_000 });
      from += seen.index + 1;
    }
    await Promise.all(logging);
  });

  test("One that can't be understood is refused.", async () => {
    using project = copyProjectWithFixture();
    project.write("wrangler.toml", withCron(project.dir, "every day"));
    const { code, output } = await runToEnd(project, ["npm", "start"], { PORT: "0" });
    expect(code).toBe(1);
    expect(output).toContain('the cron trigger "every day" is not understood');
  });

  test("The routes that would fire them without a password are closed.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    for (const path of ["/cdn-cgi/handler/scheduled", "/cdn-cgi/mf/scheduled", "/cdn-cgi/local/scheduled"]) {
      const response = await fetch(new URL(path, tower.baseUrl));
      expect(await response.json()).toMatchObject({ pathname: path });
    }
    expect(tower.output()).not.toContain("scheduled:");
  });
});

describe("the local inbox", () => {
  const alert = {
    id: "1",
    kind: "dead",
    service: "demo",
    title: "Service demo has not pulsed",
    message: "The service demo is not pulsing since then",
    date: "2026-11-22T12:34:56.789Z",
  };

  test("It prints each alert, whatever else it is sent.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    const inbox = /inbox +(\S+)/.exec(tower.output())?.[1] ?? "";
    const post = async (body: string, url = inbox) => (await fetch(url, { method: "POST", body })).status;

    expect(await post("")).toBe(400);
    expect(await post("no JSON")).toBe(400);
    expect(await post("[null]")).toBe(400);
    expect(await post('{"title":1}')).toBe(400);
    expect(await post(JSON.stringify(alert), new URL("/elsewhere", inbox).href)).toBe(404);
    expect((await fetch(inbox)).status).toBe(405);
    expect(await post("x".repeat(2_000_000))).toBe(413);
    expect(await post(JSON.stringify({ ...alert, title: "\u001b[2J", message: 5, date: "never" }))).toBe(200);
    expect(await post(JSON.stringify(alert))).toBe(200);

    await tower.waitForOutput(
      /\nALERT {2}2026-11-22 12:34:56 UTC\n {7}Service demo has not pulsed\n {7}The service demo is not/,
    );
    expect(tower.output().match(/^ALERT/gm)).toHaveLength(2);
    expect(tower.output()).not.toContain("\u001b");
  });

  test("It has the same address after a restart, because undelivered alerts point there.", async () => {
    using project = copyProjectWithFixture();
    await using first = await startWatchTower({ project });
    await first.kill();
    await using second = await first.restart();
    const address = /inbox +\S+/;
    expect(address.exec(second.output())?.[0]).toBe(address.exec(first.output())?.[0]);
  });

  test("A service that stops pulsing is announced there.", async () => {
    await using tower = await startWatchTower({ env: { GRACE_SECONDS: "0" } });
    await tower.post("/heartbeat", { service: "demo", nextIn: 1 });
    await tower.waitForOutput(/ALERT .*\n +Service demo has not pulsed\n/);
  });
});

describe("npm run sql", () => {
  test("It reads beside a running service without getting in its way, and does not write.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    let writing = true;
    const statuses = new Set<number>();
    async function writeNotes() {
      while (writing) statuses.add((await tower.fetch("/notes", { method: "POST", body: "a\nb" })).status);
    }
    const writers = [writeNotes(), writeNotes()];
    try {
      const read = await sql(project, "select distinct text, null as empty from notes");
      expect(read).toMatchObject({ code: 0, output: "text  empty\n----  -----\na\\nb  NULL\n\n1 row\n" });
      const written = await sql(project, "delete from notes");
      expect(written.code).toBe(1);
      expect(written.output).toContain("watchTower is running");
    } finally {
      writing = false;
      await Promise.all(writers);
    }
    expect([...statuses]).toEqual([200]);
  });

  test("It writes while the service is down.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    await tower.kill();
    expect(await sql(project, "insert into notes values ('mine')")).toEqual({ code: 0, output: "1 row changed\n" });
    await using again = await tower.restart();
    expect(await (await again.fetch("/notes")).json()).toEqual(["mine"]);
  });

  test("It says what is wrong.", async () => {
    using project = copyProjectWithFixture();
    expect(await sql(project, "select 1")).toMatchObject({
      code: 1,
      output: expect.stringContaining("run npm start first"),
    });
    await using tower = await startWatchTower({ project });
    for (const [statement, message] of [
      ["selekt 1", 'near "selekt": syntax error'],
      ["select 1; delete from notes", "One statement at a time"],
      ["", "Usage: npm run sql"],
    ] as const) {
      const { code, output } = await sql(project, statement);
      expect(code).toBe(1);
      expect(output).toContain(message);
      expect(output).not.toMatch(STACK_TRACE);
    }
    expect(tower.errors()).toBe("");
  });
});

/** The line to paste, out of what was printed. */
function curlLine(output: string): string {
  return /^ +(curl .+)$/m.exec(output)?.[1] ?? "";
}

function paste(line: string): string {
  return execFileSync("sh", ["-c", line], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

function sql(project: { dir: string }, statement: string) {
  return runToEnd(project, ["npm", "run", "--silent", "sql", "--", statement]);
}

function withCron(dir: string, schedule: string): string {
  const toml = readFileSync(join(dir, "wrangler.toml"), "utf8");
  return toml.replace(/^crons = .*$/m, `crons = ["${schedule}"]`);
}
