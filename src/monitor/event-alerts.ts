import type { Config } from "../config.ts";
import { noticeOfEvent } from "../domain/alert.ts";
import { dateMs, type Event, isSameEvent } from "../domain/event.ts";
import type { Ledger } from "./ledger.ts";

/** Repetitions come within seconds: so many events are remembered. */
const MOST_REMEMBERED = 100;

/** Owes events of a service to D1, and each to the default target, too; one that comes again is owed once. */
export class EventAlerts {
  readonly #config: Config;
  /** By id: a repetition may come just when the outbox has the event no more, and whoever asked D1 did so before. */
  readonly #lately = new Map<string, Event>();

  constructor(config: Config) {
    this.#config = config;
  }

  /**
   * Owes those that are new; durable with what the caller writes before its next await.
   * @returns whether there were any, and the ids of those that came before with other content
   */
  owe(ledger: Ledger, events: readonly Event[], nowMs: number): { isNews: boolean; otherIds: string[] } {
    const before = events.map(({ id }) => ledger.eventOwed(id) ?? this.#lately.get(id));
    const fresh = events.filter((_, i) => before[i] === undefined);
    if (fresh.length > 0) {
      ledger.transaction(nowMs, () => {
        for (const event of fresh) this.#oweOne(ledger, event, nowMs);
      });
    }
    for (const event of fresh) this.#remember(event);
    const otherIds = events.flatMap((event, i) => (isSameEvent(before[i] ?? event, event) ? [] : [event.id]));
    return { isNews: fresh.length > 0, otherIds };
  }

  #oweOne(ledger: Ledger, event: Event, nowMs: number): void {
    ledger.owe({ kind: "event", event }, nowMs);
    const { defaultTarget, alertsEnabled } = this.#config;
    if (!defaultTarget || !alertsEnabled) return;
    // The event's id is the alert's, too: however often it is sent, its receiver can tell that it is the same.
    const alert = { id: event.id, ...noticeOfEvent(event, dateMs(event)) };
    ledger.owe({ kind: "alert", alert, target: defaultTarget }, nowMs);
  }

  #remember(event: Event): void {
    const [oldest] = this.#lately.keys();
    if (this.#lately.size >= MOST_REMEMBERED && oldest !== undefined) this.#lately.delete(oldest);
    this.#lately.set(event.id, event);
  }
}
