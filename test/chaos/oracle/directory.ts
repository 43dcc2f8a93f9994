import type { Observed, Violation } from "../observed.ts";
import type { FinalState } from "./history.ts";

const second = (ms: number) => Math.floor(ms / 1_000);

/** The directory and the API say of each service how it stands, and of no other. */
export function checkDirectory(
  { tables, heartBeats, pathsOf }: Observed,
  finals: Map<string, FinalState>,
): Violation[] {
  const violations: Violation[] = [];
  const rows = new Map(tables.services.map((row) => [row.service, row]));
  for (const [service, final] of finals) {
    const row = rows.get(service);
    rows.delete(service);
    const beat = heartBeats?.get(service);
    const violate = (rule: string, detail: string) => violations.push({ rule, subject: service, detail });
    if (final.status === "unknown") {
      if (row) violate("directory", `has ${row.status}, which was forgotten, or never heard of`);
      if (beat) violate("state", `is ${beat.status}, though it was forgotten, or never heard of`);
      continue;
    }
    if (row === undefined) {
      violate("directory", `has no row, but it is ${final.status}`);
      continue;
    }
    const since = second(final.sinceMs);
    if (row.status !== final.status || row.since !== since) {
      violate("directory", `has ${row.status} since ${row.since}, not ${final.status} since ${since}`);
    }
    const paths = [row.alert_target, ...(JSON.parse(row.alerts) as { target: string }[]).map(({ target }) => target)];
    const told = paths.map((url) => new URL(url).pathname).join(" ");
    if (told !== pathsOf.get(service)?.join(" ")) violate("directory", `has the targets ${told}`);
    // While it pulses steadily, its row may be ten minutes old; its other states are written with their last pulse.
    const isOld = final.status === "alive" && row.last < second(final.lastFromMs);
    if (!isOld && (row.last < second(final.lastFromMs) || row.last > second(final.lastToMs))) {
      violate("directory", `has the last pulse ${row.last}, not ${second(final.lastToMs)}`);
    }
    if (heartBeats === undefined) continue;
    if (!beat) {
      violate("state", `is not known, but it is ${final.status}`);
      continue;
    }
    if (beat.status !== final.status || beat.since !== since) {
      violate("state", `is ${beat.status} since ${beat.since}, not ${final.status} since ${since}`);
    }
    if (beat.last < second(final.lastFromMs) || beat.last > second(final.lastToMs)) {
      violate("lost pulse", `the last one is ${beat.last}, not ${second(final.lastToMs)}`);
    }
  }
  for (const { service, status } of rows.values()) {
    if (service !== "watchTower") violations.push({ rule: "directory", subject: service, detail: `has ${status}` });
  }
  return violations;
}
