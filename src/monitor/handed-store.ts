import type { StateStorage } from "./state-store.ts";

const KEY = "handed";
/** A rule hands over one alert at a time, and a repetition comes within minutes. */
const MOST_KEPT = 20;

/** Remembers which alerts rules have handed over, so that one that is handed over again is not told again. */
export class HandedStore {
  readonly #kv: StateStorage["kv"];
  #ids: readonly string[];

  constructor(kv: StateStorage["kv"]) {
    this.#kv = kv;
    this.#ids = (kv.get(KEY) as string[] | undefined) ?? [];
  }

  /** Whether none is remembered. */
  get isEmpty(): boolean {
    return this.#ids.length === 0;
  }

  /** Whether an alert was handed over, as far as that is remembered. */
  has(alertId: string): boolean {
    return this.#ids.includes(alertId);
  }

  /** Remembers an alert, without awaiting. */
  add(alertId: string): void {
    this.#ids = [...this.#ids, alertId].slice(-MOST_KEPT);
    this.#kv.put(KEY, this.#ids);
  }

  /** Forgets all, without awaiting; writes nothing where there are none. */
  clear(): void {
    if (this.isEmpty) return;
    this.#ids = [];
    this.#kv.delete(KEY);
  }
}
