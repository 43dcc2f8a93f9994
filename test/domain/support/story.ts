import fc from "fast-check";
import type { Change, Service, Transition } from "../../../src/domain/service.ts";
import { HOUR_MS } from "../../../src/domain/time.ts";
import { cancel, expire, forget, pause as holdBack, pulse } from "../../../src/domain/verbs.ts";
import { type PulsePlan, pauseForMs, pauseMs, pulsePlans, START_MS, saidAt } from "./arbitraries.ts";

/** Something that happens to a service; a look is a request or an alarm that says nothing new. */
export type Step = { pauseMs: number } & (
  | { kind: "pulse"; plan: PulsePlan }
  | { kind: "pause"; forMs: number }
  | { kind: "cancel" }
  | { kind: "forget" }
  | { kind: "look" }
);

/** Where a story stands after a step. */
export interface Chapter {
  step: Step;
  nowMs: number;
  before: Service | undefined;
  after: Service | undefined;
  transitions: Transition[];
}

/** The default grace of all stories. */
export const DEFAULTS = { graceSeconds: 5 };

/** Steps in any order; the clock may step back when `clock` says so. */
export function steps(clock: "forward" | "any"): fc.Arbitrary<Step[]> {
  const forward = pauseMs;
  const any = fc.oneof(
    { arbitrary: pauseMs, weight: 4 },
    { arbitrary: fc.integer({ min: -HOUR_MS, max: -1 }), weight: 1 },
  );
  const pause = clock === "forward" ? forward : any;
  return fc.array(
    fc.oneof(
      { arbitrary: fc.record({ kind: fc.constant("pulse" as const), pauseMs: pause, plan: pulsePlans }), weight: 5 },
      {
        arbitrary: fc.record({ kind: fc.constant("pause" as const), pauseMs: pause, forMs: pauseForMs }),
        weight: 1,
      },
      { arbitrary: fc.record({ kind: fc.constant("cancel" as const), pauseMs: pause }), weight: 2 },
      { arbitrary: fc.record({ kind: fc.constant("forget" as const), pauseMs: pause }), weight: 1 },
      { arbitrary: fc.record({ kind: fc.constant("look" as const), pauseMs: pause }), weight: 4 },
    ),
    { maxLength: 25 },
  );
}

/** Lets a story happen, from the first sign of life on. */
export function tell(story: readonly Step[]): Chapter[] {
  let nowMs = START_MS;
  let service: Service | undefined;
  return story.map((step) => {
    nowMs += step.pauseMs;
    const before = service;
    const change = apply(before, step, nowMs);
    service = change?.service;
    return { step, nowMs, before, after: service, transitions: change?.transitions ?? [] };
  });
}

function apply(before: Service | undefined, step: Step, nowMs: number): Change | undefined {
  if (step.kind === "pulse") return pulse(before, saidAt(step.plan, nowMs), DEFAULTS, nowMs);
  if (!before) return undefined;
  if (step.kind === "pause") return holdBack(before, nowMs + step.forMs, nowMs);
  const verbs = { cancel, forget, look: expire };
  return verbs[step.kind](before, nowMs);
}
