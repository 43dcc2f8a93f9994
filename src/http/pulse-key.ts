import type { Device } from "../domain/caller.ts";
import { readKey, signedText, toBase64Url, writeKey } from "../domain/pulse-key.ts";

const HMAC = { name: "HMAC", hash: "SHA-256" };

/** The pulse key of a service, of a version. */
export async function signKey(secret: string, service: string, version: number): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await keyOf(secret, "sign"), bytesOf(signedText(service, version)));
  return writeKey(service, version, toBase64Url(new Uint8Array(mac)));
}

/** Whose key a text is; undefined where it is none that was signed with the secret. */
export async function deviceOf(secret: string | undefined, text: string): Promise<Device | undefined> {
  const key = readKey(text);
  if (!key || secret === undefined) return undefined;
  const { service, version, mac } = key;
  const verifying = await keyOf(secret, "verify");
  const isSigned = await crypto.subtle.verify("HMAC", verifying, mac, bytesOf(signedText(service, version)));
  return isSigned ? { role: "device", service, version } : undefined;
}

function keyOf(secret: string, usage: "sign" | "verify"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytesOf(secret), HMAC, false, [usage]);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
