import type { Attempt, Observed } from "../observed.ts";

const MINUTE_MS = 60_000;
/** Connections that hang are given up after so long, and who has waited for them comes in turn. */
const AFTER_TROUBLE_MS = 20_000;
/** So many messages of one alert each does a target get within a minute (docs/decisions/0030). */
const MOST_SINGLES = 10;
/** What is more waits for a digest, which is sent when no more has come for a while. */
const LONGEST_WAIT_FOR_DIGEST_MS = 75_000;
/** A target that has refused a digest gets its alerts one by one for an hour, ten a minute. */
const LONGEST_WAIT_WITHOUT_DIGESTS_MS = 600_000;
const WITHOUT_DIGESTS_MS = 3_600_000;

/** What holds up the messages to each path of the provider stub: its own troubles, and that there are many. */
export class PathPaces {
  readonly #troubles: Map<string, { fromMs: number; toMs: number }[]>;
  readonly #attempts: Map<string, Attempt[]>;

  constructor({ troubles, attempts }: Pick<Observed, "troubles" | "attempts">) {
    this.#troubles = Map.groupBy(troubles, ({ path }) => path);
    this.#attempts = Map.groupBy(attempts, ({ path }) => path);
  }

  /** When something can be told that is due at a moment: then, or after the trouble that there is then. */
  untroubledMs(path: string, dueMs: number): number {
    let ms = dueMs;
    for (const { fromMs, toMs } of this.#troubles.get(path) ?? []) {
      if (ms >= fromMs && ms < toMs + AFTER_TROUBLE_MS) ms = toMs + AFTER_TROUBLE_MS;
    }
    return ms;
  }

  /** How long something may have to wait because there is much else to tell. */
  longestWaitMs(path: string, fromMs: number, toMs: number): number {
    const all = this.#attempts.get(path) ?? [];
    const within = (lengthMs: number) => all.filter(({ atMs }) => atMs >= fromMs - lengthMs && atMs <= toMs);
    if (within(WITHOUT_DIGESTS_MS).some(({ isDigest, verdict }) => isDigest && verdict === "refused")) {
      return LONGEST_WAIT_WITHOUT_DIGESTS_MS;
    }
    const recent = within(MINUTE_MS);
    const isStorm = recent.length >= MOST_SINGLES || recent.some(({ isDigest }) => isDigest);
    return isStorm ? LONGEST_WAIT_FOR_DIGEST_MS : 0;
  }
}
