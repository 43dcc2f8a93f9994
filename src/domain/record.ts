import type { Status, Transition } from "./service.ts";

/** A change of status, for the record; `forgotten` is the end of a service's history. */
export interface TransitionRecord {
  /** A ULID whose time is the moment of the change. */
  id: string;
  service: string;
  status: Status | "forgotten";
  /** Where a service died or revived: its last pulse before that, and when the next was promised. */
  lastMs?: number;
  expectedMs?: number;
}

/** The record of a transition; undefined where the status did not change. */
export function recordOf(
  transition: Transition,
  service: string,
  newId: (ms: number) => string,
): TransitionRecord | undefined {
  const id = newId(transition.atMs);
  switch (transition.kind) {
    case "born":
    case "resumed":
      return { id, service, status: "alive" };
    case "died":
    case "revived": {
      const { lastMs, expectedMs } = transition;
      return { id, service, status: transition.kind === "died" ? "dead" : "alive", lastMs, expectedMs };
    }
    case "cancelled":
    case "forgotten":
      return { id, service, status: transition.kind };
    case "death-told":
    case "reminded":
    case "revival-told":
    case "retargeted":
      return undefined;
  }
}
