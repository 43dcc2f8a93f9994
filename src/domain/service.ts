import { HOUR_MS, SECOND_MS } from "./time.ts";

/** Where a service's owner is told: a provider's name and an address that the provider understands. */
export interface Target {
  type: string;
  target: string;
}

/** What every service has, whatever its status. */
export interface Promised {
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
  /** When it died or came back within the hour before the last time, oldest first, at most the last 60. */
  changesMs?: number[];
  /** When its silence was excused last because many fell silent: it is not again before long. */
  silenceExcusedMs?: number;
  /**
   * Who was named: first the one that the pulse names as alertType and alertTarget, then the further ones, which stay
   * when that one changes, and among which it may be again. Who is told is for `toldTargets` to say.
   */
  targets: Target[];
}

/** When a service was dead, or since when it is: from its promise on, and when its last pulse before that was. */
export interface Downtime {
  lastMs: number;
  expectedMs: number;
}

/** A return that a pause keeps from being told, and the death before it. */
export type UntoldRevival = Downtime & { atMs: number };

/** Pulses come as promised. */
export interface Alive extends Promised {
  status: "alive";
  untoldRevival?: UntoldRevival;
  /** It may have been us who didn't listen: until then its silence is no death. */
  excusedUntilMs?: number;
  /** The excuse is a short one, until it is known whether many fall silent. */
  isHeld?: true;
  /** It is held because nobody could say anything of its silence. */
  isUnheard?: true;
}

/** The promise was broken, and nothing has been heard since. */
export interface Dead extends Promised {
  status: "dead";
  /** When this was told last; undefined while a pause keeps it from being told. */
  toldMs?: number;
  /** While this death is untold: the return before it, which is untold, too. */
  untoldRevival?: UntoldRevival;
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
  /** `changes`: how often it died or came back within the hour that ends here. */
  | ({ kind: "died"; atMs: number; targets: Target[]; changes: number } & Downtime)
  /** A pause is over, and the service is dead. */
  | ({ kind: "death-told"; atMs: number; targets: Target[] } & Downtime)
  | ({ kind: "reminded"; atMs: number; targets: Target[]; reminders: number } & Downtime)
  | ({ kind: "revived"; atMs: number; targets: Target[]; changes: number } & Downtime)
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

/** The end of the promise and the grace. */
export function promiseEndMs(service: Service): number {
  return expectedMs(service) + service.graceSeconds * SECOND_MS;
}

/** From when on the service is found dead if it stays silent. */
export function deadlineMs(service: Service): number {
  const excusedUntilMs = service.status === "alive" ? (service.excusedUntilMs ?? 0) : 0;
  return Math.max(promiseEndMs(service), excusedUntilMs);
}

/** When a service fell silent, and from when on it was missed. */
export function downtimeOf(service: Service): Downtime {
  return { lastMs: service.lastMs, expectedMs: expectedMs(service) };
}

/** So many changes are remembered: who changes more often within an hour changes at least so often. */
const MOST_CHANGES_KEPT = 60;

/** When a service died or came back within the last hour, now that it has done so once more. */
export function changesWith(service: Service, atMs: number): number[] {
  const recent = (service.changesMs ?? []).filter((ms) => atMs - ms < HOUR_MS);
  return [...recent, atMs].slice(-MOST_CHANGES_KEPT);
}

/** A service without what only its status has. */
export function promisedOf(service: Service): Promised {
  const { sinceMs, lastMs, nextInSeconds, graceSeconds, graceIsOwn, remindEverySeconds, targets } = service;
  const { pauseUntilMs, changesMs, silenceExcusedMs } = service;
  return {
    sinceMs,
    lastMs,
    nextInSeconds,
    graceSeconds,
    graceIsOwn,
    remindEverySeconds,
    ...(pauseUntilMs === undefined ? {} : { pauseUntilMs }),
    ...(changesMs === undefined ? {} : { changesMs }),
    ...(silenceExcusedMs === undefined ? {} : { silenceExcusedMs }),
    targets,
  };
}
