import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canMount, type Image, inContainer, makeImage, readDockerfile } from "./support/container.ts";
import { killGroup, waitUntilGone } from "./support/processes.ts";
import { type Run, runCommand, runToEnd } from "./support/watchtower.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");

describe("the image", () => {
  test("Its Node is the one that the project pins, by its digest.", () => {
    const { devDependencies } = JSON.parse(read("package.json"));
    expect(read("Dockerfile")).toMatch(
      new RegExp(`^ARG NODE_IMAGE=node:${devDependencies.node}-bookworm-slim@sha256:[0-9a-f]{64}$`, "m"),
    );
  });

  test("It holds what is named, and nothing else: no secret, no state.", () => {
    const [everything, ...taken] = read(".dockerignore").match(/^[^#\n].*$/gm) ?? [];
    expect(everything).toBe("*");
    const copied = readDockerfile().copies.map(([from]) => `!${from}`);
    expect(taken.sort()).toEqual([...copied, "!package-lock.json"].sort());
    expect(read("Dockerfile")).not.toMatch(/PASSWORD|TOKEN|API_KEY|^ARG (?!NODE_IMAGE)/m);
  });

  test("It runs as a user who is not root.", () => {
    expect(readDockerfile().user).toBe("node");
  });
});

// Namespaces are the operating system's: where it gives none, as to a user who is not root, Docker has to tell.
describe.runIf(canMount())("its command, as another user, where only /state can be written to", () => {
  let image: Image;
  let run: Run | undefined;
  beforeAll(() => {
    image = makeImage();
  });
  afterAll(async () => {
    await stop();
    image[Symbol.dispose]();
  });

  async function start(args: string[] = [], env: Record<string, string> = {}): Promise<Record<string, string>> {
    const given = { PORT: "0", HOST: "127.0.0.1", ...env };
    const changed = { ...image, stage: { ...image.stage, env: { ...image.stage.env, ...given } } };
    run = runCommand("/", inContainer(changed, [...image.stage.command, ...args]), {});
    const [line = ""] = await Promise.race([
      run.waitForOutput(/^.*"tower\.started".*$/m, { timeoutMs: 30_000 }),
      run.exited.then(() => Promise.reject(new Error(run?.output()))),
    ]);
    return JSON.parse(line);
  }
  async function stop(): Promise<void> {
    if (run === undefined) return;
    killGroup(run.group);
    await waitUntilGone(run.group);
    run = undefined;
  }
  const health = () => runToEnd({ dir: "/" }, inContainer(image, image.stage.healthCommand));

  test("It starts, is healthy, and keeps its own password and all else in /state.", async () => {
    const started = await start();
    expect(started.passwordFile).toBe("/state/password");
    const file = join(image.state, "password");
    expect(statSync(file)).toMatchObject({ uid: 1_000, mode: 0o100600 });
    const password = readFileSync(file, "utf8").trim();
    expect(run?.output()).not.toContain(password);
    const pulse = { method: "POST", headers: { password }, body: '{"service":"a","nextIn":3600}' };
    expect((await fetch(new URL("/heartbeat", started.address), pulse)).status).toBe(200);
    expect(await health()).toEqual({ code: 0, output: '{"result":200}\n' });

    await stop();
    expect(await health()).toMatchObject({ code: 1, output: expect.stringContaining("/health can't be reached") });
    const again = await start();
    expect(readFileSync(file, "utf8").trim()).toBe(password);
    const known = await fetch(new URL("/heartbeat/a", again.address), { headers: { password } });
    expect(await known.json()).toMatchObject({ heartBeat: { status: "alive" } });
    await stop();
  });

  test("It speaks TLS with a certificate of its own, and is healthy then, too.", async () => {
    const started = await start(["--self-signed"], { PASSWORD: "from outside" });
    expect(started).toMatchObject({ certFile: "/state/tls/cert.pem", address: expect.stringMatching(/^https:/) });
    expect(started.passwordFile).toBeUndefined();
    expect(existsSync(join(image.state, "tls/key.pem"))).toBe(true);
    expect(await health()).toEqual({ code: 0, output: '{"result":200}\n' });
    await stop();
  });

  test("A state folder that can't be written to is refused.", async () => {
    const { stage } = image;
    const elsewhere = { ...image, stage: { ...stage, env: { ...stage.env, STATE_DIR: "/app/state" } } };
    const { code, output } = await runToEnd({ dir: "/" }, inContainer(elsewhere, stage.command));
    expect(code).toBe(1);
    expect(JSON.parse(output)).toMatchObject({ event: "tower.refused", reason: expect.stringMatching(/^STATE_DIR/) });
  });
});
