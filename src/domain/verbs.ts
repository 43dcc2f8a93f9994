import {
  type Alive,
  type Change,
  changesWith,
  type Dead,
  deadlineMs,
  downtimeOf,
  type Pulse,
  promisedOf,
  promiseEndMs,
  type Service,
  type Target,
  type Transition,
} from "./service.ts";
import { distinctTargets, isSameTarget, toldTargets } from "./target.ts";
import { letOut, nextTellingMs, pauseEndMs, remind, tellDeath, tellRevival, untoldRevivalOf } from "./telling.ts";
import { DAY_MS } from "./time.ts";

/** A cancelled service is listed for so long, and then forgotten. */
const CANCELLED_FOR_MS = 30 * DAY_MS;

/** When something happens to the service by itself: a deadline, a reminder, the end of a pause; undefined for never. */
export function nextChangeMs(service: Service): number | undefined {
  switch (service.status) {
    case "alive":
      return service.untoldRevival ? Math.min(deadlineMs(service), pauseEndMs(service)) : deadlineMs(service);
    case "dead":
      return nextTellingMs(service);
    case "cancelled":
      return service.sinceMs + CANCELLED_FOR_MS;
  }
}

/** Applies what time alone has done, step by step: an alive service is dead from its deadline on, and so forth. */
export function expire(service: Service, nowMs: number): Change {
  const transitions: Transition[] = [];
  let current: Service | undefined = service;
  while (current !== undefined) {
    const changeMs = nextChangeMs(current);
    if (changeMs === undefined || changeMs > nowMs) break;
    const change: Change = changeByItself(current, changeMs, nowMs);
    transitions.push(...change.transitions);
    current = change.service;
  }
  return { service: current, transitions };
}

function changeByItself(service: Service, changeMs: number, nowMs: number): Change {
  switch (service.status) {
    case "alive":
      return changeMs < deadlineMs(service) ? tellRevival(service, changeMs) : die(service, nowMs);
    case "dead":
      return service.toldMs === undefined ? tellDeath(service, nowMs) : remind(service, nowMs);
    case "cancelled":
      return { service: undefined, transitions: [{ kind: "forgotten", atMs: changeMs }] };
  }
}

function die(service: Alive, nowMs: number): Change<Service> {
  // However long it was excused: it was silent from then on.
  const atMs = promiseEndMs(service);
  const changesMs = changesWith(service, atMs);
  const dead: Dead = { ...promisedOf(service), changesMs, status: "dead", sinceMs: atMs, reminders: 0 };
  const isPaused = nowMs < pauseEndMs(service);
  // Reminders count from when people are told, which is late where the process was down.
  if (!isPaused) dead.toldMs = nowMs;
  else if (service.untoldRevival) dead.untoldRevival = service.untoldRevival;
  const targets = isPaused ? [] : toldTargets(service);
  const died: Transition = { kind: "died", atMs, ...downtimeOf(service), targets, changes: changesMs.length };
  return { service: dead, transitions: [died] };
}

/**
 * A sign of life: the service is alive from now on, whatever it was.
 * What was due before is applied first, so a pulse that comes too late, but before anyone noticed, still tells of both.
 */
export function pulse(
  previous: Service | undefined,
  said: Pulse,
  defaults: { graceSeconds: number },
  nowMs: number,
): Change<Alive> {
  const { service: before, transitions } = previous
    ? expire(previous, nowMs)
    : { service: undefined, transitions: [] as Transition[] };
  const ownGrace = said.graceSeconds ?? (before?.graceIsOwn ? before.graceSeconds : undefined);
  const pauseUntilMs = said.pauseUntilMs ?? before?.pauseUntilMs;
  const service: Alive = {
    status: "alive",
    sinceMs: before?.status === "alive" ? before.sinceMs : nowMs,
    lastMs: nowMs,
    nextInSeconds: said.nextInSeconds,
    graceSeconds: ownGrace ?? defaults.graceSeconds,
    graceIsOwn: ownGrace !== undefined,
    remindEverySeconds: said.remindEverySeconds ?? before?.remindEverySeconds ?? 0,
    targets: [said.target, ...furtherTargets(before, said)],
  };
  const changesMs = before?.status === "dead" ? changesWith(before, nowMs) : before?.changesMs;
  if (changesMs) service.changesMs = changesMs;
  // A pause that is over is forgotten.
  if (pauseUntilMs !== undefined && pauseUntilMs > nowMs) service.pauseUntilMs = pauseUntilMs;
  const untoldRevival = untoldRevivalOf(before, service);
  if (untoldRevival) service.untoldRevival = untoldRevival;
  return { service, transitions: [...transitions, ...awakening(before, service), ...retargeting(before, service)] };
}

/** One that is the main one just now is kept all the same: it counts again when another becomes the main one. */
function furtherTargets(before: Service | undefined, said: Pulse): Target[] {
  return said.furtherTargets ? distinctTargets(said.furtherTargets) : (before?.targets.slice(1) ?? []);
}

function awakening(before: Service | undefined, after: Alive): Transition[] {
  const atMs = after.lastMs;
  switch (before?.status) {
    case undefined:
      return [{ kind: "born", atMs }];
    case "alive":
      return letOut(before, after);
    case "cancelled":
      return [{ kind: "resumed", atMs }];
    case "dead": {
      const isTold = before.toldMs !== undefined && after.untoldRevival === undefined;
      const targets = isTold ? toldTargets(after) : [];
      const changes = after.changesMs?.length ?? 0;
      return [{ kind: "revived", atMs, ...downtimeOf(before), targets, changes }, ...letOut(before, after)];
    }
  }
}

function retargeting(before: Service | undefined, after: Alive): Transition[] {
  const isStillTold = (target: Target) => after.targets.some((other) => isSameTarget(target, other));
  const removed = before ? toldTargets(before).filter((target) => !isStillTold(target)) : [];
  return removed.length > 0 ? [{ kind: "retargeted", atMs: after.lastMs, removed }] : [];
}

/** The service is no longer needed; cancelling twice changes nothing. */
export function cancel(previous: Service, nowMs: number): Change {
  const { transitions, service } = expire(previous, nowMs);
  if (service === undefined || service.status === "cancelled") return { service, transitions };
  return {
    service: { ...promisedOf(service), status: "cancelled", sinceMs: nowMs },
    transitions: [...transitions, { kind: "cancelled", atMs: nowMs }],
  };
}

/**
 * Keeps alerts back until a moment, as a pulse can, but without a sign of life; a moment that is past ends a pause, and
 * what it kept back is told.
 */
export function pause(previous: Service, untilMs: number, nowMs: number): Change {
  const { service, transitions } = expire(previous, nowMs);
  if (service === undefined || service.status === "cancelled") return { service, transitions };
  if (untilMs <= nowMs && service.pauseUntilMs === undefined) return { service, transitions };
  const after = expire({ ...service, pauseUntilMs: Math.max(untilMs, nowMs) }, nowMs);
  return { service: after.service, transitions: [...transitions, ...after.transitions] };
}

/** The service is cancelled, and nothing shall be known of it any more. */
export function forget(previous: Service, nowMs: number): Change<undefined> {
  const { transitions, service } = cancel(previous, nowMs);
  const end: Transition[] = service ? [{ kind: "forgotten", atMs: nowMs }] : [];
  return { service: undefined, transitions: [...transitions, ...end] };
}
