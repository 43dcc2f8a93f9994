import type { Pulse, Target } from "../../../src/domain/service.ts";

const DEFAULT_GRACE_SECONDS = 5;
const THIRTY_DAYS_MS = 30 * 86_400_000;

/** Something that was told to the service's object, or that it found out by looking at the clock. */
export interface Told {
  atMs: number;
  said: Pulse | Hold | "cancel" | "forget" | "look";
}

/** Alerts shall be kept back until a moment. */
export interface Hold {
  holdUntilMs: number;
}

/** Whether it was a pulse that was told. */
export function isPulse(said: Told["said"]): said is Pulse {
  return typeof said === "object" && "target" in said;
}

/** Something that follows from what was told; `index` says from which. */
export type Happening = { index: number } & (
  | { what: "status"; status: string; atMs: number }
  | { what: "news"; kind: "dead" | "alive"; atMs: number; targets: Target[] }
  | { what: "reminder"; atMs: number; targets: Target[]; earlier: number }
  | { what: "event"; level: number; atMs: number }
  /** A death that was not delivered yet is no news any more. */
  | { what: "overtaken" }
  | { what: "removed"; targets: Target[] }
);

/** What is known of a service. */
export interface Facts {
  status: string;
  sinceMs: number;
  lastMs: number;
  expectedMs: number;
  graceSeconds: number;
  remindEverySeconds: number;
  pauseUntilMs: number | undefined;
  reminders: number | undefined;
  targets: Target[];
}

/** What is known, what happened, and when something may happen by itself. */
export interface Story {
  service: Facts | undefined;
  happenings: Happening[];
  /** What people have set, as a text that differs where that does. */
  settings: string;
  nextMs: number;
}

interface Life {
  status: "alive" | "dead" | "cancelled";
  sinceMs: number;
  lastMs: number;
  expectedMs: number;
  ownGraceSeconds: number | undefined;
  promiseEndMs: number;
  /** The end of the promise, or later, where it was not watched then. */
  deadlineMs: number;
  everySeconds: number;
  pauseUntilMs: number | undefined;
  /** Who is told: the main one, and the further ones. */
  targets: Target[];
  /** All that was last said of further targets, one that is the main one just now as well. */
  further: Target[];
  /** When it died or came back within the last hour. */
  changes: number[];
  /** When the owner was told of this death, first and again. */
  tellings: number[];
  /** The owner was told of a death, and not yet that it is over. */
  isBelievedDead: boolean;
}

type Happens = (happening: DistributiveOmit<Happening, "index">) => void;
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** Finds out everything about the service from what was told. */
export function storyOf(told: readonly Told[]): Story {
  const happenings: Happening[] = [];
  let life: Life | undefined;
  for (const [index, { atMs, said }] of told.entries()) {
    const happens: Happens = (happening) => happenings.push({ index, ...happening });
    if (life) life = witness(life, atMs, happens);
    if (said === "look") continue;
    if (said === "cancel" || said === "forget") life = life && end(life, said, atMs, happens);
    else if (isPulse(said)) life = hear(life, said, atMs, happens);
    else life = life && hold(life, said, atMs, happens);
  }
  if (!life) return { service: undefined, happenings, settings: "", nextMs: Infinity };
  const { ownGraceSeconds, everySeconds, pauseUntilMs, targets } = life;
  const settings = JSON.stringify([ownGraceSeconds, everySeconds, pauseUntilMs, targets]);
  return { service: factsOf(life), happenings, settings, nextMs: nextMsOf(life) };
}

/** Somebody looks at the clock: what is found, in the order in which it happened. */
function witness(life: Life, atMs: number, happens: Happens): Life | undefined {
  const { targets } = life;
  const pauseEndMs = life.pauseUntilMs ?? 0;
  if (life.status === "cancelled") {
    const forgottenMs = life.sinceMs + THIRTY_DAYS_MS;
    if (atMs < forgottenMs) return life;
    happens({ what: "status", status: "forgotten", atMs: forgottenMs });
    return undefined;
  }
  if (life.status === "alive") {
    if (atMs - life.deadlineMs > 60_000) {
      const promiseMs = life.promiseEndMs - life.lastMs;
      life = { ...life, deadlineMs: atMs + Math.min(900_000, Math.max(60_000, promiseMs)) };
    }
    if (life.isBelievedDead && pauseEndMs <= atMs && pauseEndMs < life.deadlineMs) {
      happens({ what: "news", kind: "alive", atMs: pauseEndMs, targets });
      life = { ...life, isBelievedDead: false };
    }
    if (atMs < life.deadlineMs) return life;
    const isTold = atMs >= pauseEndMs;
    const diedMs = life.promiseEndMs;
    const changes = [...withinAnHour(life.changes, diedMs), diedMs];
    if (isTold && flaps(changes)) happens({ what: "removed", targets });
    happens({ what: "status", status: "dead", atMs: diedMs });
    if (isTold) happens({ what: "news", kind: "dead", atMs: diedMs, targets });
    happens({ what: "event", level: 4, atMs: diedMs });
    const tellings = isTold ? [atMs] : [];
    return {
      ...life,
      status: "dead",
      sinceMs: diedMs,
      changes,
      tellings,
      isBelievedDead: life.isBelievedDead || isTold,
    };
  }
  const last = life.tellings.at(-1);
  if (last === undefined) {
    if (atMs < pauseEndMs) return life;
    happens({ what: "news", kind: "dead", atMs, targets });
    return { ...life, tellings: [atMs], isBelievedDead: true };
  }
  if (life.everySeconds === 0 || atMs < last + life.everySeconds * 1_000 || atMs < pauseEndMs) return life;
  happens({ what: "reminder", atMs, targets, earlier: life.tellings.length - 1 });
  return { ...life, tellings: [...life.tellings, atMs] };
}

function end(life: Life, said: "cancel" | "forget", atMs: number, happens: Happens): Life | undefined {
  const isNew = life.status !== "cancelled";
  if (isNew) {
    happens({ what: "overtaken" });
    happens({ what: "status", status: "cancelled", atMs });
  }
  if (said === "forget") {
    happens({ what: "status", status: "forgotten", atMs });
    return undefined;
  }
  return isNew ? { ...life, status: "cancelled", sinceMs: atMs, tellings: [], isBelievedDead: false } : life;
}

function hold(life: Life, { holdUntilMs }: Hold, atMs: number, happens: Happens): Life | undefined {
  const isNothing = holdUntilMs <= atMs && life.pauseUntilMs === undefined;
  if (life.status === "cancelled" || isNothing) return life;
  // Who looks right afterwards finds what the end of a pause lets out.
  return witness({ ...life, pauseUntilMs: Math.max(holdUntilMs, atMs) }, atMs, happens);
}

function hear(before: Life | undefined, said: Pulse, atMs: number, happens: Happens): Life {
  const ownGraceSeconds = said.graceSeconds ?? before?.ownGraceSeconds;
  const pauseMs = said.pauseUntilMs ?? before?.pauseUntilMs;
  const isPaused = pauseMs !== undefined && pauseMs > atMs;
  const expectedMs = atMs + said.nextInSeconds * 1_000;
  const promiseEndMs = expectedMs + (ownGraceSeconds ?? DEFAULT_GRACE_SECONDS) * 1_000;
  const further = said.furtherTargets ?? before?.further ?? [];
  const targets = eachOnce([said.target, ...further]);
  const isBelievedDead = before?.isBelievedDead ?? false;
  const tells = isBelievedDead && !isPaused;
  const changes = before?.status === "dead" ? [...withinAnHour(before.changes, atMs), atMs] : (before?.changes ?? []);
  if (before?.status === "dead") happens({ what: "overtaken" });
  const isToldNow = before?.status === "dead" && before.tellings.length > 0 && tells;
  if (isToldNow && flaps(changes)) happens({ what: "removed", targets });
  if (before?.status !== "alive") happens({ what: "status", status: "alive", atMs });
  const isOfThisDeath = before?.status === "dead" && before.tellings.length > 0;
  if (tells && isOfThisDeath) happens({ what: "news", kind: "alive", atMs, targets });
  if (before?.status === "dead") happens({ what: "event", level: 2, atMs });
  if (tells && !isOfThisDeath) happens({ what: "news", kind: "alive", atMs, targets });
  const removed = before?.targets.filter((target) => !has(targets, target)) ?? [];
  if (removed.length > 0) happens({ what: "removed", targets: removed });
  return {
    status: "alive",
    sinceMs: before?.status === "alive" ? before.sinceMs : atMs,
    lastMs: atMs,
    expectedMs,
    ownGraceSeconds,
    promiseEndMs,
    deadlineMs: promiseEndMs,
    everySeconds: said.remindEverySeconds ?? before?.everySeconds ?? 0,
    pauseUntilMs: isPaused ? pauseMs : undefined,
    targets,
    further,
    changes,
    tellings: [],
    isBelievedDead: isBelievedDead && !tells,
  };
}

/** What was more than an hour before another change is forgotten, also where the clock steps back later. */
function withinAnHour(changes: readonly number[], atMs: number): number[] {
  return changes.filter((ms) => atMs - ms < 3_600_000);
}

function flaps(changes: readonly number[]): boolean {
  return changes.length > 6;
}

function eachOnce(named: readonly Target[]): Target[] {
  const targets: Target[] = [];
  for (const target of named) if (!has(targets, target)) targets.push(target);
  return targets;
}

function has(targets: readonly Target[], { type, target }: Target): boolean {
  const isMail = (one: string) => one === "mail" || one === "email";
  return targets.some((one) => one.target === target && (one.type === type || (isMail(one.type) && isMail(type))));
}

function nextMsOf(life: Life): number {
  const pauseEndMs = life.pauseUntilMs ?? 0;
  if (life.status === "cancelled") return life.sinceMs + THIRTY_DAYS_MS;
  if (life.status === "alive") return life.isBelievedDead ? Math.min(life.deadlineMs, pauseEndMs) : life.deadlineMs;
  const last = life.tellings.at(-1);
  if (last === undefined) return pauseEndMs;
  return life.everySeconds === 0 ? Infinity : Math.max(last + life.everySeconds * 1_000, pauseEndMs);
}

function factsOf(life: Life): Facts {
  const { status, sinceMs, lastMs, expectedMs, ownGraceSeconds, everySeconds, pauseUntilMs, targets, tellings } = life;
  return {
    status,
    sinceMs,
    lastMs,
    expectedMs,
    graceSeconds: ownGraceSeconds ?? DEFAULT_GRACE_SECONDS,
    remindEverySeconds: everySeconds,
    pauseUntilMs,
    reminders: status === "dead" ? Math.max(0, tellings.length - 1) : undefined,
    targets,
  };
}
