import { generateKeyPairSync, randomBytes, type X509Certificate } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { Refusal } from "./refusal.ts";
import { readTls, type Tls } from "./tls.ts";

const DAY_MS = 86_400_000;
/** Apple's systems refuse a server's certificate that is valid for more than 825 days, even one that a user trusts. */
const VALID_DAYS = 820;
/** A start renews a certificate that has no more than this left. */
const RENEWED_DAYS = 60;
/** Clocks differ. */
const BEFORE_MS = DAY_MS;
const KEY_BITS = 2_048;

/** The names that a self-signed certificate has to have: the local ones, where it listens, and its public one. */
export function ownNames(host: string, publicUrl: string | undefined): string[] {
  const names = ["localhost", "127.0.0.1", "::1"];
  // Those that mean every address are the name of none.
  if (!["0.0.0.0", "::"].includes(host)) names.push(host);
  if (publicUrl !== undefined && URL.canParse(publicUrl)) names.push(bare(new URL(publicUrl).hostname));
  return names;
}

function bare(name: string): string {
  return name.replace(/^\[|\]$/g, "");
}

/**
 * The self-signed certificate of a state folder. It stays the same over restarts, since clients are told to trust it;
 * one that lacks a name, ends soon or can't be used is replaced. `made` says whether it was.
 */
export async function selfSigned(stateDir: string, names: string[]): Promise<{ tls: Tls; made: boolean }> {
  const folder = join(stateDir, "tls");
  const files = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
  const kept = readKept(files);
  if (kept !== undefined && isGood(kept.leaf, names)) return { tls: kept, made: false };

  // The machine's name is of use, but a container has another one each time: no reason to make a new certificate.
  const { key, cert } = await makeCertificate([...new Set([...names, hostname()])]);
  mkdirSync(folder, { recursive: true });
  // A key without its certificate is taken for unusable, and both are made anew.
  replaceFile(files.keyFile, key, 0o600);
  replaceFile(files.certFile, cert, 0o644);
  return { tls: readTls(files), made: true };
}

function readKept(files: { certFile: string; keyFile: string }): Tls | undefined {
  try {
    return readTls(files);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function isGood(leaf: X509Certificate, names: string[]): boolean {
  const left = Date.parse(leaf.validTo) - Date.now();
  return left > RENEWED_DAYS * DAY_MS && names.every((name) => has(leaf, name));
}

function has(leaf: X509Certificate, name: string): boolean {
  return (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined;
}

/** Written beside it first: whoever reads it, and whoever stops halfway, has the old one or the new one. */
function replaceFile(file: string, text: string, mode: number): void {
  const fresh = `${file}.new`;
  writeFileSync(fresh, text, { mode });
  renameSync(fresh, file);
}

/** Makes a key and a certificate for it, both in PEM. Node makes keys, but no certificates. */
async function makeCertificate(names: string[]): Promise<{ key: string; cert: string }> {
  // Loaded only where it is needed.
  const { default: forge } = await import("node-forge");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: KEY_BITS });
  const key = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  const forgeKey = forge.pki.privateKeyFromPem(key);

  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(forgeKey.n, forgeKey.e);
  // Positive: a serial number's first bit is its sign.
  certificate.serialNumber = `00${randomBytes(16).toString("hex")}`;
  certificate.validity.notBefore = new Date(Date.now() - BEFORE_MS);
  certificate.validity.notAfter = new Date(Date.now() - BEFORE_MS + VALID_DAYS * DAY_MS);
  const subject = [{ name: "commonName", value: "watchTower" }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    // No authority: who trusts it trusts nothing else by it.
    { name: "basicConstraints", cA: false, critical: true },
    { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
    { name: "extKeyUsage", serverAuth: true },
    {
      name: "subjectAltName",
      altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })),
    },
    { name: "subjectKeyIdentifier" },
  ]);
  certificate.sign(forgeKey, forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate).replaceAll("\r", "") };
}
