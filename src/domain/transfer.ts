import { type Change, changesWith, downtimeOf, type Service, type Transition } from "./service.ts";
import { toldTargets } from "./target.ts";

/**
 * What the state of a service that comes from another watchTower makes of the one that is known here; undefined where it
 * is no news. Of two states the one with the later pulse is right, and of two with the same the one whose status is
 * younger, so that the same state may come as often as it likes. Who was told here that the service is dead is told that
 * it is back, and a death that is not told yet is told no more.
 */
export function adopt(given: Service, before: Service | undefined, nowMs: number): Change<Service> | undefined {
  if (before && !isYounger(given, before)) return undefined;
  const transition = before && transitionOf(given, before, nowMs);
  return { service: given, transitions: transition ? [transition] : [] };
}

function isYounger(given: Service, before: Service): boolean {
  return given.lastMs !== before.lastMs ? given.lastMs > before.lastMs : given.sinceMs > before.sinceMs;
}

function transitionOf(given: Service, before: Service, nowMs: number): Transition | undefined {
  if (given.status === "cancelled" && before.status !== "cancelled") return { kind: "cancelled", atMs: nowMs };
  if (given.status !== "alive" || before.status !== "dead") return undefined;
  const isPaused = given.pauseUntilMs !== undefined && given.pauseUntilMs > nowMs;
  const targets = isPaused || before.toldMs === undefined ? [] : toldTargets(given);
  return { kind: "revived", atMs: nowMs, targets, changes: changesWith(before, nowMs).length, ...downtimeOf(before) };
}
