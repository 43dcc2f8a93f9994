import { ulidTimeMs } from "../../../src/domain/ulid.ts";
import type { Operation, TransitionRow } from "../observed.ts";
import type { Timeline } from "./timeline.ts";

/** A change of status that really happened, and what is known of it. */
export interface Change {
  kind: "born" | "died" | "revived" | "resumed" | "cancelled" | "forgotten";
  atMs: number;
  /** The promise that the service had then. */
  promiseMs: number;
}

/** How a service stands in the end. */
export interface FinalState {
  status: "unknown" | "alive" | "dead" | "cancelled";
  sinceMs: number;
  /** Between which moments its last pulse was. */
  lastFromMs: number;
  lastToMs: number;
  promiseMs: number;
}

/** What happened to a service, or why no story explains what was recorded. */
export type History = { changes: Change[]; final: FinalState } | { problem: string };

/** Of the same moment: a death comes before what ends it, the end of a life before the next. */
const ORDER = { dead: 0, cancelled: 1, forgotten: 2, alive: 3 } as const;

interface Row {
  status: TransitionRow["status"];
  atMs: number;
  last: number | null;
  expected: number | null;
}

/**
 * Finds the story that explains both what the clients of a service did and what its transitions say: each acknowledged
 * operation counted, each other one may have; a service dies exactly at the end of its promise, and only if no pulse
 * came before; and nothing else happened.
 */
export function historyOf(
  service: string,
  operations: readonly Operation[],
  transitions: readonly TransitionRow[],
  timeline: Timeline,
  readMs: number,
): History {
  const rows = transitions
    .map(({ id, status, last, expected }): Row => ({ status, atMs: ulidTimeMs(id), last, expected }))
    .sort((a, b) => a.atMs - b.atMs || ORDER[a.status] - ORDER[b.status]);
  return new Search(service, operations, rows, timeline, readMs).find();
}

/** A search with a memory of what led nowhere, since lost answers make many stories possible. */
class Search {
  readonly #service: string;
  readonly #operations: readonly Operation[];
  readonly #rows: readonly Row[];
  readonly #timeline: Timeline;
  readonly #readMs: number;
  readonly #changes: Change[] = [];
  readonly #deadEnds = new Set<string>();
  #final: FinalState | undefined;
  #problem = { at: -1, text: "nothing was recorded" };

  constructor(
    service: string,
    operations: readonly Operation[],
    rows: readonly Row[],
    timeline: Timeline,
    readMs: number,
  ) {
    this.#service = service;
    this.#operations = operations;
    this.#rows = rows;
    this.#timeline = timeline;
    this.#readMs = readMs;
  }

  find(): History {
    const start: FinalState = { status: "unknown", sinceMs: 0, lastFromMs: 0, lastToMs: 0, promiseMs: 0 };
    if (this.#from(0, 0, start) && this.#final) return { changes: this.#changes, final: this.#final };
    return { problem: this.#problem.text };
  }

  /** Whether operations from the i-th and rows from the j-th on can follow on a state. */
  #from(i: number, j: number, state: FinalState): boolean {
    const key = `${i} ${j} ${state.status} ${state.lastFromMs} ${state.lastToMs} ${state.promiseMs}`;
    if (this.#deadEnds.has(key)) return false;
    if (this.#diesFirst(i, j, state)) return true;
    const operation = this.#operations[i];
    if (operation === undefined) {
      if (this.#ends(j, state)) return true;
    } else {
      if (this.#applies(i, j, operation, state)) return true;
      if (operation.outcome !== "acknowledged" && this.#from(i + 1, j, state)) return true;
    }
    this.#deadEnds.add(key);
    return false;
  }

  #diesFirst(i: number, j: number, state: FinalState): boolean {
    const row = this.#rows[j];
    if (state.status !== "alive" || row?.status !== "dead") return false;
    const lastMs = row.atMs - state.promiseMs;
    if (lastMs < state.lastFromMs || lastMs > state.lastToMs) {
      return this.#fails(i, j, `it is recorded dead at ${row.atMs}, which is not the end of its last promise`);
    }
    if (row.last !== Math.floor(lastMs / 1_000)) {
      return this.#fails(i, j, `it is recorded dead at ${row.atMs} with the last pulse ${row.last}, which was another`);
    }
    if (row.atMs > (this.#operations[i]?.doneMs ?? this.#readMs)) {
      return this.#fails(i, j, `it is recorded dead at ${row.atMs}, but a pulse came before`);
    }
    const dead: FinalState = {
      ...state,
      status: "dead",
      sinceMs: row.atMs,
      lastFromMs: lastMs,
      lastToMs: lastMs,
    };
    return this.#takes("died", i, j, state.promiseMs, dead);
  }

  #applies(i: number, j: number, operation: Operation, state: FinalState): boolean {
    const { kind, sentMs, doneMs, promiseMs } = operation;
    const deadlineMs = state.lastToMs + state.promiseMs;
    if (state.status === "alive" && sentMs > deadlineMs) {
      // Nothing says that it died, though its time was over: then it was excused.
      const aliveUntilMs = this.#timeline.aliveUntilMs(this.#service, state.promiseMs, deadlineMs, doneMs);
      if (sentMs > aliveUntilMs) {
        return this.#fails(i, j, `no death is recorded of ${deadlineMs}, before the ${kind} of ${sentMs}`);
      }
    }
    if (kind === "pulse") {
      const [lastFromMs, lastToMs] = momentsOf(operation);
      const alive: FinalState = { ...state, status: "alive", lastFromMs, lastToMs, promiseMs };
      if (state.status === "alive") return this.#from(i + 1, j, alive);
      const row = this.#expects("alive", i, j, operation, state.status === "dead" ? state : undefined);
      if (!row) return false;
      const awake: FinalState = { ...alive, sinceMs: row.atMs, lastFromMs: row.atMs, lastToMs: row.atMs };
      const changes = { unknown: "born", dead: "revived", cancelled: "resumed" } as const;
      return this.#takes(changes[state.status], i + 1, j, state.promiseMs, awake);
    }
    if (state.status === "unknown") return this.#from(i + 1, j, state);
    if (state.status !== "cancelled") {
      const row = this.#expects("cancelled", i, j, operation);
      if (!row) return false;
      const cancelled: FinalState = { ...state, status: "cancelled", sinceMs: row.atMs };
      if (kind === "cancel") return this.#takes("cancelled", i + 1, j, state.promiseMs, cancelled);
      this.#changes.push({ kind: "cancelled", atMs: row.atMs, promiseMs: state.promiseMs });
      if (this.#forgets(i, j + 1, operation, cancelled)) return true;
      this.#changes.pop();
      return false;
    }
    return kind === "cancel" ? this.#from(i + 1, j, state) : this.#forgets(i, j, operation, state);
  }

  #forgets(i: number, j: number, operation: Operation, state: FinalState): boolean {
    const row = this.#expects("forgotten", i, j, operation);
    if (!row) return false;
    return this.#takes("forgotten", i + 1, j, state.promiseMs, { ...state, status: "unknown" });
  }

  /** The row of an operation's effect; where a death ends, it says which. */
  #expects(status: Row["status"], i: number, j: number, operation: Operation, dead?: FinalState): Row | undefined {
    const row = this.#rows[j];
    const { kind, sentMs, doneMs } = operation;
    if (row?.status !== status || row.atMs < sentMs || row.atMs > doneMs) {
      this.#fails(i, j, `the ${kind} between ${sentMs} and ${doneMs} is not recorded as ${status}`);
      return undefined;
    }
    if (dead && row.last !== Math.floor(dead.lastToMs / 1_000)) {
      this.#fails(i, j, `the return at ${row.atMs} is recorded with the last pulse ${row.last}, which was another`);
      return undefined;
    }
    return row;
  }

  #takes(kind: Change["kind"], i: number, j: number, promiseMs: number, state: FinalState): boolean {
    this.#changes.push({ kind, atMs: this.#rows[j]?.atMs ?? 0, promiseMs });
    if (this.#from(i, j + 1, state)) return true;
    this.#changes.pop();
    return false;
  }

  #ends(j: number, state: FinalState): boolean {
    const row = this.#rows[j];
    if (row) return this.#fails(this.#operations.length, j, `${row.status} is recorded at ${row.atMs} without a cause`);
    if (state.status === "alive") {
      const deadMs = state.lastToMs + state.promiseMs;
      const tellableMs = this.#timeline.tellableMs(this.#service, state.promiseMs, deadMs, this.#readMs);
      if (this.#timeline.latest(tellableMs + this.#timeline.longestHoldMs(this.#service, deadMs)) < this.#readMs) {
        return this.#fails(this.#operations.length, j, `no death is recorded of ${deadMs}, though nothing came after`);
      }
    }
    this.#final = state;
    return true;
  }

  /** Of all the ways that lead nowhere, the one that led farthest says most. */
  #fails(i: number, j: number, text: string): false {
    if (i + j >= this.#problem.at) this.#problem = { at: i + j, text };
    return false;
  }
}

/** Between which moments a pulse counted, in milliseconds. */
function momentsOf({ sentMs, doneMs, last }: Operation): [number, number] {
  if (last === undefined) return [sentMs, doneMs];
  return [Math.max(sentMs, last * 1_000), Math.min(doneMs, last * 1_000 + 999)];
}
