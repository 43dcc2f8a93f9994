import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fetchTrusting } from "../system/support/https.ts";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import { type Language, languages } from "./support/languages.ts";

let tower: WatchTower;
let certFile: string;
const programs: ChildProcessWithoutNullStreams[] = [];

beforeAll(async () => {
  tower = await startWatchTower({ args: ["--self-signed"] });
  certFile = join(tower.stateDir, "tls/cert.pem");
});
afterAll(() => tower.stop());
afterEach(() => {
  for (const program of programs.splice(0)) program.kill("SIGKILL");
});

/** What makes each client's program trust a certificate, as its README has it. */
const TRUST: Record<string, string> = {
  JavaScript: "NODE_EXTRA_CA_CERTS",
  Python: "WATCHTOWER_CA_FILE",
  Java: "WATCHTOWER_CA_FILE",
};

/** What a platform says of a certificate that it does not trust. */
const MISTRUST: Record<string, RegExp> = {
  JavaScript: /DEPTH_ZERO_SELF_SIGNED_CERT/,
  Python: /CERTIFICATE_VERIFY_FAILED/,
  Java: /unable to find valid certification path/,
};

/** Starts a program that pulses for a service, and gives the first line that it prints. */
async function firstLine({ cwd, pulser: [command = "", ...args] }: Language, service: string, env: object) {
  const program = spawn(command, [...args, service, "1", "3600"], {
    cwd,
    env: { ...process.env, WATCHTOWER_URL: tower.baseUrl, WATCHTOWER_PASSWORD: tower.password, ...env },
  });
  programs.push(program);
  const [line] = await once(createInterface(program.stdout), "line");
  return String(line);
}

async function statusOf(service: string): Promise<number | undefined> {
  const url = new URL(`/heartbeat/${encodeURIComponent(service)}`, tower.baseUrl);
  return (await fetchTrusting(url, certFile, { headers: { password: tower.password } })).status;
}

describe.each(languages)("a $name program, of a watchTower with a self-signed certificate", (language) => {
  const { name } = language;
  beforeAll(() => {
    const [command, ...args] = language.prepare ?? [];
    if (command) expect(spawnSync(command, args, { cwd: language.cwd, stdio: "inherit" }).status).toBe(0);
  }, 600_000);

  it("pulses when it is told to trust the certificate", async () => {
    expect(await firstLine(language, `${name} trusts`, { [TRUST[name] ?? ""]: certFile })).toBe("pulsing");
    expect(await statusOf(`${name} trusts`)).toBe(200);
  });

  it("does not pulse otherwise", async () => {
    const line = await firstLine(language, `${name} mistrusts`, {});
    expect(line).toMatch(/^failed: /);
    expect(line).toMatch(MISTRUST[name] ?? /^$/);
    expect(await statusOf(`${name} mistrusts`)).toBe(404);
  });
});
