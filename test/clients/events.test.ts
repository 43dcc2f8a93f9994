import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, request as forward, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as until } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import { type Language, languages } from "./support/languages.ts";

/** So many events a program queues, within about three seconds. */
const COUNT = 5_000;

let tower: WatchTower;
let program: ChildProcess | undefined;
let proxy: Server | undefined;
beforeAll(async () => {
  tower = await startWatchTower();
});
afterAll(() => tower.stop());
afterEach(() => {
  program?.kill("SIGKILL");
  program = undefined;
  proxy?.closeAllConnections();
  proxy?.close();
  proxy = undefined;
});

/** Starts a program that queues events, and says how it ended. */
function queueing({ cwd, events: [command = "", ...args] }: Language, service: string, url: string) {
  const env = { ...process.env, WATCHTOWER_URL: url, WATCHTOWER_PASSWORD: tower.password };
  const child = spawn(command, [...args, service, String(COUNT)], { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  program = child;
  let stdout = "";
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  return once(child, "close").then(([code]) => ({ code, stdout }));
}

interface Stored {
  id: string;
  message: string;
  fields: { number: number };
}

async function storedOf(service: string): Promise<Stored[]> {
  const answer = await tower.fetch(`/events/export?service=${encodeURIComponent(service)}`);
  const text = await answer.text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** What the tower has is what was queued: each event once, in its order, with its own fields. */
async function expectAll(service: string): Promise<void> {
  const stored = await storedOf(service);
  const numbers = Array.from({ length: COUNT }, (_, i) => i);
  expect(stored.map(({ message }) => message)).toEqual(numbers.map((number) => `event ${number}`));
  expect(stored.map(({ fields }) => fields.number)).toEqual(numbers);
}

/**
 * A proxy that treats one request after the other differently: it passes some on, drops the answers of some that the tower
 * has taken, refuses some, and takes some without an answer.
 */
async function mischief(): Promise<{ url: string; treated: string[] }> {
  const kinds = ["lose the answer", "pass on", "refuse", "cut off", "lose the answer", "pass on", "lose the answer"];
  const treated: string[] = [];
  proxy = createServer((incoming, outgoing) => {
    const kind = kinds[treated.length] ?? "pass on";
    treated.push(kind);
    if (kind === "refuse") return outgoing.writeHead(503).end();
    if (kind === "cut off") return incoming.once("data", () => incoming.destroy());
    const { method, url, headers } = incoming;
    const target = forward(new URL(url ?? "/", tower.baseUrl), { method, headers }, (answer) => {
      if (kind === "lose the answer") return answer.resume().on("end", () => outgoing.destroy());
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      return answer.pipe(outgoing);
    });
    return incoming.pipe(target);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, treated };
}

describe.each(languages)("a $name program that queues events", (language) => {
  beforeAll(() => {
    const [command, ...args] = language.prepare ?? [];
    if (command) expect(spawnSync(command, args, { cwd: language.cwd, stdio: "inherit" }).status).toBe(0);
  }, 600_000);

  it("loses and doubles none while watchTower is killed again and again", async () => {
    const service = `${language.name} through kills`;
    const ended = queueing(language, service, tower.baseUrl);
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    for (let kill = 0; kill < 3 && !isOver; kill++) {
      // Anywhere in what the program does.
      await until(150 + kill * 170);
      await tower.kill();
      tower = await tower.restart();
    }
    expect(await ended).toEqual({ code: 0, stdout: "queued\ndropped 0\n" });
    await expectAll(service);
  });

  it("loses and doubles none where answers are lost, and requests are refused or cut off", async () => {
    const service = `${language.name} through mischief`;
    const { url, treated } = await mischief();
    expect(await queueing(language, service, url)).toEqual({ code: 0, stdout: "queued\ndropped 0\n" });
    await expectAll(service);
    expect(treated.filter((kind) => kind !== "pass on")).toHaveLength(5);
    // Many together, even so.
    expect(treated.length).toBeLessThan(COUNT / 10);
  });
});
