import { laneOf, type Owed, type OwedAlert } from "../../../src/domain/outbox.ts";
import { expectedMs, type Service } from "../../../src/domain/service.ts";
import { toldTargets } from "../../../src/domain/target.ts";
import { ulidTimeMs } from "../../../src/domain/ulid.ts";
import type { World } from "./monitor-shell.ts";
import type { View } from "./reference.ts";

/** How the real system looks from outside. */
export function viewOf(world: World): View {
  const { service, entries } = world.shell;
  const lanes: View["lanes"] = {};
  for (const { lane, owed, attempts, nextMs } of entries) {
    lanes[lane] ??= [];
    lanes[lane].push([labelOf(owed), attempts?.count ?? 0, nextMs]);
  }
  return {
    service: service && factsOf(service),
    lanes,
    alarmMs: world.storage.alarmMs,
    arrived: world.arrived.map((owed) => `${laneOf(owed)} ${labelOf(owed)}`),
    rows: world.rows.map(labelOf),
  };
}

function factsOf(service: Service): View["service"] {
  const { status, sinceMs, lastMs, graceSeconds, remindEverySeconds, pauseUntilMs } = service;
  const reminders = status === "dead" ? service.reminders : undefined;
  const promised = { lastMs, expectedMs: expectedMs(service), graceSeconds, remindEverySeconds };
  return { status, sinceMs, ...promised, pauseUntilMs, reminders, targets: toldTargets(service) };
}

function labelOf(owed: Owed): string {
  switch (owed.kind) {
    case "alert":
      return alertLabel(owed);
    case "event":
      return `event ${owed.event.level}@${ulidTimeMs(owed.event.id)}`;
    case "transition":
      return `transition ${owed.transition.status}@${ulidTimeMs(owed.transition.id)}`;
    case "record":
      return `record ${alertLabel(owed.record)} ${owed.record.state} ${owed.record.attempts}`;
    case "directory":
      return "directory";
  }
}

/** Title and date, and for a reminder how many it says came before. */
export function alertLabel({ alert: { title, message, dateMs } }: Pick<OwedAlert, "alert">): string {
  if (!title.endsWith("is still not pulsing")) return `${title}@${dateMs}`;
  const [, count] =
    /(This is the first|One|\d+) reminders? /.exec(message.replace("first reminder", "first reminder ")) ?? [];
  const words: Record<string, string> = { "This is the first": "0", One: "1" };
  return `${title} (${words[count ?? ""] ?? count})@${dateMs}`;
}
