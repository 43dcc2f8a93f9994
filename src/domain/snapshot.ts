import { hashOf } from "./hash.ts";
import type { Service, Status, Target } from "./service.ts";
import { toldTargets } from "./target.ts";
import { SECOND_MS, toSeconds } from "./time.ts";

/** A service as others see it, in whole seconds since the epoch: what D1's directory and the wire show. */
export interface Snapshot {
  service: string;
  status: Status;
  since: number;
  last: number;
  nextIn: number;
  grace: number;
  /** Whether a pulse asked for this grace; otherwise it is the configured default. */
  graceIsOwn: boolean;
  /** How often a death is told again, in seconds; 0 for never. */
  remindEvery: number;
  /** Until then nobody is told of anything. */
  pauseUntil?: number;
  /** Who is told, each address once; the first is the main one. */
  targets: Target[];
  /** Rises with every change that was stored. */
  revision: number;
  /** When this was read at the service's object. */
  asOf: number;
}

/** What is seen of a service at a moment. */
export function snapshotOf(name: string, service: Service, revision: number, nowMs: number): Snapshot {
  return {
    service: name,
    status: service.status,
    since: toSeconds(service.sinceMs),
    last: toSeconds(service.lastMs),
    nextIn: service.nextInSeconds,
    grace: service.graceSeconds,
    graceIsOwn: service.graceIsOwn,
    remindEvery: service.remindEverySeconds,
    ...(service.pauseUntilMs === undefined ? {} : { pauseUntil: toSeconds(service.pauseUntilMs) }),
    targets: toldTargets(service),
    revision,
    asOf: toSeconds(nowMs),
  };
}

/** Whether nothing differs that people have set and that a list must show as it is; a promise may differ every time. */
export function sameSettings(before: Service | undefined, after: Service | undefined): boolean {
  return JSON.stringify(settingsOf(before)) === JSON.stringify(settingsOf(after));
}

function settingsOf(service: Service | undefined) {
  if (!service) return undefined;
  const { graceIsOwn, graceSeconds, remindEverySeconds, pauseUntilMs } = service;
  return [toldTargets(service), graceIsOwn && graceSeconds, remindEverySeconds, pauseUntilMs];
}

/** When the next pulse was promised, in seconds since the epoch. */
export function expectedOf(snapshot: Snapshot): number {
  return snapshot.last + snapshot.nextIn;
}

/** A service's directory row is refreshed by a pulse once in this time, in seconds. */
export const REFRESH_SECONDS = 600;
/** How long a refresh may take to arrive, in seconds. */
const REFRESH_SLACK_SECONDS = 30;
/** So long beyond its promise and grace is a row's status believed, in seconds. */
export const TRUSTED_SECONDS = REFRESH_SECONDS + REFRESH_SLACK_SECONDS;

/**
 * Whether a directory row can be believed. Deaths are pushed into it, so what it says stands; but a living service would
 * have refreshed it within the refresh time and its own promise.
 */
export function isTrustworthy(row: Snapshot, nowMs: number): boolean {
  if (row.status !== "alive") return true;
  return toSeconds(nowMs) - row.last <= row.nextIn + row.grace + TRUSTED_SECONDS;
}

/**
 * Whether a pulse is the first of a new refresh period. The periods of services are shifted by `phaseSeconds`, so that
 * they don't all write at once; nothing need be stored to know.
 */
export function isRefreshDue(previousLastMs: number, nowMs: number, phaseSeconds: number): boolean {
  const period = (ms: number) => Math.floor((ms / SECOND_MS + phaseSeconds) / REFRESH_SECONDS);
  return period(previousLastMs) !== period(nowMs);
}

/** A service's own shift of the refresh periods, from its name, in seconds. */
export function refreshPhaseSeconds(name: string): number {
  return hashOf(name) % REFRESH_SECONDS;
}

/**
 * The last pulse to assume for an alive service whose deadline the platform has lost: a row may be a refresh period
 * behind, and a false death is worse than one that is told that much later. Without a row, it counts from now.
 */
export function assumedLastMs(row: Snapshot | undefined, nowMs: number): number {
  return row ? Math.min(nowMs, (row.last + REFRESH_SECONDS) * SECOND_MS) : nowMs;
}
