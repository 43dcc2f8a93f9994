import type { Span, Window } from "../domain/history.ts";
import { spansOf } from "../domain/history.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { SECOND_MS } from "../domain/time.ts";
import type { Database } from "../storage/database.ts";
import { listTransitions, statusesAt, type TransitionRow } from "../storage/transition-log.ts";

/** The days that a strip shows. */
export const DAYS = 30;

const DAY_SECONDS = 86_400;
/** At most so many changes are read, the newest: of services that die and revive all the time the rest stays unknown. */
const MOST_CHANGES = 10_000;

/** The last 30 days up to now, in seconds. */
export function lastDays(now: number): Window {
  return { from: now - DAYS * DAY_SECONDS, to: now };
}

/**
 * What services were in the last 30 days, by their names.
 * @param areAll whether these are all services: then it is not said to D1 which
 */
export async function readHistories(
  db: Database,
  services: readonly Snapshot[],
  now: number,
  areAll: boolean,
): Promise<Map<string, Span[]>> {
  if (services.length === 0) return new Map();
  const window = lastDays(now);
  const fromMs = window.from * SECOND_MS;
  const names = areAll ? {} : { names: services.map(({ service }) => service) };
  const rows = await listTransitions(db, { fromMs, limit: MOST_CHANGES, ...names });
  const completeFrom = rows.length < MOST_CHANGES ? window.from : (rows.at(-1)?.at ?? window.from);
  const changes = Map.groupBy(rows.reverse(), ({ service }) => service);
  const before = await statusesAt(db, services.map(({ service }) => service).filter(isUnclear(changes)), fromMs);
  return new Map(
    services.map(({ service, status, since }) => {
      const history = {
        changes: changes.get(service) ?? [],
        completeFrom,
        before: before.get(service),
        now: { status, since },
      };
      return [service, spansOf(history, window)];
    }),
  );
}

/** The first change tells what was before it, but for the end of a service. */
function isUnclear(changes: ReadonlyMap<string, readonly TransitionRow[]>) {
  return (service: string): boolean => {
    const status = changes.get(service)?.[0]?.status;
    return status === "cancelled" || status === "forgotten";
  };
}
