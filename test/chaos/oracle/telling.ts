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
