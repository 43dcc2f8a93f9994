import { expect } from "vitest";
import type { OutboxEntry } from "../../../src/domain/outbox.ts";
import { expectedMs } from "../../../src/domain/service.ts";
import { addressOf, toldTargets } from "../../../src/domain/target.ts";
import { nextChangeMs } from "../../../src/domain/verbs.ts";
import type { MonitorShell, World } from "./monitor-shell.ts";

/** What must be true after every step, whatever the reference says. */
export function checkInvariants(world: World, before: Pick<MonitorShell, "service" | "entries">, name: string): void {
  const { service, entries } = world.shell;
  const addresses = service ? toldTargets(service).map(addressOf) : [];
  expect(new Set(addresses).size, "nobody is told twice").toBe(addresses.length);
  const deaths = entries.filter(({ owed }) => owed.kind === "alert" && owed.alert.kind === "dead");
  const changeMs = service && nextChangeMs(service);
  const canHappen = changeMs !== undefined || entries.length > 0;
  expect(world.storage.alarmMs !== null, "the alarm is set exactly when something can happen").toBe(canHappen);
  world.latestMs = Math.max(world.latestMs, world.nowMs);
  if (changeMs !== undefined) {
    // What is overdue is woken for a millisecond later; afterwards the clock may have stepped back.
    const latestMs = Math.max(changeMs, world.latestMs + 1);
    expect(world.storage.alarmMs, "the alarm is no later than what comes next").toBeLessThanOrEqual(latestMs);
  }
  if (isGone(world) && !world.shell.busyLanes && !world.leavesTable)
    expect(world.storage.isEmpty, "where there is nothing, nothing is stored").toBe(true);
  expect(world.shell.timerMs ?? Infinity, "a run that waits does not spin").toBeGreaterThan(world.nowMs);
  if (service?.status !== "dead") expect(deaths, "a death is owed only as long as it lasts").toEqual([]);
  if (!before.service || !service || name.startsWith("pulse")) return;
  const rank = { alive: 0, dead: 1, cancelled: 2 };
  expect(rank[service.status], "a status only worsens without a pulse").toBeGreaterThanOrEqual(
    rank[before.service.status],
  );
  expect(expectedMs(service), "only a pulse moves `expected`").toBe(expectedMs(before.service));
  if (before.service.status === "cancelled") {
    const known = newsIn(before.entries);
    expect(
      newsIn(entries).filter((id) => !known.includes(id)),
      "a cancelled service has no news",
    ).toEqual([]);
  }
}

/** Whether there is neither a service nor anything owed. */
export function isGone({ shell }: World): boolean {
  return !shell.service && shell.entries.length === 0;
}

/** The alerts that tell of a death or a revival. */
function newsIn(entries: readonly OutboxEntry[]): string[] {
  return entries.flatMap(({ owed }) => (owed.kind === "alert" && owed.alert.kind !== "event" ? [owed.alert.id] : []));
}
