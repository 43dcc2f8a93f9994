import type { Env } from "../config.ts";
import { expectedOf, isTrustworthy, type Snapshot } from "../domain/snapshot.ts";
import { toSeconds } from "../domain/time.ts";
import { askServices } from "../monitor/ask-services.ts";
import { openDatabase } from "../storage/database.ts";
import { listServices } from "../storage/directory.ts";

/** A list asks at most so many objects, which bounds what it costs; the rest is given as the directory has it. */
const MOST_ASKED = 50;

/**
 * All services, by name. Rows that can't be trusted are asked at their objects first, then those whose promise has
 * passed, the longest overdue first; what is learned goes back into the directory.
 * @returns undefined where they are more than `mostHere`, and this is a request, which has to hand over
 */
export async function listHeartbeats(env: Env, nowMs: number, mostHere: number): Promise<Snapshot[] | undefined> {
  const rows = await listServices(openDatabase(env.DB), env.BULK_READER && mostHere + 1);
  if (env.BULK_READER && rows.length > mostHere) return undefined;
  const known = await askOverdue(env, rows, nowMs);
  // One that did not answer is given as it is, and its `asOf` says so.
  return rows.flatMap((row) => {
    const answer = known.get(row.service);
    return answer === null ? [] : [answer ?? row];
  });
}

/**
 * Asks the objects of those rows whose promise has passed, the most doubtful first and not more than a few; what is
 * learned goes into the directory.
 * @returns what they said by their names; null of those that have been forgotten
 */
export function askOverdue(env: Env, rows: readonly Snapshot[], nowMs: number): Promise<Map<string, Snapshot | null>> {
  return askServices(env, toBeAsked(rows, nowMs));
}

function toBeAsked(rows: readonly Snapshot[], nowMs: number): Snapshot[] {
  const now = toSeconds(nowMs);
  return rows
    .filter((row) => row.status === "alive" && expectedOf(row) < now)
    .map((row) => ({ row, isTrusted: isTrustworthy(row, nowMs) }))
    .sort((a, b) => Number(a.isTrusted) - Number(b.isTrusted) || expectedOf(a.row) - expectedOf(b.row))
    .slice(0, MOST_ASKED)
    .map(({ row }) => row);
}
