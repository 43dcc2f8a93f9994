import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { nowhere, type Server, serve } from "../support/server.ts";
import { run, start } from "./support.ts";

const PASSWORD = "correct horse";

/** A watchTower that answers as told, and else that all is well. */
function tower(answers: Record<string, unknown> = {}): Promise<Server> {
  return serve((request, response) => {
    const path = request.url?.split("?")[0];
    const answer = answers[`${request.method} ${path}`] ?? {
      result: 200,
      id: "01M8374DZ0Q2V8K6CJ5V0S3XKA",
      heartBeat: { service: "backup", expected: 1_795_392_000 },
    };
    response.statusCode = (answer as { result: number }).result;
    response.end(JSON.stringify(answer));
  });
}

const at = (server: { url: string } | string) => ({
  WATCHTOWER_URL: typeof server === "string" ? server : server.url,
  WATCHTOWER_PASSWORD: PASSWORD,
});
const bodies = (server: Server) => server.requests.map(({ line, body }) => [line, body === "" ? "" : JSON.parse(body)]);
const text = (stdout: Buffer) => stdout.toString("utf8");

describe("watchtower pulse", () => {
  it("says everything that it is told", async () => {
    await using server = await tower();
    const options = [
      "--next-in",
      "25h",
      "--alert-type",
      "mail",
      "--alert-target",
      "a@example.com",
      "--grace",
      "30s",
      "--remind-every",
      "1h",
      "--pause-until",
      "2026-11-23T00:00:00Z",
      "--alert",
      "webhook:https://example.com/a:b",
    ];
    const { code, stdout, stderr } = await run(["pulse", "backup", ...options], at(server));
    expect({ code, stdout: text(stdout), stderr }).toEqual({
      code: 0,
      stdout: "backup is alive until 2026-11-23T00:00:00.000Z\n",
      stderr: "",
    });
    expect(bodies(server)).toEqual([
      [
        "POST /heartbeat",
        {
          service: "backup",
          nextIn: 90_000,
          alertType: "mail",
          alertTarget: "a@example.com",
          grace: 30,
          remindEvery: 3_600,
          pauseUntil: 1_795_392_000,
          alerts: [{ type: "webhook", target: "https://example.com/a:b" }],
        },
      ],
    ]);
  });

  it("passes on warnings", async () => {
    await using server = await tower({
      "POST /heartbeat": {
        result: 200,
        heartBeat: { service: "a", expected: 1 },
        warnings: ["PUSHOVER_TOKEN is not configured."],
      },
    });
    const { code, stderr } = await run(["pulse", "a", "--next-in", "60"], at(server));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "watchtower: PUSHOVER_TOKEN is not configured.\n" });
  });

  it("tells a refusal by its hint, with code 1", async () => {
    await using server = await tower({
      "POST /heartbeat": { result: 403, code: "forbidden", hint: "The header password is missing or wrong." },
    });
    const { code, stderr } = await run(["pulse", "a", "--next-in", "60"], at(server));
    expect({ code, stderr }).toEqual({ code: 1, stderr: "watchtower: The header password is missing or wrong.\n" });
  });
});

describe("other commands", () => {
  it("cancel and forget", async () => {
    await using server = await tower();
    expect(text((await run(["cancel", "backup"], at(server))).stdout)).toBe("backup is cancelled\n");
    expect(text((await run(["cancel", "--forget", "backup"], at(server))).stdout)).toBe("backup is forgotten\n");
    expect(bodies(server)).toEqual([
      ["DELETE /heartbeat", { service: "backup" }],
      ["DELETE /heartbeat", { service: "backup", forget: true }],
    ]);
  });

  it("list shows the dead first, and no control character of a name", async () => {
    const now = Math.floor(Date.now() / 1_000);
    const service = (name: string, status: string, expected: number) => ({
      service: name,
      status,
      expected,
      last: now - 300,
      alertType: "mail",
    });
    await using server = await tower({
      "GET /heartbeats": {
        result: 200,
        heartBeats: [
          service("calm", "cancelled", now),
          service("\u001b[2Jevil", "alive", now + 7_500),
          service("gone", "dead", now - 180),
        ],
      },
    });
    const { code, stdout } = await run(["list"], at(server));
    expect(code).toBe(0);
    const rows = text(stdout)
      .trimEnd()
      .split("\n")
      .map((row) => row.split(/ {2,}/));
    expect(rows).toEqual([
      ["service", "status", "last pulse", "due", "alerts"],
      ["gone", "✖ dead", "5 min ago", "3 min ago", "mail"],
      [" [2Jevil", "● alive", "5 min ago", "in 2 h", "mail"],
      ["calm", "○ cancelled", "5 min ago", "-", "mail"],
    ]);
    expect(JSON.parse(text((await run(["list", "--json"], at(server))).stdout))).toHaveLength(3);
  });

  it("event takes its message from stdin, too", async () => {
    await using server = await tower();
    await run(["event", "web", "-", "--level", "warning", "--alert"], at(server), 'two\nlines "quoted" é\n');
    const { stdout } = await run(["event", "--", "web", "-1 is a message"], at(server));
    expect(text(stdout)).toBe("01M8374DZ0Q2V8K6CJ5V0S3XKA\n");
    expect(bodies(server)).toEqual([
      ["POST /event", { service: "web", message: 'two\nlines "quoted" é', level: "warning", alert: true }],
      ["POST /event", { service: "web", message: "-1 is a message" }],
    ]);
  });

  it("events are printed oldest first, one a line", async () => {
    const event = (id: string, message: string) => ({
      id,
      date: 1_795_392_000,
      level: 4,
      service: "web",
      message,
      alert: false,
    });
    await using server = await tower({
      "GET /events": { result: 200, events: [event("b", "second\nline"), event("a", "first")] },
    });
    const { stdout } = await run(
      ["events", "--service", "web", "--level", "error", "--from", "5", "--to", "9"],
      at(server),
    );
    expect(text(stdout)).toBe("2026-11-23 00:00:00  error  web  first\n2026-11-23 00:00:00  error  web  second line\n");
    expect(server.requests[0]?.line).toBe("GET /events?service=web&level=error&from=5&to=9");
    expect(text((await run(["events", "--json", "--limit", "1"], at(server))).stdout)).toBe(
      `${JSON.stringify(event("b", "second\nline"))}\n`,
    );
  });

  it("events --follow prints each event once and in order, over an outage, until it is interrupted", async () => {
    const now = Math.floor(Date.now() / 1_000);
    const event = (id: number) => ({
      id: String(id),
      date: now,
      level: 1,
      service: "web",
      message: `event ${id}`,
      alert: false,
    });
    const polls = [[], [1], [2, 1], "down", [2, 1], [4, 3, 2, 1]];
    let poll = 0;
    await using server = await serve((_, response) => {
      const now = polls[Math.min(poll++, polls.length - 1)];
      if (now === "down")
        response.writeHead(400 + 29, { "retry-after": "3600" }).end('{"result":429,"hint":"Slow down."}');
      else response.end(JSON.stringify({ result: 200, events: (now as number[]).map(event) }));
    });
    const following = start(["events", "--follow"], at(server));
    await vi.waitFor(() => expect(following.output()).toContain("event 4"), { timeout: 30_000, interval: 50 });
    following.child.kill("SIGINT");
    const { code, stdout, stderr } = await following.ended;
    expect(code).toBe(0);
    expect(text(stdout).match(/event \d/g)).toEqual(["event 1", "event 2", "event 3", "event 4"]);
    expect(stderr).toMatch(/^watchtower: .*Slow down\.; trying again\nwatchtower: reached again\n$/);
  });
});

describe("watchtower run", () => {
  const job = (script: string) => ["run", "--service", "job", "--next-in", "1h", "--", "sh", "-c", script];

  it("pulses when the command succeeds, and leaves its input and output as they are, byte for byte", async () => {
    await using server = await tower();
    const bytes = Buffer.from(Array.from({ length: 1_048_576 }, (_, i) => (i * 31) & 0xff));
    const { code, stdout, stderr } = await run(job("cat; echo error >&2"), at(server), bytes);
    expect(code).toBe(0);
    expect(stdout.equals(bytes)).toBe(true);
    expect(stderr).toBe("error\n");
    expect(bodies(server)).toEqual([["POST /heartbeat", { service: "job", nextIn: 3_600 }]]);
  });

  it("sends an event with the end of the output when it fails, and has its code", async () => {
    await using server = await tower();
    const { code, stdout } = await run(job("seq 1 20000; echo 'last é' >&2; exit 3"), at(server));
    expect(code).toBe(3);
    expect(text(stdout).split("\n")).toHaveLength(20_001);
    const [[line, event]] = bodies(server) as [[string, { service: string; level: string; message: string }]];
    expect(line).toBe("POST /event");
    expect(event).toMatchObject({ service: "job", level: "error" });
    expect(event.message).toMatch(/^The command ended with code 3:\n/);
    expect(event.message).toContain("last é");
    expect(event.message).toContain("\n20000");
    expect(Buffer.byteLength(event.message)).toBeLessThan(17_000);
  });

  it("has the code of a shell for signals, and for what can't be run", async () => {
    await using server = await tower();
    expect((await run(job("kill -9 $$"), at(server))).code).toBe(137);
    expect(
      await run(["run", "--service", "job", "--next-in", "1h", "--", "no-such-command"], at(server)),
    ).toMatchObject({ code: 127, stderr: "watchtower: no-such-command: command not found\n" });
    expect((await run(["run", "--service", "job", "--next-in", "1h", "--", "/"], at(server))).code).toBe(126);
    expect(bodies(server).map(([, body]) => body.message)).toEqual([
      "The command was ended by SIGKILL.",
      "The command was not found.",
      "The command could not be started.",
    ]);
  });

  it("passes signals on", async () => {
    await using server = await tower();
    const running = start(
      job("trap 'echo trapped; exit 5' TERM; echo ready; while :; do sleep 0.05; done"),
      at(server),
    );
    await vi.waitFor(() => expect(running.output()).toContain("ready"), { timeout: 20_000 });
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 5 });
    expect(running.output()).toBe("ready\ntrapped\n");
  });

  it("has the command's code also when watchTower can't be reached, and says so in one line", async () => {
    const url = await nowhere();
    for (const [script, code] of [
      ["echo fine", 0],
      ["echo bad; exit 4", 4],
    ] as const) {
      const ended = await run(job(script), at(url));
      expect(ended.code).toBe(code);
      expect(ended.stderr).toMatch(/^watchtower: watchTower can't be reached: ECONNREFUSED\n$/);
    }
  });
});

describe("where watchTower is", () => {
  it("comes from flags, then the environment, then a file; the password never shows", async () => {
    await using server = await tower({ "GET /heartbeats": { result: 200, heartBeats: [] } });
    const folder = mkdtempSync(join(tmpdir(), "watchtower-config-"));
    const config = join(folder, "config.json");
    const kept = await run(["config", "--url", server.url, "--config", config], {}, `${PASSWORD}\n`);
    expect(kept).toMatchObject({ code: 0, stderr: "" });
    expect(text(kept.stdout)).toBe(`Kept in ${config}\n`);
    expect(statSync(config).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(config, "utf8"))).toEqual({ url: server.url, password: PASSWORD });
    expect(await run(["list", "--config", config])).toMatchObject({ code: 0 });
    const secret = join(folder, "secret");
    writeFileSync(secret, `${PASSWORD}\n`);
    expect(await run(["list", "--url", server.url, "--password-file", secret], at("http://127.0.0.1:1"))).toMatchObject(
      { code: 0 },
    );
    expect(server.requests).toHaveLength(2);
  });

  it("is not taken from a file that others may read", async () => {
    const config = join(mkdtempSync(join(tmpdir(), "watchtower-config-")), "config.json");
    writeFileSync(config, JSON.stringify({ url: "http://127.0.0.1:1", password: PASSWORD }));
    chmodSync(config, 0o644);
    const { code, stderr } = await run(["list", "--config", config]);
    expect(code).toBe(2);
    expect(stderr).toBe(`watchtower: ${config} holds a password, and others may read it: run "chmod 600 ${config}".\n`);
  });

  it("has to be said", async () => {
    const { code, stderr } = await run(["list"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^watchtower: No address is given\. Set WATCHTOWER_URL/);
  });
});

describe("wrong usage", () => {
  it.each([
    [["nonsense"], 'There is no command "nonsense"'],
    [["pulse"], "Give the service"],
    [["pulse", "a"], "--next-in is missing"],
    [["pulse", "a", "--next-in", "soon"], "--next-in must be a duration"],
    [["pulse", "a", "b", "--next-in", "1h"], "Give the service, and nothing else."],
    [["pulse", "a", "--next-in", "1h", "--alert", "mail"], "--alert must be TYPE:TARGET"],
    [["pulse", "a", "--nextin", "1h"], "--nextin"],
    [["event", "a"], "Give the service and the message"],
    [["events", "--from", "yesterday-ish"], "--from must be a date"],
    [["events", "--limit", "0"], "--limit must be a count"],
    [["run", "--service", "a", "--next-in", "1h"], "The command is missing"],
    [["run", "--next-in", "1h", "--", "true"], "--service is missing"],
    [["list", "--url", "ftp://x"], "The address: must be an http or https URL"],
  ])("%j is told in one line, with code 2", async (args, hint) => {
    const { code, stdout, stderr } = await run(args, at("http://127.0.0.1:1"));
    expect({ code, stdout: text(stdout) }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(hint);
    expect(stderr).toMatch(/^watchtower: [^\n]+\n$/);
  });

  it("is not met by help, which every command has", async () => {
    for (const command of ["pulse", "cancel", "list", "event", "events", "run", "config"]) {
      const { code, stdout } = await run([command, "--help"]);
      expect(code).toBe(0);
      expect(text(stdout)).toMatch(new RegExp(`^watchtower ${command} `));
    }
    expect(text((await run(["--help"])).stdout)).toContain("watchtower run --service backup");
    expect(text((await run(["--version"])).stdout)).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("code 3 says that watchTower can't be reached", async () => {
    expect(await run(["list"], at(await nowhere()))).toMatchObject({
      code: 3,
      stderr: "watchtower: watchTower can't be reached: ECONNREFUSED\n",
    });
  });
});
