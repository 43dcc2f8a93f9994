import type { Target } from "./service.ts";

/** Less than this is no secret, and may be part of any word. */
const SHORTEST_SECRET = 5;

/** A target by which one recognizes it, but can reach nobody: for those who only read. */
export function maskTarget({ type, target }: Target): Target {
  return { type, target: masked(type, target) };
}

/** A text in which a target is masked wherever it is repeated: providers like to say whom they could not reach. */
export function maskIn(text: string, { type, target }: Target): string {
  return secretsOf(type, target)
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .reduce((current, secret) => current.replaceAll(secret, () => masked(type, secret)), text);
}

function masked(type: string, target: string): string {
  switch (type) {
    case "pushover":
      // Of something that is no key after all, three characters may be most of it.
      return target.length >= 12 ? `${target.slice(0, 3)}…` : "…";
    case "mail":
    case "email":
      return addressesOf(target).map(maskAddress).join(", ");
    default: {
      // User, path and query are where webhooks have their secrets.
      const url = URL.parse(target);
      return url && /^https?:$/.test(url.protocol) ? `${url.origin}/…` : "…";
    }
  }
}

function maskAddress(address: string): string {
  const at = address.lastIndexOf("@");
  return at > 0 ? `${[...address][0]}…${address.slice(at)}` : "…";
}

/** What gives a target away, the longest first. */
function secretsOf(type: string, target: string): string[] {
  if (type === "mail" || type === "email") return [target, ...addressesOf(target)];
  const { pathname = "", search = "", password = "" } = URL.parse(target) ?? {};
  return [target, pathname + search, pathname, search, password];
}

function addressesOf(target: string): string[] {
  return target
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
}
