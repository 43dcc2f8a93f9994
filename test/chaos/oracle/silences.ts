import type { Observed, Operation } from "../observed.ts";

/** Where so many, and such a share of those that are due, fall silent in so short a time, they are held (docs/decisions/0027). */
const FEWEST_SILENT = 5;
const RISING_SHARE = 0.1;
const RISING_WINDOW_MS = 10_000;
/** What a kill cuts off may be noticed so much later. */
const NOTICED_LATER_MS = 15_000;
/** Who is due is known by those who pulsed within so long, about. */
const DUE_WITHIN_MS = 120_000;

/** When which services were silent for longer than they had promised: many of them together are held for a while. */
export class Silences {
  readonly #pulses: readonly Operation[];
  readonly #uptimes: Observed["uptimes"];
  readonly #noticed: { service: string; atMs: number }[] = [];

  constructor({ operations, uptimes }: Pick<Observed, "operations" | "uptimes">) {
    this.#uptimes = uptimes;
    this.#pulses = operations.filter(({ kind }) => kind === "pulse");
    const next = new Map<string, number>();
    for (const { service, kind, sentMs, doneMs, promiseMs } of operations.toReversed()) {
      const nextMs = next.get(service) ?? Number.POSITIVE_INFINITY;
      next.set(service, sentMs);
      if (kind !== "pulse" || nextMs <= sentMs + promiseMs) continue;
      this.#noticed.push({ service, atMs: this.#noticedMs(doneMs + promiseMs) });
    }
  }

  /** Whether so many fell silent together with one that it may have been held. */
  areMany(deadlineMs: number): boolean {
    const atMs = this.#noticedMs(deadlineMs);
    const reachMs = RISING_WINDOW_MS + NOTICED_LATER_MS;
    const silent = namesOf(this.#noticed.filter((other) => Math.abs(other.atMs - atMs) <= reachMs)).size;
    if (silent < FEWEST_SILENT) return false;
    const due = namesOf(this.#pulses.filter(({ doneMs }) => doneMs > atMs - DUE_WITHIN_MS && doneMs <= atMs)).size;
    return silent >= due * RISING_SHARE;
  }

  /** When a silence is noticed that begins at a moment: then, or when the system is up again. */
  #noticedMs(deadlineMs: number): number {
    const up = this.#uptimes.find(({ readyMs, killMs }) => readyMs !== undefined && (killMs ?? Infinity) > deadlineMs);
    return Math.max(deadlineMs, up?.readyMs ?? deadlineMs);
  }
}

function namesOf(those: readonly { service: string }[]): Set<string> {
  return new Set(those.map(({ service }) => service));
}
