import type { Span, Window } from "../domain/history.ts";
import { spansOf } from "../domain/history.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { SECOND_MS } from "../domain/time.ts";
import type { Database } from "../storage/database.ts";
import { listTransitions, listTransitionsOf, statusesAt, type TransitionRow } from "../storage/transition-log.ts";

/** The days that a strip shows. */
export const DAYS = 30;

const DAY_SECONDS = 86_400;
/** Of each service at most so many changes are looked at, the newest: of who has more, what was before is not known. */
export const MOST_CHANGES_EACH = 500;
/** No more than this are read at all; as long as all services together have fewer, each need not be looked for. */
const MOST_CHANGES = 10_000;

/** What is known of a service's last 30 days. */
export interface Past {
  spans: Span[];
  /** Since when that is, where there were too many changes to look at all, in seconds since the epoch. */
  knownFrom: number | undefined;
}

/** The last 30 days up to now, in seconds. */
export function lastDays(now: number): Window {
  return { from: now - DAYS * DAY_SECONDS, to: now };
}

/**
 * What services were in the last 30 days, by their names: the same wherever it is shown.
 * @param areAll whether these are all services: then it is not said to D1 which, unless they have very many changes
 */
export async function readPasts(
  db: Database,
  services: readonly Snapshot[],
  now: number,
  areAll: boolean,
): Promise<Map<string, Past>> {
  if (services.length === 0) return new Map();
  const window = lastDays(now);
  const fromMs = window.from * SECOND_MS;
  const names = services.map(({ service }) => service);
  const few = areAll ? await listTransitions(db, fromMs, MOST_CHANGES) : undefined;
  const rows =
    few && few.length < MOST_CHANGES
      ? few
      : await listTransitionsOf(db, names, { fromMs, each: MOST_CHANGES_EACH, limit: MOST_CHANGES });
  const allFrom = rows.length < MOST_CHANGES ? undefined : rows.at(-1)?.at;
  const known = Map.groupBy(rows, ({ service }) => service);
  const pastOf = (service: string) => {
    const newest = (known.get(service) ?? []).slice(0, MOST_CHANGES_EACH);
    const knownFrom = newest.length < MOST_CHANGES_EACH ? allFrom : newest.at(-1)?.at;
    return { changes: newest.reverse(), knownFrom };
  };
  const pasts = new Map(names.map((name) => [name, pastOf(name)]));
  const before = await statusesAt(
    db,
    names.filter((name) => isUnclear(pasts.get(name))),
    fromMs,
  );
  return new Map(
    services.map(({ service, status, since }) => {
      const { changes, knownFrom } = pasts.get(service) as ReturnType<typeof pastOf>;
      const completeFrom = knownFrom ?? window.from;
      const history = { changes, completeFrom, before: before.get(service), now: { status, since } };
      return [service, { spans: spansOf(history, window), knownFrom }];
    }),
  );
}

/** The first change tells what was before it, but for the end of a service; of who has too many nothing is told. */
function isUnclear(past: { changes: readonly TransitionRow[]; knownFrom: number | undefined } | undefined): boolean {
  const status = past?.changes[0]?.status;
  return past?.knownFrom === undefined && (status === "cancelled" || status === "forgotten");
}
