import { assumedLastMs, type Snapshot } from "../domain/snapshot.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import type { Database } from "../storage/database.ts";
import { findService, upsertServices } from "../storage/directory.ts";
import type { D1Lane } from "./d1-lane.ts";
import { CLAIM_MS, type Ledger } from "./ledger.ts";
import { within } from "./within.ts";

/** So long does a request wait for D1 at the most; what did not arrive by then stays owed. */
const LONGEST_WAIT_MS = 2 * SECOND_MS;

/** What D1 knows of a service: brought there by its requests, so far as D1 is quick; the alarm brings the rest. */
export class Projection {
  readonly #service: string;
  readonly #db: Database;
  readonly #lane: D1Lane;
  readonly #waitUntil: (work: Promise<void>) => void;

  constructor(service: string, db: Database, lane: D1Lane, waitUntil: (work: Promise<void>) => void) {
    this.#service = service;
    this.#db = db;
    this.#lane = lane;
    this.#waitUntil = waitUntil;
  }

  /** Brings what is owed to D1 before the caller gets its answer, unless D1 is slow or failing: then it stays owed. */
  async flushBriefly(ledger: Ledger): Promise<void> {
    if (this.#lane.isBackingOff) return;
    const flushed = this.#lane.flushAll(CLAIM_MS).then(() => {
      ledger.arm(Date.now());
      ledger.retire();
    });
    this.#waitUntil(flushed);
    try {
      await within(LONGEST_WAIT_MS, flushed);
    } catch (error) {
      log("warn", "d1.slow", { service: this.#service, error: errorText(error) });
    }
  }

  /** Brings the directory row up to date without owing it: where that fails, it is done again before long. */
  async refresh(ledger: Ledger, snapshot: Snapshot): Promise<void> {
    try {
      await upsertServices(this.#db, [snapshot]);
    } catch (error) {
      // The next period's pulse does it again; until then lists ask this object.
      log("warn", "directory.refresh-failed", { service: this.#service, error: errorText(error) });
    }
    if (ledger.service) return;
    // The service was forgotten meanwhile: a row that came after that must not stay.
    const nowMs = Date.now();
    ledger.transaction(nowMs, () => ledger.owe({ kind: "directory" }, nowMs));
    await this.flushBriefly(ledger);
  }

  /** The last pulse to assume, in milliseconds, of a service whose alarm the platform has lost. */
  async assumeLastMs(): Promise<number> {
    let row: Snapshot | undefined;
    try {
      row = await within(LONGEST_WAIT_MS, findService(this.#db, this.#service));
    } catch (error) {
      log("warn", "d1.failed", { service: this.#service, error: errorText(error) });
    }
    log("error", "alarm.lost", { service: this.#service, foundInDirectory: row !== undefined });
    return assumedLastMs(row, Date.now());
  }
}
