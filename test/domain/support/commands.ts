import fc from "fast-check";
import { expect } from "vitest";
import type { Outcome } from "../../../src/domain/retry.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import { type PulsePlan, saidAt } from "./arbitraries.ts";
import { checkInvariants, isGone } from "./invariants.ts";
import { DEFAULT_TARGET, type MonitorShell, type World } from "./monitor-shell.ts";
import type { Reference } from "./reference.ts";
import { viewOf } from "./view.ts";

/** Something that happens both to the real system and to the reference. */
export type Command = fc.AsyncCommand<Reference, World>;

interface Happening {
  name: string;
  /** Whether it can happen now. */
  canHappen?(reference: Reference): boolean;
  toReference(reference: Reference): void;
  toWorld(world: World): void | Promise<void>;
}

/** Makes a command that is followed by a comparison. */
function command({ name, canHappen, toReference, toWorld }: Happening): Command {
  return {
    check: (reference) => canHappen?.(reference as Reference) ?? true,
    async run(reference, world) {
      const { service, entries } = world.shell;
      world.happened.push(name);
      toReference(reference);
      await toWorld(world);
      expect(viewOf(world)).toEqual(reference.view());
      checkInvariants(world, { service, entries }, name);
    },
    toString: () => name,
  };
}

/** A pulse. */
const pulsing = (plan: PulsePlan) =>
  command({
    name: `pulse(${JSON.stringify(plan)})`,
    toReference: (reference) => reference.hear(saidAt(plan, reference.nowMs)),
    toWorld: ({ shell, nowMs }) => shell.pulse(saidAt(plan, nowMs)),
  });

/** A cancel. */
export const cancelling = () =>
  command({
    name: "cancel",
    toReference: (reference) => reference.hear("cancel"),
    toWorld: ({ shell }) => shell.cancel(),
  });

/** A cancel after which nothing shall be known. */
export const forgetting = () =>
  command({
    name: "forget",
    toReference: (reference) => reference.hear("forget"),
    toWorld: ({ shell }) => shell.forget(),
  });

/** Alerts are kept back from now on, or no longer. */
export const pausing = (forMs: number) =>
  command({
    name: `pause(${forMs})`,
    toReference: (reference) => reference.hear({ holdUntilMs: reference.nowMs + forMs }),
    toWorld: ({ shell, nowMs }) => shell.pause(nowMs + forMs),
  });

/** A request that only reads. */
export const looking = () =>
  command({
    name: "look",
    toReference: (reference) => reference.hear("look"),
    toWorld: ({ shell }) => shell.look(),
  });

/** An event that is to be told. */
export const alerting = () =>
  command({
    name: "alert",
    toReference: (reference) => reference.event("error", 4),
    toWorld: ({ shell }) => shell.alert(4),
  });

/** The clock moves, forward or back. */
export const waiting = (ms: number) =>
  command({
    name: `wait(${ms})`,
    toReference: (reference) => reference.tick(ms),
    toWorld: (world) => {
      world.nowMs += ms;
      if (ms > 0) world.shell.tick();
    },
  });

const isIdle = (reference: Reference) => reference.run === undefined;

/** The alarm goes off, if one is due; otherwise the clock moves to it first. Clocks differ, so it may be early. */
export const alarm = (lateMs: number) =>
  command({
    name: `alarm(${lateMs})`,
    canHappen: (reference) => isIdle(reference) && reference.alarmMs !== null,
    toReference: (reference) => {
      reference.nowMs = Math.max(reference.nowMs, (reference.alarmMs ?? 0) + lateMs);
      reference.beginAlarm();
    },
    toWorld: (world) => {
      world.nowMs = Math.max(world.nowMs, (world.storage.alarmMs ?? 0) + lateMs);
      world.shell.beginAlarm();
    },
  });

/** One of the deliveries under way is answered. */
export const answering = (which: number, outcome: Outcome) =>
  command({
    name: `answer(${which}, ${JSON.stringify(outcome)})`,
    canHappen: (reference) => !isIdle(reference),
    toReference: (reference) => {
      const underWay = reference.run?.underWay.map(({ lane }) => lane) ?? [];
      reference.settle(underWay[which % underWay.length] as string, outcome);
    },
    toWorld: ({ shell }) => {
      const lanes = shell.busyLanes ?? [];
      shell.settle(lanes[which % lanes.length] as string, outcome);
    },
  });

/** The object is killed, in the middle of whatever it did, and made anew. */
export const killing = (hasArrived: boolean) =>
  command({
    name: `kill(${hasArrived ? "after" : "before"} what was under way arrived)`,
    toReference: (reference) => reference.abandon(hasArrived),
    toWorld: async (world) => {
      const { shell } = world;
      if (isGone(world)) world.leavesTable ||= shell.busyLanes !== undefined;
      shell.abandon(hasArrived);
      await world.load();
      expectSame(world.shell, shell);
    },
  });

/** The object is killed when its alarm has gone off, before it wrote anything. */
export const killingAtAlarm = () =>
  command({
    name: "kill(at the alarm)",
    canHappen: (reference) => isIdle(reference) && reference.alarmMs !== null && reference.alarmMs <= reference.nowMs,
    toReference: () => undefined,
    toWorld: async (world) => {
      const { shell } = world;
      world.storage.beginAlarm();
      world.storage.kill();
      await world.load();
      expectSame(world.shell, shell);
    },
  });

/** D1 goes down, or comes back. */
export const switchingD1 = (isUp: boolean) =>
  command({
    name: `D1 is ${isUp ? "up" : "down"}`,
    canHappen: (reference) => reference.d1IsUp !== isUp,
    toReference: (reference) => {
      reference.d1IsUp = isUp;
    },
    toWorld: (world) => {
      world.d1IsUp = isUp;
    },
  });

/** What is loaded is what was there. */
function expectSame(loaded: MonitorShell, lost: MonitorShell): void {
  expect(loaded.service).toEqual(lost.service);
  // Of what was forgotten, not even the revision is stored.
  if (lost.service) expect(loaded.revision).toBe(lost.revision);
  expect(loaded.entries).toEqual(lost.entries);
}

/** The default target, too, and enough for all four places of a run, and one more. */
const targets = fc.constantFrom(
  { type: "mail", target: "owner@example.com" },
  { type: "email", target: "owner@example.com" },
  { type: "pushover", target: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG" },
  { type: "webhook", target: "https://hooks.example/a" },
  { type: "mail", target: "other@example.com" },
  DEFAULT_TARGET,
);

const pauses = fc.constantFrom(
  ...[-HOUR_MS, 0, 1, 2_000, 11_000, 30_000, MINUTE_MS, 65_000, HOUR_MS, DAY_MS, 30 * DAY_MS],
);

const plans: fc.Arbitrary<PulsePlan> = fc.record({
  said: fc.record(
    {
      nextInSeconds: fc.constantFrom(1, 2, 10, 60, 3_600, 86_400),
      graceSeconds: fc.constantFrom(0, 1, 30),
      remindEverySeconds: fc.constantFrom(0, 60, 61, 600, 86_400),
      target: targets,
      furtherTargets: fc.array(targets, { maxLength: 4 }),
    },
    { requiredKeys: ["nextInSeconds", "target"] },
  ),
  pauseForMs: fc.option(pauses, { nil: undefined, freq: 2 }),
});

/** What goes wrong, or doesn't. */
const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  { arbitrary: fc.constant({ kind: "delivered", answer: "HTTP 200" } as const), weight: 4 },
  { arbitrary: fc.constant({ kind: "retry", answer: "no answer" } as const), weight: 3 },
  {
    arbitrary: fc
      .integer({ min: 0, max: 2 * HOUR_MS })
      .map((retryAfterMs) => ({ kind: "retry", answer: "HTTP 503", retryAfterMs }) as const),
    weight: 1,
  },
  { arbitrary: fc.constant({ kind: "credentials", answer: "HTTP 401" } as const), weight: 1 },
  { arbitrary: fc.constant({ kind: "permanent", answer: "HTTP 400" } as const), weight: 1 },
);

const waits = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 20_000 }), weight: 4 },
  { arbitrary: fc.integer({ min: 0, max: 2 * HOUR_MS }), weight: 2 },
  { arbitrary: fc.integer({ min: 0, max: 40 * DAY_MS }), weight: 1 },
  { arbitrary: fc.integer({ min: -HOUR_MS, max: -1 }), weight: 1 },
);

/** Everything that may happen, in any order. */
export const commands: fc.Arbitrary<Iterable<Command>> = fc.commands(
  [
    fc.oneof(
      { arbitrary: plans.map(pulsing), weight: 6 },
      { arbitrary: fc.constant(null).map(cancelling), weight: 1 },
      { arbitrary: pauses.map(pausing), weight: 1 },
      { arbitrary: fc.constant(null).map(forgetting), weight: 1 },
      { arbitrary: fc.constant(null).map(looking), weight: 1 },
      { arbitrary: fc.constant(null).map(alerting), weight: 1 },
      { arbitrary: waits.map(waiting), weight: 3 },
      { arbitrary: fc.integer({ min: -2, max: 10 }).map(alarm), weight: 7 },
      { arbitrary: fc.tuple(fc.nat(3), outcomes).map(([which, outcome]) => answering(which, outcome)), weight: 10 },
      { arbitrary: fc.boolean().map(killing), weight: 1 },
      { arbitrary: fc.constant(null).map(killingAtAlarm), weight: 1 },
      { arbitrary: fc.boolean().map(switchingD1), weight: 1 },
    ),
  ],
  { maxCommands: 80, size: "max" },
);
