import type { Config } from "../config.ts";

/** What stands in an answer where a secret was. */
export const REDACTED = "[secret]";

/** What is shorter is no secret, but would be found in words; no word has as many that a provider's answer is judged by. */
const SHORTEST_SECRET = 8;
/** Parts of a path that have no digit are words unless they are at least as long. */
const SHORTEST_SECRET_WORD = 16;

/**
 * Takes our secrets out of what a provider has said: those that are configured, and those of the target. Some repeat in
 * an error what they got, and answers are kept, shown, and told to the default target.
 */
export function redact(said: string, config: Config, target: string): string {
  const spellings = new Set(secretsOf(config, target).flatMap(spellingsOf));
  // The longest first: one may be a part of another.
  const ordered = [...spellings].sort((a, b) => b.length - a.length);
  return ordered.reduce((text, spelling) => text.replaceAll(spelling, REDACTED), said);
}

function secretsOf(config: Config, target: string): string[] {
  const { password, previousPassword, readPassword, pulseKeySecret, watchdogUrl = "", defaultTarget } = config;
  const configured = [password, previousPassword, readPassword, pulseKeySecret, config.pushover.token];
  return [
    ...[...configured, config.mail.apiKey, config.webhook.secret].filter((secret) => secret !== undefined),
    ...[watchdogUrl, target, defaultTarget?.target ?? ""].flatMap(secretsIn),
  ].filter((secret) => secret.length >= SHORTEST_SECRET);
}

/** The secrets that a target may hold: a Pushover key as a whole; of a URL whatever looks like one. Addresses are none. */
function secretsIn(target: string): string[] {
  if (/^[A-Za-z0-9]{30}$/.test(target)) return [target];
  const url = URL.parse(target);
  if (!url || !/^https?:$/.test(url.protocol)) return [];
  return [
    ...[url.username, url.password].map(decoded),
    ...url.searchParams.values(),
    ...url.pathname
      .split("/")
      .filter(looksSecret)
      .flatMap((part) => [part, decoded(part)]),
  ];
}

function looksSecret(part: string): boolean {
  return part.length >= (/\d/.test(part) ? SHORTEST_SECRET : SHORTEST_SECRET_WORD);
}

/** How a secret may be spelt in an answer: as it is, in JSON, in an address, in a form, in HTML. */
function spellingsOf(secret: string): string[] {
  const wellFormed = secret.toWellFormed();
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/"),
    encodeURIComponent(wellFormed),
    encodeURI(wellFormed),
    new URLSearchParams({ "": wellFormed }).toString().slice(1),
    escapeHtml(secret),
  ];
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
