import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nowhere, serve } from "./support/server.ts";

/** Runs a program of ours to its end. */
async function run(name: string, url: string, args: string[] = [], input = "") {
  const program = spawn(process.execPath, [join(import.meta.dirname, "programs", name), ...args], {
    env: { ...process.env, WATCHTOWER_URL: url, WATCHTOWER_PASSWORD: "secret" },
  });
  let stdout = "";
  let stderr = "";
  program.stdout.on("data", (data) => {
    stdout += data;
    // The first pulse has come through.
    if (stdout.includes("pulsing")) program.stdin.end(input);
  });
  program.stderr.on("data", (data) => {
    stderr += data;
  });
  const [code] = await once(program, "close");
  return { code, stdout, stderr };
}

describe("a program with a full queue", () => {
  it("ends with its own code, in silence, when nobody listens", async () => {
    expect(await run("full-queue.ts", await nowhere())).toEqual({ code: 7, stdout: "dropped 10\n", stderr: "" });
  });

  it("ends in time when the server never answers", async () => {
    await using server = await serve(() => {});
    expect(await run("full-queue.ts", server.url)).toEqual({ code: 7, stdout: "dropped 10\n", stderr: "" });
  });

  it("sends what it has before it ends", async () => {
    await using server = await serve((_, response) => response.end('{"result":200,"stored":3,"ids":[],"refused":[]}'));
    expect(await run("full-queue.ts", server.url)).toEqual({ code: 7, stdout: "dropped 7\n", stderr: "" });
    expect(server.requests.map(({ line }) => line)).toEqual(["POST /events"]);
    const events: { message: string }[] = JSON.parse(server.requests[0]?.body ?? "");
    expect(events.map(({ message }) => message)).toEqual(["event 0", "event 1", "event 2"]);
  });
});

describe("a program that pulses", () => {
  const heartBeat = '{"result":200,"heartBeat":{"service":"worker"}}';

  it("is not kept alive by that, and cancels when it ends", async () => {
    await using server = await serve((_, response) => response.end(heartBeat));
    expect(await run("pulser.ts", server.url, ["worker", "600", "900"], "exit\n")).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(server.requests).toEqual([
      { line: "POST /heartbeat", body: '{"service":"worker","nextIn":900}' },
      { line: "DELETE /heartbeat", body: '{"service":"worker"}' },
    ]);
  });

  it("does not cancel when it crashes", async () => {
    await using server = await serve((_, response) => response.end(heartBeat));
    expect((await run("pulser.ts", server.url, ["worker", "600", "900"], "crash\n")).code).toBe(1);
    expect(server.requests.map(({ line }) => line)).toEqual(["POST /heartbeat"]);
  });
});
