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

  it("events are searched for, and shown with their fields", async () => {
    const event = { id: "a", date: 1_795_392_000, level: 4, service: "web", message: "slow", alert: false };
    await using server = await tower({
      "GET /events": { result: 200, events: [{ ...event, fields: { host: "web-1", ms: 12.5, evil: "\u001b[2J" } }] },
    });
    const search = ["-q", 'level:>=error "disk full"', "--field", "host=web-1", "--field", "a=b=c"];
    expect(text((await run(["events", ...search], at(server))).stdout)).toBe(
      "2026-11-23 00:00:00  error  web  slow  host=web-1  ms=12.5  evil= [2J\n",
    );
    expect(server.requests[0]?.line).toBe(
      "GET /events?q=level%3A%3E%3Derror%20%22disk%20full%22&field.host=web-1&field.a=b%3Dc",
    );
  });

  it("event says fields: texts, numbers and booleans", async () => {
    await using server = await tower();
    await run(["event", "web", "slow", "--field", "host=1", "--field", "ms:=12.5", "--field", "ok:=true"], at(server));
    expect(bodies(server)).toEqual([
      ["POST /event", { service: "web", message: "slow", fields: { host: "1", ms: 12.5, ok: true } }],
    ]);
  });

  it("rules are listed, written and deleted", async () => {
    const rule = { name: "errors", q: "level:>=error", alertType: "mail", alertTarget: "a@b", quiet: 3_600 };
    await using server = await tower({
      "GET /rules": {
        result: 200,
        rules: [
          { ...rule, count: 5, seconds: 60 },
          { ...rule, name: "disk", q: '"disk full"', count: 1, seconds: 60 },
        ],
      },
      "PUT /rules/errors": {
        result: 200,
        rule: { ...rule, count: 5, seconds: 60 },
        warnings: ["MAIL_FROM is missing."],
      },
      "DELETE /rules/gone": { result: 404, code: "not_found", hint: "There is no rule of this name." },
    });
    const rows = text((await run(["rules"], at(server))).stdout)
      .trimEnd()
      .split("\n");
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ["rule", "search", "when", "quiet", "alerts"],
      ["errors", "level:>=error", "5 events within 60 s", "60 min", "mail"],
      ["disk", '"disk full"', "each event", "60 min", "mail"],
    ]);
    const options = ["-q", "level:>=error", "--count", "5", "--within", "1m", "--quiet", "1h", "--alert-type", "mail"];
    const put = await run(["rules", "put", "errors", ...options, "--alert-target", "a@b"], at(server));
    expect(put).toMatchObject({ code: 0, stderr: "watchtower: MAIL_FROM is missing.\n" });
    expect(text(put.stdout)).toBe("errors alerts mail of 5 events within 60 s\n");
    expect(text((await run(["rules", "delete", "errors"], at(server))).stdout)).toBe("errors is deleted\n");
    expect(text((await run(["rules", "delete", "gone"], at(server))).stdout)).toBe("gone is unknown\n");
    const body = { q: "level:>=error", alertType: "mail", alertTarget: "a@b", count: 5, seconds: 60, quiet: 3_600 };
    expect(bodies(server)).toEqual([
      ["GET /rules", ""],
      ["PUT /rules/errors", body],
      ["DELETE /rules/errors", ""],
      ["DELETE /rules/gone", ""],
    ]);
  });
});

describe("watchtower tail", () => {
  it.each([
    ["tail", "--since", "1h"],
    ["events", "--follow", "--since", "1h"],
  ])("as %s %s prints each event once and in order, over an outage, until it is interrupted", async (...args) => {
    const streams = [[1, 2], "down", [3], "down", [4]];
    const seen: (string | undefined)[] = [];
    const startedMs = Date.now();
    await using server = await serve((request, response) => {
      seen.push(request.headers["last-event-id"] as string | undefined);
      const now = streams.shift();
      if (now === "down") return response.writeHead(503).end('{"result":503,"hint":"Not now."}');
      response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 10\n\n");
      for (const id of now as number[]) {
        const event = { id: String(id), date: 1, level: 1, service: "web", message: `event ${id}`, alert: false };
        response.write(`id: ${id}\ndata: ${JSON.stringify(event)}\n\n`);
      }
      return streams.length > 0 && response.end();
    });
    const following = start([...args, "--service", "web", "-q", "x"], at(server));
    await vi.waitFor(() => expect(following.output()).toContain("event 4"), { timeout: 30_000, interval: 50 });
    following.child.kill("SIGINT");
    const { code, stdout, stderr } = await following.ended;
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "watchtower: GET /events/tail (503): Not now.; trying again\nwatchtower: reached again\n".repeat(2),
    });
    expect(text(stdout).match(/event \d/g)).toEqual(["event 1", "event 2", "event 3", "event 4"]);
    expect(server.requests[0]?.line).toBe("GET /events/tail?service=web&q=x");
    // It begins with the events of the last hour: after the lowest id of that time.
    expect(seen.slice(1)).toEqual(["2", "2", "3", "3"]);
    expect(seen[0]).toMatch(/^01[0-9A-Z]{8}0{16}$/);
    const since = [...(seen[0] ?? "").slice(0, 10)].reduce(
      (ms, digit) => ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(digit),
      0,
    );
    expect(since).toBeGreaterThan(startedMs - 3_602_000);
    expect(since).toBeLessThanOrEqual(Date.now() - 3_600_000);
  });

  it("says that a server is too old for it", async () => {
    await using server = await serve((_, response) => response.writeHead(404).end('{"result":404,"hint":"No."}'));
    expect(await run(["tail"], at(server))).toMatchObject({
      code: 1,
      stderr: "watchtower: The server has no GET /events/tail: it is older than this client, or no watchTower.\n",
    });
  });
});

describe("watchtower export", () => {
  it("prints what comes, byte for byte", async () => {
    const csv = `id,message\r\n${'1,"é\nü"\r\n'.repeat(100_000)}`;
    await using server = await serve((_, response) =>
      response.writeHead(200, { "content-type": "text/csv; charset=utf-8; header=present" }).end(csv),
    );
    const { code, stdout } = await run(["export", "--format", "csv", "--from", "5", "--after", "X"], at(server));
    expect(code).toBe(0);
    expect(text(stdout)).toBe(csv);
    expect(server.requests[0]?.line).toBe("GET /events/export?format=csv&from=5&after=X");
  });

  it("that breaks off has code 3, and says so", async () => {
    await using server = await serve((_, response) =>
      response.writeHead(200, { "content-type": "application/x-ndjson" }).write("{}\n", () => response.destroy()),
    );
    const { code, stdout, stderr } = await run(["export"], at(server));
    expect({ code, stdout: text(stdout) }).toEqual({ code: 3, stdout: "{}\n" });
    expect(stderr).toMatch(/^watchtower: The export broke off: .*What was printed is not all/);
  });
});

describe("watchtower event --stdin", () => {
  const all = { result: 200, stored: 0, ids: [], refused: [] };

  it("sends each line as an event, together", async () => {
    await using server = await tower({ "POST /events": all });
    const args = ["event", "web", "--stdin", "--level", "warning", "--field", "host=web-1"];
    const { code, stdout, stderr } = await run(args, at(server), "first é\n\n\u2028second\r\nlast");
    expect({ code, stdout: text(stdout), stderr }).toEqual({ code: 0, stdout: "3 events\n", stderr: "" });
    const sent = bodies(server).flatMap(([, events]) => events);
    const id = expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    const event = { id, service: "web", level: "warning", fields: { host: "web-1" } };
    expect(sent).toEqual(["first é", "\u2028second", "last"].map((message) => ({ ...event, message })));
    expect(server.requests.every(({ line }) => line === "POST /events")).toBe(true);
  });

  it("sends the events that lines of JSON are, and tells which are none, or are refused", async () => {
    await using server = await serve((_, response) => {
      const events: { service?: string }[] = JSON.parse(server.requests.at(-1)?.body ?? "[]");
      const refused = events.flatMap(({ service }, index) => (service ? [] : [{ index, hint: "service is missing." }]));
      response.end(JSON.stringify({ ...all, refused }));
    });
    const exported = {
      id: "01KXP4XMF0PJ52PJ52PJ52PJ52",
      date: 1_784_160_000,
      service: "a",
      message: "\u2028",
      level: 4,
    };
    const dated = { service: "a", message: "dated", date: "2026-07-16T02:00:00.123+02:00", fields: { ok: true } };
    const input = `${JSON.stringify(exported)}\nno JSON\n${JSON.stringify({ message: "whose?" })}\n[]\n${JSON.stringify(dated)}\n`;
    const { code, stdout, stderr } = await run(["event", "--stdin"], at(server), input);
    expect({ code, stdout: text(stdout) }).toEqual({ code: 1, stdout: "2 events\n" });
    expect(stderr.trimEnd().split("\n").sort()).toEqual([
      "watchtower: This line is no event as JSON: []",
      "watchtower: This line is no event as JSON: no JSON",
      "watchtower: service is missing.",
    ]);
    const [first, , third] = bodies(server).flatMap(([, events]) => events);
    expect(first).toEqual(exported);
    expect(third).toEqual({
      service: "a",
      message: "dated",
      fields: { ok: true },
      id: expect.stringMatching(/^01KXM3J63V[0-9A-HJKMNP-TV-Z]{16}$/),
    });
  });

  it("waits an outage out, loses nothing of what comes meanwhile, and holds no more than it can", async () => {
    const lines = 20_000;
    const arrived = new Map<string, string>();
    let failures = 3;
    await using server = await serve((_, response) => {
      if (failures-- > 0) return response.writeHead(503).end('{"result":503,"hint":"Not now."}');
      for (const { id, message } of JSON.parse(server.requests.at(-1)?.body ?? "[]")) arrived.set(id, message);
      return response.end(JSON.stringify(all));
    });
    const input = Array.from({ length: lines }, (_, i) => `line ${i}\n`).join("");
    const { code, stdout, stderr } = await run(["event", "web", "--stdin"], at(server), input);
    expect({ code, stdout: text(stdout) }).toEqual({ code: 0, stdout: `${lines} events\n` });
    expect(stderr).toBe("watchtower: POST /events (503): Not now.; trying again\n");
    // Their ids sort as they came.
    const inOrder = [...arrived].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, message]) => message);
    expect(inOrder).toEqual(Array.from({ length: lines }, (_, i) => `line ${i}`));
  });

  it("sends what it has when it is interrupted", async () => {
    await using server = await tower({ "POST /events": all });
    const running = start(["event", "web", "--stdin"], at(server), "first\n", { keepsOpen: true });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 20_000 });
    running.child.stdin.write("second\n");
    await vi.waitFor(() => expect(server.requests).toHaveLength(2), { timeout: 20_000 });
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(running.output()).toBe("2 events\n");
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
    [["events", "--field", "host"], "--field must be NAME=VALUE"],
    [["events", "--field", "ms:=fast"], "--field must be NAME=VALUE"],
    [["events", "--follow", "--limit", "5"], "--follow goes on without end"],
    [["event", "--stdin", "--level", "error"], "Without a service each line is an event"],
    [["event", "web", "text", "--stdin"], "With --stdin give the service at most"],
    [["tail", "--to", "5"], "--to"],
    [["export", "--format", "xml"], "--format must be ndjson or csv"],
    [["rules", "put", "a"], "--query is missing"],
    [["rules", "delete"], "Give the rule's name"],
    [["rules", "nonsense"], '"nonsense" is not expected here'],
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
    for (const command of [
      ...["pulse", "cancel", "list", "event", "events", "tail", "export", "rules", "run", "config"],
    ]) {
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
