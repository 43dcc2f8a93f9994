import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fetchTrusting, makeCertificate, openssl } from "./support/https.ts";
import { copyProjectWithFixture, type Project } from "./support/project.ts";
import { runToEnd, startWatchTower, type WatchTower } from "./support/watchtower.ts";

const DAY_MS = 86_400_000;

/** What the line that `npm start` prints answers when it is pasted, and what it wrote to stderr. */
function paste(tower: WatchTower, change = (line: string) => line): Record<string, unknown> {
  const [line = ""] = /^ +curl .*/m.exec(tower.output()) ?? [];
  const words = change(line).replace("curl", "curl --silent --show-error");
  return JSON.parse(execFileSync("sh", ["-c", words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }));
}

const certFileOf = ({ stateDir }: Pick<WatchTower, "stateDir">) => join(stateDir, "tls/cert.pem");
const certificateIn = (file: string) => new X509Certificate(readFileSync(file));
const openFilesOf = (pid: number) => execFileSync("ls", ["-l", `/proc/${pid}/fd`], { encoding: "utf8" });

/** The TCP ports on which a process listens. */
function portsOf(pid: number): number[] {
  const sockets = new Set([...openFilesOf(pid).matchAll(/socket:\[(\d+)\]/g)].map(([, inode]) => inode));
  const tables = ["tcp", "tcp6"].map((name) => readFileSync(`/proc/${pid}/net/${name}`, "utf8")).join("\n");
  return tables.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    // 0A: it listens.
    return state === "0A" && sockets.has(inode) ? [Number.parseInt(local.split(":")[1] ?? "", 16)] : [];
  });
}

async function refusalOf(project: Project, env: Record<string, string>, args: string[] = []): Promise<string> {
  const command = ["npm", "start", ...(args.length > 0 ? ["--", ...args] : [])];
  const { code, output } = await runToEnd(project, command, { PORT: "0", ...env });
  expect(code).toBe(1);
  expect(output).not.toMatch(/^ +at .+:\d+:\d+/m);
  return output;
}

describe("a self-signed certificate", () => {
  test("The curl line works when it is pasted, and not without the certificate.", async () => {
    await using tower = await startWatchTower({ args: ["--self-signed"] });
    expect(tower.baseUrl).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(paste(tower)).toMatchObject({ result: 200 });
    expect(() => paste(tower, (line) => line.replace(/--cacert '[^']*'/, ""))).toThrow(/self-signed certificate/);
    expect(() => paste(tower, (line) => line.replace(/--cacert '[^']*'|https:/g, "http:"))).toThrow();
  });

  test("It has this machine's names, is no authority, and its key is for its owner only.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({
      project,
      args: ["--self-signed"],
      env: { PUBLIC_URL: "https://tower.example:8787/" },
    });
    const certificate = certificateIn(certFileOf(tower));
    for (const name of ["localhost", "tower.example", hostname()]) expect(certificate.checkHost(name)).toBe(name);
    for (const address of ["127.0.0.1", "::1"]) expect(certificate.checkIP(address)).toBe(address);
    expect(certificate.checkHost("elsewhere.example")).toBeUndefined();
    expect(certificate.ca).toBe(false);
    const days = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / DAY_MS;
    expect(days).toBeLessThanOrEqual(825);
    expect(statSync(join(tower.stateDir, "tls/key.pem")).mode & 0o777).toBe(0o600);
  });

  test("It stays the same over restarts.", async () => {
    using project = copyProjectWithFixture();
    await using first = await startWatchTower({ project, args: ["--self-signed"] });
    const { fingerprint256 } = certificateIn(certFileOf(first));
    await first.kill();
    await using second = await first.restart();
    expect(certificateIn(certFileOf(second)).fingerprint256).toBe(fingerprint256);
    expect(second.output()).not.toContain("Made the certificate");
  });

  test.for([
    ["ends soon", ["IP:127.0.0.1", "IP:::1", "DNS:localhost"], 30],
    ["lacks a name", ["IP:127.0.0.1", "DNS:localhost"], 300],
  ] as const)("One that %s is replaced.", async ([_, names, days]) => {
    using project = copyProjectWithFixture();
    const old = makeCertificate(project.dir, "old", [...names], days);
    mkdirSync(join(project.dir, "state/tls"), { recursive: true });
    copyFileSync(old.certFile, join(project.dir, "state/tls/cert.pem"));
    copyFileSync(old.keyFile, join(project.dir, "state/tls/key.pem"));
    await using tower = await startWatchTower({ project, stateDir: "state", args: ["--self-signed"] });
    expect(tower.output()).toContain(`Made the certificate ${certFileOf(tower)}`);
    expect(certificateIn(certFileOf(tower)).subject).toBe("CN=watchTower");
    expect(paste(tower)).toMatchObject({ result: 200 });
  });

  test("A browser's session is for https only, and there is one port.", async () => {
    await using tower = await startWatchTower({ args: ["--self-signed"] });
    const url = new URL("/gui/login", tower.baseUrl);
    const login = { method: "POST", headers: { origin: url.origin }, body: `password=${tower.password}` };
    const form = { ...login.headers, "content-type": "application/x-www-form-urlencoded" };
    const { status, headers } = await fetchTrusting(url, certFileOf(tower), { ...login, headers: form });
    expect(status).toBe(303);
    expect(String(headers["set-cookie"])).toMatch(/; Secure/);
    expect(portsOf(tower.process(/workerd serve/).pid)).toEqual([Number(url.port)]);
  });
});

describe("a certificate of one's own", () => {
  test("The curl line works with a name that leads elsewhere, and a chain.", async () => {
    using project = copyProjectWithFixture();
    const root = makeCertificate(project.dir, "root", ["DNS:root.example"], 100);
    const keyFile = join(project.dir, "server.key");
    const request = join(project.dir, "server.csr");
    const leaf = join(project.dir, "leaf.crt");
    openssl(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", keyFile, "-subj", "/CN=x", "-out", request]);
    project.write("names", "subjectAltName=DNS:*.tower.example\n");
    const signer = ["-CA", root.certFile, "-CAkey", root.keyFile, "-CAcreateserial", "-days", "90"];
    openssl(["x509", "-req", "-in", request, ...signer, "-extfile", join(project.dir, "names"), "-out", leaf]);
    project.write("server.crt", readFileSync(leaf, "utf8") + readFileSync(root.certFile, "utf8"));

    await using tower = await startWatchTower({
      project,
      env: { TLS_KEY_FILE: "server.key", TLS_CERT_FILE: join(project.dir, "server.crt") },
    });
    expect(tower.baseUrl).toMatch(/^https:\/\/watchtower\.tower\.example:\d+$/);
    expect(paste(tower)).toMatchObject({ result: 200 });
    // The chain is served: who trusts the root needs nothing else.
    expect(paste(tower, (line) => line.replace("server.crt", "root.crt"))).toMatchObject({ result: 200 });
    expect(await runToEnd(project, ["npm", "run", "health"])).toMatchObject({ code: 0 });
  });

  test("A restart takes a renewed one, and loses nothing.", async () => {
    using project = copyProjectWithFixture();
    const names = ["IP:127.0.0.1"];
    const { certFile, keyFile } = makeCertificate(project.dir, "server", names, 10);
    await using first = await startWatchTower({ project, env: { TLS_KEY_FILE: keyFile, TLS_CERT_FILE: certFile } });
    await first.waitForOutput(/The certificate \S+ ends in 9 days\. A restart takes a renewed one\./);
    const count = (tower: WatchTower) => fetchTrusting(new URL("/count", tower.baseUrl), certFile);
    expect((await count(first)).body).toBe("1");

    makeCertificate(project.dir, "server", names, 90);
    await expect(count(first)).rejects.toThrow(/self-signed certificate/);
    process.kill(first.process(/^node scripts\/start\.ts/).pid, "SIGTERM");
    expect(await first.exited).toBe(0);
    await using second = await first.restart();
    expect((await count(second)).body).toBe("2");
    expect(second.output()).not.toContain("ends in");
  });

  test("What can't be used is refused with the reason, before anything is written.", async () => {
    using project = copyProjectWithFixture();
    const { certFile, keyFile } = makeCertificate(project.dir, "one", ["DNS:a"], 10);
    const other = makeCertificate(project.dir, "other", ["DNS:a"], 10);
    const locked = join(project.dir, "locked.key");
    openssl(["pkcs8", "-topk8", "-in", keyFile, "-out", locked, "-passout", "pass:secret"]);
    const tls = (cert: string, key: string) => ({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key });

    expect(await refusalOf(project, { TLS_CERT_FILE: certFile })).toContain("belong together");
    expect(await refusalOf(project, tls("nowhere.crt", keyFile))).toMatch(
      /TLS_CERT_FILE \S+nowhere\.crt can't be read/,
    );
    expect(await refusalOf(project, tls(keyFile, keyFile))).toContain("holds no certificate in PEM");
    expect(await refusalOf(project, tls(certFile, locked))).toContain("without a passphrase");
    expect(await refusalOf(project, tls(certFile, other.keyFile))).toContain("is not the key of the first certificate");
    expect(await refusalOf(project, tls(certFile, keyFile), ["--self-signed"])).toContain("--self-signed is for where");
    expect(await refusalOf(project, {}, ["--selfsigned"])).toContain("Usage: npm start, or npm start -- --self-signed");
    expect(() => statSync(join(project.dir, ".wrangler"))).toThrow(/ENOENT/);
  });
});
