import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { Refusal } from "./refusal.ts";
import type { Voice } from "./voice.ts";

const DAY_MS = 86_400_000;
/** From so long before a certificate's end on, it is said that it ends: Let's Encrypt's are renewed 30 days before. */
const WARNING_DAYS = 14;

/** A certificate and its key, checked. */
export interface Tls {
  /** Absolute. */
  certFile: string;
  /** In PEM; the certificate may have a chain behind it. */
  cert: string;
  key: string;
  leaf: X509Certificate;
}

/** Reads a certificate and its key; refuses what the runtime could not use, or would complain of in riddles. */
export function readTls({ certFile, keyFile }: { certFile: string; keyFile: string }): Tls {
  const cert = readText("TLS_CERT_FILE", certFile);
  const leaf = parseCertificate(certFile, cert);
  const key = parseKey(keyFile, readText("TLS_KEY_FILE", keyFile));
  if (!leaf.checkPrivateKey(key)) {
    throw new Refusal(
      `TLS_KEY_FILE ${keyFile} is not the key of the first certificate in TLS_CERT_FILE ${certFile}. ` +
        "A chain begins with the server's own certificate.",
    );
  }
  // In the one form that each kind of key has.
  return { certFile, cert, key: String(key.export({ type: "pkcs8", format: "pem" })), leaf };
}

function readText(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Refusal(`${name} ${file} can't be read: ${(error as Error).message}`);
  }
}

function parseCertificate(file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new Refusal(`TLS_CERT_FILE ${file} holds no certificate in PEM.`);
  }
}

function parseKey(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Refusal(`TLS_KEY_FILE ${file} holds no private key in PEM that works without a passphrase.`);
  }
}

/**
 * The name under which clients reach a server at `host` by its certificate: `host` itself where the certificate has
 * it, otherwise the first name in it.
 */
export function nameFor(leaf: X509Certificate, host: string): string {
  const matches = isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host);
  if (matches !== undefined) return host;
  const name = /DNS:([^,\s"]+)/.exec(leaf.subjectAltName ?? "")?.[1];
  return name?.replace("*", "watchtower") ?? host;
}

/** Says that a certificate ends soon, or has ended, and says it again every day; the caller stops it. */
export function watchCertificate({ certFile, leaf }: Tls, voice: Voice): { stop(): void } {
  function look(): void {
    const days = Math.floor((Date.parse(leaf.validTo) - Date.now()) / DAY_MS);
    if (days >= WARNING_DAYS) return;
    const until = new Date(leaf.validTo).toISOString();
    const ends = days < 0 ? "has ended, and clients refuse it" : `ends in ${days} ${days === 1 ? "day" : "days"}`;
    const text = `The certificate ${certFile} ${ends}. A restart takes a renewed one.`;
    voice.say("warn", "certificate.ending", text, { certFile, until });
  }
  look();
  const timer = setInterval(look, DAY_MS);
  return { stop: () => clearInterval(timer) };
}
