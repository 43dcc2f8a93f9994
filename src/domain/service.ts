import { SECOND_MS } from "./time.ts";

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
  /** Who is told; the first is the one that the pulse names as alertType and alertTarget. */
  targets: Target[];
}

/** Pulses come as promised. */
export interface Alive extends Promised {
  status: "alive";
}

/** The promise was broken, and nothing has been heard since. */
export interface Dead extends Promised {
  status: "dead";
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
  targets: Target[];
}

/** A change of status, as it happened; its targets are those to be told, if anyone is. */
export type Transition =
  | { kind: "born"; atMs: number }
  | { kind: "died"; atMs: number; lastMs: number; expectedMs: number; targets: Target[] }
  | { kind: "revived"; atMs: number; lastMs: number; expectedMs: number; targets: Target[] }
  | { kind: "resumed"; atMs: number }
  | { kind: "cancelled"; atMs: number };

/** The outcome of a verb: the new state, and the transitions that led to it, oldest first. */
export interface Change<S extends Service | undefined = Service> {
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

/** Applies what time alone has done: an alive service is dead from its deadline on. */
export function expire(service: Service, nowMs: number): Change {
  if (service.status !== "alive" || nowMs < deadlineMs(service)) return { service, transitions: [] };
  const atMs = deadlineMs(service);
  return {
    service: { ...service, status: "dead", sinceMs: atMs },
    transitions: [
      { kind: "died", atMs, lastMs: service.lastMs, expectedMs: expectedMs(service), targets: service.targets },
    ],
  };
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
  const service: Alive = {
    status: "alive",
    sinceMs: before?.status === "alive" ? before.sinceMs : nowMs,
    lastMs: nowMs,
    nextInSeconds: said.nextInSeconds,
    graceSeconds: ownGrace ?? defaults.graceSeconds,
    graceIsOwn: ownGrace !== undefined,
    targets: said.targets,
  };
  return { service, transitions: [...transitions, ...awakening(before, said.targets, nowMs)] };
}

function awakening(before: Service | undefined, targets: Target[], atMs: number): Transition[] {
  switch (before?.status) {
    case undefined:
      return [{ kind: "born", atMs }];
    case "alive":
      return [];
    case "cancelled":
      return [{ kind: "resumed", atMs }];
    case "dead":
      return [{ kind: "revived", atMs, lastMs: before.lastMs, expectedMs: expectedMs(before), targets }];
  }
}

/** The service is no longer needed; cancelling twice changes nothing. */
export function cancel(previous: Service, nowMs: number): Change {
  if (previous.status === "cancelled") return { service: previous, transitions: [] };
  const { service, transitions } = expire(previous, nowMs);
  return {
    service: { ...service, status: "cancelled", sinceMs: nowMs },
    transitions: [...transitions, { kind: "cancelled", atMs: nowMs }],
  };
}
