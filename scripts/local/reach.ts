import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nameFor, type Tls } from "./tls.ts";

/** How a program on this machine reaches the service. */
export interface Reach {
  /** An address or a name to connect to, without brackets. */
  host: string;
  port: number;
  /** The name to ask for: with TLS one that the certificate has, otherwise the host. */
  name: string;
  /** With TLS only; absolute. */
  certFile?: string;
}

/**
 * How to reach what listens at `host` and `port`, which may be "all addresses" and "any port". `url` is Miniflare's own:
 * the local one, on another port where the host is not the loopback.
 */
export function reachOf({ host, port }: { host: string; port: number }, url: URL, tls: Tls | undefined): Reach {
  const ownPort = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const isOurs = port === 0 || ownPort === port;
  const there = isOurs ? url.hostname.replace(/^\[|\]$/g, "") : host;
  return {
    host: there,
    port: isOurs ? ownPort : port,
    name: tls === undefined ? there : nameFor(tls.leaf, there),
    ...(tls && { certFile: tls.certFile }),
  };
}

/** Scheme, name and port, as in a URL. */
export function originOf({ name, port, certFile }: Reach): string {
  const scheme = certFile === undefined ? "http" : "https";
  return new URL(`${scheme}://${name.includes(":") ? `[${name}]` : name}:${port}`).origin;
}

/** Notes down in the state folder how the service is reached, for `scripts/health.ts`. */
export function writeReach(stateDir: string, reach: Reach): void {
  const file = fileIn(stateDir);
  writeFileSync(`${file}.new`, JSON.stringify(reach));
  renameSync(`${file}.new`, file);
}

/** Takes the note away, when the service ends. */
export function removeReach(stateDir: string): void {
  rmSync(fileIn(stateDir), { force: true });
}

/** Reads the note; undefined where no service runs, or is not ready yet. */
export function readReach(stateDir: string): Reach | undefined {
  try {
    return JSON.parse(readFileSync(fileIn(stateDir), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function fileIn(stateDir: string): string {
  return join(stateDir, "listening.json");
}
