import type { Env } from "../config.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { errorText, log } from "../log.ts";
import { openDatabase } from "../storage/database.ts";
import { deleteGone, updateServices } from "../storage/directory.ts";
import { callMonitor } from "./call-monitor.ts";

/**
 * Asks the objects of rows of the directory what is true, in parallel; what is learned goes into the directory. One
 * object that can't be reached must not spoil it for the others.
 * @returns what they said by their names; null of those that have been forgotten, nothing of those that did not answer
 */
export async function askServices(env: Env, rows: readonly Snapshot[]): Promise<Map<string, Snapshot | null>> {
  const answers = await Promise.all(rows.map((row) => ask(env, row)));
  const learned = answers.filter((answer) => !!answer);
  const gone = rows.filter((_, i) => answers[i] === null);
  const db = openDatabase(env.DB);
  try {
    if (learned.length > 0) await updateServices(db, learned);
    if (gone.length > 0) await deleteGone(db, gone);
  } catch (error) {
    log("warn", "directory.refresh-failed", { rows: learned.length + gone.length, error: errorText(error) });
  }
  return new Map(rows.flatMap(({ service }, i) => (answers[i] === undefined ? [] : [[service, answers[i]]])));
}

async function ask(env: Env, { service }: Snapshot): Promise<Snapshot | null | undefined> {
  try {
    return await callMonitor(env, service, (monitor) => monitor.snapshot());
  } catch (error) {
    log("warn", "directory.ask-failed", { service, error: errorText(error) });
    return undefined;
  }
}
