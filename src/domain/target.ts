import type { Service, Target } from "./service.ts";

/** Other names of a type: the protocol takes both for mail. */
const ALIASES: Readonly<Record<string, string>> = { email: "mail" };

/** A target's address, by which two targets are told apart: however its type is spelled, it is the same. */
export function addressOf({ type, target }: Target): string {
  return `${Object.hasOwn(ALIASES, type) ? ALIASES[type] : type}:${target}`;
}

/** Whether two targets are the same address. */
export function isSameTarget(a: Target, b: Target): boolean {
  return addressOf(a) === addressOf(b);
}

/** Each address once, as it was spelled first. */
export function distinctTargets(targets: readonly Target[]): Target[] {
  return targets.filter((target, i) => targets.findIndex((other) => isSameTarget(target, other)) === i);
}

/** Who is told of a service: the further targets may name the main one again, and nobody is told twice. */
export function toldTargets(service: Service): Target[] {
  return distinctTargets(service.targets);
}
