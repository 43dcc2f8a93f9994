import type { HeartBeat } from "../types.ts";
import { formatDuration } from "./duration.ts";
import { formatTable, printable } from "./table.ts";

const SIGNS = { dead: "✖ dead", alive: "● alive", cancelled: "○ cancelled" };
const ORDER = ["dead", "alive", "cancelled"];

/** Services as a table: the dead first, then those who are due next. */
export function listTable(services: HeartBeat[], nowMs: number): string {
  if (services.length === 0) return "No service has pulsed yet.";
  const now = nowMs / 1_000;
  const sorted = [...services].sort(
    (a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.expected - b.expected,
  );
  const rows = sorted.map((service) => [
    printable(service.service),
    SIGNS[service.status],
    `${formatDuration(Math.max(0, now - service.last))} ago`,
    dueOf(service, now),
    [service.alertType, ...(service.alerts ?? []).map(({ type }) => type)].map(printable).join(", "),
  ]);
  return formatTable([["service", "status", "last pulse", "due", "alerts"], ...rows]);
}

function dueOf({ status, expected }: HeartBeat, now: number): string {
  if (status === "cancelled") return "-";
  const seconds = expected - now;
  return seconds >= 0 ? `in ${formatDuration(seconds)}` : `${formatDuration(-seconds)} ago`;
}
