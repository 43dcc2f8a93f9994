import ipaddr from "ipaddr.js";
import type { Config } from "../config.ts";
import type { Alert } from "../domain/alert.ts";
import type { Digest } from "../domain/digest.ts";
import { linkOf } from "./link.ts";
import { classifyByStatus } from "./post.ts";
import type { Provider } from "./provider.ts";

/** A JSON POST to any URL, signed when a secret is configured. */
export const webhook: Provider = {
  longestText: 60_000,

  refuses(target, config) {
    const url = parseHttpUrl(target);
    if (!url) return "alertTarget must be an http or https URL when alertType is webhook.";
    if (!config.webhook.allowPrivate && pointsInwards(url.hostname)) {
      return "alertTarget must not be a loopback or private address, unless ALLOW_PRIVATE_WEBHOOKS is true.";
    }
    return undefined;
  },

  warnings: () => [],

  async request(message, target, config) {
    const refusal = this.refuses(target, config);
    if (refusal) return { kind: "permanent", answer: refusal };
    const body = JSON.stringify(message.kind === "digest" ? digestPayload(message, config) : payload(message, config));
    const headers: Record<string, string> = { "content-type": "application/json", "user-agent": "watchTower" };
    if (config.webhook.secret) headers["x-watchtower-signature"] = `sha256=${await sign(body, config.webhook.secret)}`;
    return { url: target, headers, body };
  },

  classify: classifyByStatus,
};

const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

function digestPayload(digest: Digest, config: Config) {
  const { id, kind, dateMs, title, message, alerts } = digest;
  const link = linkOf(config, digest);
  return { id, kind, date: iso(dateMs), title, message, link, alerts: alerts.map((alert) => payload(alert, config)) };
}

function payload(alert: Alert, config: Config) {
  return {
    id: alert.id,
    kind: alert.kind,
    service: alert.service,
    date: iso(alert.dateMs),
    title: alert.title,
    message: alert.message,
    lastPulse: iso(alert.dead?.lastMs),
    deadFrom: iso(alert.dead?.fromMs),
    deadTo: iso(alert.dead?.toMs),
    changes: alert.changes,
    link: linkOf(config, alert),
  };
}

/** HMAC-SHA256 in lower-case hexadecimal, over the body's bytes. */
async function sign(body: string, secret: string): Promise<string> {
  const bytes = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes.encode(secret), algorithm, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes.encode(body)));
  return Array.from(signature, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function parseHttpUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  return url && (url.protocol === "http:" || url.protocol === "https:") ? url : undefined;
}

/**
 * Names that lead to this host or a private network: RFC 6761, RFC 6762 with its appendix G, RFC 8375, ICANN's reserved
 * `internal`, what hosts and clusters call themselves, and Google's other name for its metadata service.
 */
const INWARD_NAME =
  /(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|svc)$|^metadata\.goog$/;
/** All that IANA has ever given out for the public IPv6 Internet. */
const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3");
/** Azure's own services, for each machine in there; the address is among public ones. */
const AZURE_WIRE_SERVER = "168.63.129.16";

/** Of other names nothing is known: a Worker can't resolve any. The URL parser has undone every notation of an address. */
function pointsInwards(hostname: string): boolean {
  const host = hostname.replace(/\.+$/, "").replace(/^\[|\]$/g, "");
  if (ipaddr.isValid(host)) {
    const address = ipaddr.process(host);
    const isPublic = address.range() === "unicast" && (address.kind() === "ipv4" || address.match(GLOBAL_IPV6));
    return !isPublic || host === AZURE_WIRE_SERVER;
  }
  // A name of one word is looked up in the network that one is in: no public name has one.
  return INWARD_NAME.test(host) || !host.includes(".");
}
