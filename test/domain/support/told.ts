import type { Pulse, Target } from "../../../src/domain/service.ts";

const DEFAULT_GRACE_SECONDS = 5;

/** Something that was told to the service's object, or that it found out by looking at the clock. */
export interface Told {
  atMs: number;
  said: Pulse | "cancel" | "look";
}

/** One pulse, and what became of its promise. */
export interface Chapter {
  index: number;
  lastMs: number;
  said: Pulse;
  graceSeconds: number;
  deadlineMs: number;
  /** Where in the list its death was noticed, and where its first cancel is. */
  diedAt: number | undefined;
  cancelledAt: number | undefined;
}

/** What is known of a service. */
export interface Facts {
  status: string;
  sinceMs: number;
  lastMs: number;
  expectedMs: number;
  graceSeconds: number;
  targets: Target[];
}

/** Finds out everything about the service from what was told. */
export function storyOf(told: readonly Told[]): { chapters: Chapter[]; service: Facts | undefined } {
  const chapters: Chapter[] = [];
  for (const [index, { atMs, said }] of told.entries()) {
    if (typeof said === "string") continue;
    const graces = told
      .slice(0, index + 1)
      .flatMap((one) => (typeof one.said === "string" ? [] : [one.said.graceSeconds]));
    const graceSeconds = graces.findLast((grace) => grace !== undefined) ?? DEFAULT_GRACE_SECONDS;
    const deadlineMs = atMs + (said.nextInSeconds + graceSeconds) * 1_000;
    const isAfter = (i: number) => i > index;
    const nextPulse = told.findIndex((one, i) => isAfter(i) && typeof one.said !== "string");
    const end = nextPulse === -1 ? told.length : nextPulse;
    const cancel = told.findIndex((one, i) => isAfter(i) && i < end && one.said === "cancel");
    // Whoever comes first after the deadline notices, be it a cancel or the next pulse; after a cancel nobody cares.
    const lastWitness = cancel === -1 ? end : cancel;
    const death = told.findIndex((one, i) => isAfter(i) && i <= lastWitness && one.atMs >= deadlineMs);
    const diedAt = death === -1 ? undefined : death;
    const cancelledAt = cancel === -1 ? undefined : cancel;
    chapters.push({ index, lastMs: atMs, said, graceSeconds, deadlineMs, diedAt, cancelledAt });
  }
  const last = chapters.at(-1);
  if (!last) return { chapters, service: undefined };
  const { lastMs, said, graceSeconds, deadlineMs } = last;
  const expectedMs = lastMs + said.nextInSeconds * 1_000;
  const facts = { lastMs, expectedMs, graceSeconds, targets: said.targets };
  if (last.cancelledAt !== undefined) {
    const sinceMs = told[last.cancelledAt]?.atMs as number;
    return { chapters, service: { status: "cancelled", sinceMs, ...facts } };
  }
  if (last.diedAt !== undefined) return { chapters, service: { status: "dead", sinceMs: deadlineMs, ...facts } };
  const lastBreak = chapters.findLastIndex(
    ({ diedAt, cancelledAt }) => diedAt !== undefined || cancelledAt !== undefined,
  );
  const sinceMs = chapters[lastBreak + 1]?.lastMs as number;
  return { chapters, service: { status: "alive", sinceMs, ...facts } };
}
