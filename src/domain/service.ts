import { DAY_MS, SECOND_MS } from "./time.ts";

/** Where a service's owner is told: a provider's name and an address that the provider understands. */
export interface Target {
  type: string;
  target: string;
}

interface Promised {
  /** When the status began. */
  sinceMs: number;
  /** When the last pulse came. */
  lastMs: number;
  /** The promise of the last pulse: the next one comes within this time. */
  nextInSeconds: number;
  /** How long past the promise the service is still believed alive. */
  graceSeconds: number;
  /** Whether a pulse asked for this grace; otherwise it is the configured default. */
  graceIsOwn: boolean;
  /** How often a death is told again; 0 for never. */
  remindEverySeconds: number;
  /** Until then nobody is told of anything. */
  pauseUntilMs?: number;
  /** Who is told; the first is the one that the pulse names as alertType and alertTarget. */
  targets: Target[];
}

/** When a service was dead, or since when it is: from its promise on, and when its last pulse before that was. */
export interface Downtime {
  lastMs: number;
  expectedMs: number;
}

/** Pulses come as promised. */
export interface Alive extends Promised {
  status: "alive";
  /** A return that a pause keeps from being told. */
  untoldRevival?: Downtime & { atMs: number };
}

/** The promise was broken, and nothing has been heard since. */
export interface Dead extends Promised {
  status: "dead";
  /** When this was told last; undefined while a pause keeps it from being told. */
  toldMs?: number;
  /** While this death is untold: the return before it, which is untold, too. */
  untoldRevival?: Downtime & { atMs: number };
  /** How many reminders were sent. */
  reminders: number;
}

/** No longer needed: nobody waits for a pulse. */
export interface Cancelled extends Promised {
  status: "cancelled";
}

/** A service that has pulsed at least once. */
export type Service = Alive | Dead | Cancelled;

/** A service's status. */
export type Status = Service["status"];

/** What a pulse says; what it leaves out stays as it was. */
export interface Pulse {
  nextInSeconds: number;
  graceSeconds?: number;
  remindEverySeconds?: number;
  /** A moment that is past ends a pause. */
  pauseUntilMs?: number;
  target: Target;
  furtherTargets?: Target[];
}

/** What happened, and who is to be told of it, if anyone is. */
export type Transition =
  | { kind: "born"; atMs: number }
  | ({ kind: "died"; atMs: number; targets: Target[] } & Downtime)
  /** A pause is over, and the service is dead. */
  | ({ kind: "death-told"; atMs: number; targets: Target[] } & Downtime)
  | ({ kind: "reminded"; atMs: number; targets: Target[]; reminders: number } & Downtime)
  | ({ kind: "revived"; atMs: number; targets: Target[] } & Downtime)
  /** A pause is over, and a service that had been told dead is alive. */
  | ({ kind: "revival-told"; atMs: number; revivedMs: number; targets: Target[] } & Downtime)
  | { kind: "resumed"; atMs: number }
  | { kind: "cancelled"; atMs: number }
  | { kind: "retargeted"; atMs: number; removed: Target[] }
  | { kind: "forgotten"; atMs: number };

/** The outcome of a verb: the new state, undefined once forgotten, and the transitions that led to it, oldest first. */
export interface Change<S extends Service | undefined = Service | undefined> {
  service: S;
  transitions: Transition[];
}

/** When the next pulse is due by the service's own promise. */
export function expectedMs(service: Service): number {
  return service.lastMs + service.nextInSeconds * SECOND_MS;
}

/** From when on the service is dead if it stays silent: promise plus grace. */
export function deadlineMs(service: Service): number {
  return expectedMs(service) + service.graceSeconds * SECOND_MS;
}

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

function nextTellingMs(service: Dead): number | undefined {
  if (service.toldMs === undefined) return pauseEndMs(service);
  if (service.remindEverySeconds === 0) return undefined;
  return Math.max(service.toldMs + service.remindEverySeconds * SECOND_MS, pauseEndMs(service));
}

function pauseEndMs(service: Service): number {
  return service.pauseUntilMs ?? 0;
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
  const atMs = deadlineMs(service);
  const dead: Dead = { ...promisedOf(service), status: "dead", sinceMs: atMs, reminders: 0 };
  const isPaused = nowMs < pauseEndMs(service);
  // Reminders count from when people are told, which is late where the process was down.
  if (!isPaused) dead.toldMs = nowMs;
  else if (service.untoldRevival) dead.untoldRevival = service.untoldRevival;
  const targets = isPaused ? [] : service.targets;
  return { service: dead, transitions: [{ kind: "died", atMs, ...downtimeOf(service), targets }] };
}

function tellDeath({ untoldRevival: _, ...service }: Dead, atMs: number): Change<Service> {
  return {
    service: { ...service, toldMs: atMs },
    transitions: [{ kind: "death-told", atMs, ...downtimeOf(service), targets: service.targets }],
  };
}

/** Reminders that were missed are not made up for: one says it all. */
function remind(service: Dead, atMs: number): Change<Service> {
  const { reminders, targets } = service;
  return {
    service: { ...service, toldMs: atMs, reminders: reminders + 1 },
    transitions: [{ kind: "reminded", atMs, ...downtimeOf(service), targets, reminders }],
  };
}

function tellRevival({ untoldRevival, ...service }: Alive, atMs: number): Change<Service> {
  if (!untoldRevival) return { service, transitions: [] };
  const { atMs: revivedMs, ...downtime } = untoldRevival;
  return {
    service,
    transitions: [{ kind: "revival-told", atMs, revivedMs, ...downtime, targets: service.targets }],
  };
}

function downtimeOf(service: Service): Downtime {
  return { lastMs: service.lastMs, expectedMs: expectedMs(service) };
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
    targets: distinct([said.target, ...(said.furtherTargets ?? before?.targets.slice(1) ?? [])]),
  };
  // A pause that is over is forgotten.
  if (pauseUntilMs !== undefined && pauseUntilMs > nowMs) service.pauseUntilMs = pauseUntilMs;
  const untoldRevival = untoldRevivalOf(before, service, nowMs);
  if (untoldRevival) service.untoldRevival = untoldRevival;
  return { service, transitions: [...transitions, ...awakening(before, service), ...retargeting(before, service)] };
}

/** What the owner believes to be dead, and may not be told of yet. */
function untoldRevivalOf(before: Service | undefined, after: Alive, nowMs: number): Alive["untoldRevival"] {
  if (after.pauseUntilMs === undefined) return undefined;
  if (before?.status === "dead" && before.toldMs !== undefined) return { ...downtimeOf(before), atMs: nowMs };
  return untoldOf(before);
}

/** The return that a pause has kept from being told so far. */
function untoldOf(service: Service | undefined): Alive["untoldRevival"] {
  return service?.status === "alive" || service?.status === "dead" ? service.untoldRevival : undefined;
}

/** A pulse that ends a pause before its time lets the news out. */
function letOut(before: Service, after: Alive): Transition[] {
  const untoldRevival = untoldOf(before);
  return untoldRevival && !after.untoldRevival
    ? tellRevival({ ...after, untoldRevival }, after.lastMs).transitions
    : [];
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
      const revived: Transition = {
        kind: "revived",
        atMs,
        ...downtimeOf(before),
        targets: isTold ? after.targets : [],
      };
      return [revived, ...letOut(before, after)];
    }
  }
}

function retargeting(before: Service | undefined, after: Alive): Transition[] {
  const removed = before?.targets.filter((target) => !after.targets.some((other) => isSameTarget(target, other))) ?? [];
  return removed.length > 0 ? [{ kind: "retargeted", atMs: after.lastMs, removed }] : [];
}

function distinct(targets: Target[]): Target[] {
  return targets.filter((target, i) => targets.findIndex((other) => isSameTarget(target, other)) === i);
}

/** Whether two targets are the same address. */
export function isSameTarget(a: Target, b: Target): boolean {
  return a.type === b.type && a.target === b.target;
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

/** The service is cancelled, and nothing shall be known of it any more. */
export function forget(previous: Service, nowMs: number): Change<undefined> {
  const { transitions, service } = cancel(previous, nowMs);
  const end: Transition[] = service ? [{ kind: "forgotten", atMs: nowMs }] : [];
  return { service: undefined, transitions: [...transitions, ...end] };
}

/** What every service has, whatever its status. */
function promisedOf(service: Service): Promised {
  const { sinceMs, lastMs, nextInSeconds, graceSeconds, graceIsOwn, remindEverySeconds, pauseUntilMs, targets } =
    service;
  return {
    sinceMs,
    lastMs,
    nextInSeconds,
    graceSeconds,
    graceIsOwn,
    remindEverySeconds,
    ...(pauseUntilMs === undefined ? {} : { pauseUntilMs }),
    targets,
  };
}
