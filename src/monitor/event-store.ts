import type { Env } from "../config.ts";
import type { Event } from "../domain/event.ts";
import { openDatabase } from "../storage/database.ts";
import { insertEvents } from "../storage/event-log.ts";
import { callMonitor } from "./call-monitor.ts";
import { tellRules } from "./rule-book.ts";

/**
 * Stores events, alerts the default target of those that ask for it, and tells the rules that they match; all of it is
 * durable when it returns.
 */
export async function storeEvents(env: Env, events: readonly Event[]): Promise<void> {
  const told = tellRules(env, events);
  try {
    await store(env, events);
  } finally {
    // Also where they could not be stored: who is told that may go away.
    await told;
  }
}

async function store(env: Env, events: readonly Event[]): Promise<void> {
  const plain = events.filter(({ alert }) => !alert);
  if (plain.length > 0) await insertEvents(openDatabase(env.DB), plain);
  // The service's object owes both, the row and the alert: so neither is lost when the other fails.
  await Promise.all(
    events.flatMap((event) => (event.alert ? callMonitor(env, event.service, (own) => own.alert(event)) : [])),
  );
}
