import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { findD1File } from "../../scripts/local/d1-file.ts";
import type { AlertRow, EventRow, Observed, ServiceRow, TransitionRow } from "./observed.ts";
import type { DatabaseFault, DatabaseWindow } from "./plan.ts";

/** While it is waited for, the clients of the run stand still. */
const BUSY_TIMEOUT_MS = 1_000;

/** Opens D1's file beside the runtime, whose locks it respects. */
function open(stateDir: string): DatabaseSync {
  const file = findD1File(stateDir);
  if (file === undefined) throw new Error(`There is no database in ${stateDir}`);
  const db = new DatabaseSync(file);
  db.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  return db;
}

/** Makes D1 refuse, from outside: the runtime finds its file locked, or a table gone. */
export class DatabaseFaults {
  readonly #stateDir: string;
  readonly #isUp: () => boolean;
  #mend: (() => void) | undefined;
  /** How often it was made to refuse. */
  count = 0;

  constructor(stateDir: string, isUp: () => boolean) {
    this.#stateDir = stateDir;
    this.#isUp = isUp;
  }

  /** Goes through the planned windows, until `signal` ends it. */
  async run(windows: readonly DatabaseWindow[], startMs: number, signal: AbortSignal): Promise<void> {
    try {
      for (const { fromMs, toMs, fault } of windows) {
        await delay(Math.max(0, startMs + fromMs - Date.now()), undefined, { signal });
        if (this.#isUp()) this.#break(fault);
        await delay(toMs - fromMs, undefined, { signal });
        this.mend();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.mend();
    }
  }

  /** Ends a fault before its time: the system can't start while its database is locked or lacks a table. */
  mend(): void {
    this.#mend?.();
    this.#mend = undefined;
  }

  #break(fault: DatabaseFault): void {
    const db = open(this.#stateDir);
    try {
      db.exec(fault === "lock" ? "begin exclusive" : `alter table ${fault} rename to ${fault}_gone`);
    } catch {
      // The runtime is writing without end, or is being started: there will be other windows.
      db.close();
      return;
    }
    this.count++;
    this.#mend = () => {
      db.exec(fault === "lock" ? "rollback" : `alter table ${fault}_gone rename to ${fault}`);
      db.close();
    };
  }
}

/** Reads all tables as they are at one moment. */
export function readTables(stateDir: string): Observed["tables"] {
  const db = open(stateDir);
  try {
    db.exec("begin");
    const all = <Row>(table: string) => db.prepare(`select * from ${table}`).all() as Row[];
    return {
      services: all<ServiceRow>("services"),
      events: all<EventRow>("events"),
      alerts: all<AlertRow>("alerts"),
      transitions: all<TransitionRow>("transitions"),
    };
  } finally {
    db.close();
  }
}
