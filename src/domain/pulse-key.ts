import type { Pulse, Service, Target } from "./service.ts";
import { distinctTargets, isSameTarget, toldTargets } from "./target.ts";

/** What the pulse key of a service allows, as its object keeps it: nothing of this is secret. */
export interface KeyGrant {
  /** Of all keys that the service was ever given, the one of this version counts. */
  version: number;
  /** The longest promise that may be made with it. */
  maxNextInSeconds: number;
}

/** What a device says with its key; what it leaves out stays as it is. */
export type DevicePulse = Omit<Pulse, "target"> & { target?: Target };

/** Why a key does not do what it was used for. */
export type KeyRefusal =
  | { why: "revoked" }
  | { why: "change"; field: string }
  | { why: "too-long"; maxNextInSeconds: number }
  | { why: "no-target" };

/** What came of a request with a key. */
export type ByKey<T> = { done: T } | { refused: KeyRefusal };

/** What a service has that was never told otherwise. */
interface Defaults {
  graceSeconds: number;
  defaultTarget: Target | undefined;
}

const PREFIX = "wtk1";

/** Whether a text looks like a pulse key. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(`${PREFIX}.`);
}

/** A key as it is given out: whose it is, which one, and the signature of both. */
export function writeKey(service: string, version: number, mac: string): string {
  const bytes = new TextEncoder().encode(service);
  return [PREFIX, toBase64Url(bytes), version, mac].join(".");
}

/** What a key says; undefined where it is none. Whether it is true, its signature tells. */
export function readKey(text: string): { service: string; version: number; mac: Uint8Array<ArrayBuffer> } | undefined {
  const [, name = "", version, mac = ""] = text.match(/^wtk1\.([\w-]+)\.(\d{1,15})\.([\w-]{43})$/) ?? [];
  try {
    const service = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(fromBase64Url(name));
    return version === undefined ? undefined : { service, version: Number(version), mac: fromBase64Url(mac) };
  } catch {
    return undefined;
  }
}

/** What is signed of a key; a version has no line break. */
export function signedText(service: string, version: number): string {
  return `${version}\n${service}`;
}

/** Bytes in the alphabet that needs no quotes anywhere. */
export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The version of the next key. Time makes it another than all before it, also where nothing is known of these any more. */
export function nextVersion(lastVersion: number, nowMs: number): number {
  return Math.max(lastVersion + 1, nowMs);
}

/** The pulse that a device may make: it renews the promise, within what its key allows, and changes nothing else. */
export function pulseByKey(
  grant: KeyGrant | undefined,
  version: number,
  said: DevicePulse,
  before: Service | undefined,
  defaults: Defaults,
  nowMs: number,
): ByKey<Pulse> {
  if (grant?.version !== version) return { refused: { why: "revoked" } };
  const field = changedField(said, before, defaults, nowMs);
  if (field !== undefined) return { refused: { why: "change", field } };
  const { nextInSeconds } = said;
  const { maxNextInSeconds } = grant;
  if (nextInSeconds > maxNextInSeconds) return { refused: { why: "too-long", maxNextInSeconds } };
  const target = before?.targets[0] ?? defaults.defaultTarget;
  return target ? { done: { nextInSeconds, target } } : { refused: { why: "no-target" } };
}

/** The first field that is not as it is set. */
function changedField(said: DevicePulse, before: Service | undefined, defaults: Defaults, nowMs: number) {
  const { target, furtherTargets, graceSeconds, remindEverySeconds, pauseUntilMs } = said;
  const { defaultTarget } = defaults;
  const set = before ? toldTargets(before) : defaultTarget ? [defaultTarget] : [];
  const [main] = set;
  if (target && !areSame([target], main ? [main] : [])) {
    return target.target === main?.target ? "alertType" : "alertTarget";
  }
  if (furtherTargets && !areSame([...(main ? [main] : []), ...furtherTargets], set)) return "alerts";
  if (differs(graceSeconds, before?.graceSeconds ?? defaults.graceSeconds)) return "grace";
  if (differs(remindEverySeconds, before?.remindEverySeconds ?? 0)) return "remindEvery";
  // A pause that is over is none.
  const pauseMs = pauseUntilMs === undefined ? undefined : Math.max(pauseUntilMs, nowMs);
  return differs(pauseMs, Math.max(before?.pauseUntilMs ?? 0, nowMs)) ? "pauseUntil" : undefined;
}

function differs(said: number | undefined, set: number): boolean {
  return said !== undefined && said !== set;
}

/** Whether two lists name the same addresses, in whatever order. */
function areSame(a: readonly Target[], b: readonly Target[]): boolean {
  const [some, others] = [distinctTargets(a), distinctTargets(b)];
  return some.length === others.length && some.every((target) => others.some((other) => isSameTarget(target, other)));
}
