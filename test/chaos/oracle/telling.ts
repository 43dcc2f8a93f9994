import { ulidTimeMs } from "../../../src/domain/ulid.ts";
import type { AlertRow, Attempt, ToldAlert } from "../observed.ts";
import type { Change } from "./history.ts";

/** One attempt to tell one alert, by itself or in a digest. */
export interface Telling extends Omit<Attempt, "alerts"> {
  alert: ToldAlert;
}

/** The path of the provider stub that an alert is for. */
export function pathOf(row: AlertRow): string {
  return new URL(row.alert_target).pathname;
}

/** When a death notice became pointless, if it did. */
export function overtakenMs(row: AlertRow, changes: readonly Change[]): number | undefined {
  const deadMs = ulidTimeMs(row.id);
  return changes.find(({ kind, atMs }) => (kind === "revived" || kind === "cancelled") && atMs >= deadMs)?.atMs;
}

const HOUR_MS = 3_600_000;
/** From so many changes within an hour on, a notice stands for those before it (docs/decisions/0030). */
const FLAPPING_FROM = 7;

/** Whether a service had changed so often by a moment that not each change is told. */
export function isFlapping(changes: readonly Change[], atMs: number): boolean {
  const told = changes.filter(({ kind }) => kind === "died" || kind === "revived");
  return told.filter((change) => change.atMs <= atMs && atMs - change.atMs < HOUR_MS).length >= FLAPPING_FROM;
}

/** Whether a notice was dropped because a later one of a service that flaps stands for it. */
export function isStoodFor(row: AlertRow, changes: readonly Change[]): boolean {
  const happenedMs = ulidTimeMs(row.id);
  return changes.some(({ atMs }) => atMs > happenedMs && isFlapping(changes, atMs));
}
