import fc from "fast-check";
import type { Alert } from "../../../src/domain/alert.ts";
import type { OutboxEntry, Owed } from "../../../src/domain/outbox.ts";
import { D1_LANE, laneOf, PARKED_LANE } from "../../../src/domain/outbox.ts";
import type { Alive, Cancelled, Dead, Pulse, Service, Target } from "../../../src/domain/service.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import "./runs.ts";

/** When the tests' stories begin: a moment that is not a whole second. */
export const START_MS = Date.UTC(2030, 5, 1, 12, 0, 0, 250);

/** A moment within the ten years from the start. */
export const moment = fc.integer({ min: START_MS, max: START_MS + 3_650 * DAY_MS });

/** How long until the next pulse, in seconds: from one to 366 days, often short. */
export const nextInSeconds = fc.oneof(
  fc.integer({ min: 1, max: 30 }),
  fc.constantFrom(60, 300, 3_600, 86_400),
  fc.integer({ min: 1, max: 31_622_400 }),
);

/** A grace, in seconds. */
export const graceSeconds = fc.oneof(fc.constantFrom(0, 1, 5, 30), fc.integer({ min: 0, max: 86_400 }));

/** A few targets that differ in type, in address, or in both. */
export const OWNER: Target = { type: "pushover", target: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG" };
export const DEPUTY: Target = { type: "mail", target: "owner@example.com" };
export const OTHER: Target = { type: "mail", target: "other@example.com" };
export const HOOK: Target = { type: "webhook", target: "https://hooks.example/a" };
/** All of them. */
export const TARGETS: readonly Target[] = [OWNER, DEPUTY, OTHER, HOOK];

/** {@link DEPUTY}, as the original may call it. */
export const DEPUTY_AGAIN: Target = { ...DEPUTY, type: "email" };

/** One target or several, each once. */
export const targets = fc.shuffledSubarray([...TARGETS], { minLength: 1, maxLength: 3 });

const anyTarget = fc.constantFrom(...TARGETS, DEPUTY_AGAIN);

/** Whom a service knows: further targets, each once, and the main one, which may be among them. */
const namedTargets = fc.tuple(anyTarget, fc.option(targets, { nil: [] })).map(([main, further]) => [main, ...further]);

/** How often a death is told again, in seconds; 0 for never. */
export const remindEverySeconds = fc.oneof(fc.constantFrom(0, 60, 61, 3_600), fc.integer({ min: 60, max: 86_400 }));

/** How long from now a pause ends; it may end before it begins. */
export const pauseForMs = fc.oneof(
  fc.integer({ min: -20_000, max: 40_000 }),
  fc.constantFrom(-HOUR_MS, 0, 1, MINUTE_MS, 65_000, HOUR_MS, DAY_MS, 30 * DAY_MS),
  fc.integer({ min: 0, max: 30 * DAY_MS }),
);

/** What a pulse may say, whatever the time: it says nothing about pauses. */
const timelessPulses = fc.record(
  {
    nextInSeconds,
    graceSeconds,
    remindEverySeconds,
    target: anyTarget,
    // A target that is named twice counts once.
    furtherTargets: fc.array(anyTarget, { maxLength: 4 }),
  },
  { requiredKeys: ["nextInSeconds", "target"] },
);

/** A pulse that is to be sent at a moment which is not known yet; it may set a pause that ends so long after it. */
export interface PulsePlan {
  said: Pulse;
  pauseForMs: number | undefined;
}

/** What a pulse may say, with a pause that depends on when it is said. */
export const pulsePlans: fc.Arbitrary<PulsePlan> = fc.record({
  said: timelessPulses,
  pauseForMs: fc.option(pauseForMs, { nil: undefined }),
});

/** What a planned pulse says when it is sent. */
export function saidAt({ said, pauseForMs }: PulsePlan, nowMs: number): Pulse {
  return pauseForMs === undefined ? said : { ...said, pauseUntilMs: nowMs + pauseForMs };
}

/** What a pulse may say; a pause ends at any moment of the ten years, or never began. */
export const pulses: fc.Arbitrary<Pulse> = fc
  .tuple(timelessPulses, fc.option(moment, { nil: undefined }))
  .map(([said, pauseUntilMs]) => (pauseUntilMs === undefined ? said : { ...said, pauseUntilMs }));

/** The configured default grace. */
export const defaults = fc.record({ graceSeconds });

const promised = {
  sinceMs: moment,
  lastMs: moment,
  nextInSeconds,
  graceSeconds,
  graceIsOwn: fc.boolean(),
  remindEverySeconds,
  targets: namedTargets,
  changesMs: fc.array(moment, { maxLength: 60 }),
};
const requiredKeys = [
  "sinceMs",
  "lastMs",
  "nextInSeconds",
  "graceSeconds",
  "graceIsOwn",
  "remindEverySeconds",
] as const;

/** An alive service, also one whose return a pause keeps from being told. */
export const aliveServices: fc.Arbitrary<Alive> = fc.oneof(
  fc.record(
    { status: fc.constant("alive" as const), ...promised, pauseUntilMs: moment },
    { requiredKeys: ["status", "targets", ...requiredKeys] },
  ),
  fc.record({
    status: fc.constant("alive" as const),
    ...promised,
    pauseUntilMs: moment,
    untoldRevival: fc.record({ lastMs: moment, expectedMs: moment, atMs: moment }),
  }),
);

/** A dead service, also one whose death a pause keeps from being told. */
export const deadServices: fc.Arbitrary<Dead> = fc.oneof(
  fc.record(
    { status: fc.constant("dead" as const), ...promised, toldMs: moment, reminders: fc.nat(9), pauseUntilMs: moment },
    { requiredKeys: ["status", "targets", "toldMs", "reminders", ...requiredKeys] },
  ),
  fc.record({
    status: fc.constant("dead" as const),
    ...promised,
    reminders: fc.constant(0),
    pauseUntilMs: moment,
  }),
);

/** A cancelled service. */
export const cancelledServices: fc.Arbitrary<Cancelled> = fc.record(
  { status: fc.constant("cancelled" as const), ...promised, pauseUntilMs: moment },
  { requiredKeys: ["status", "targets", ...requiredKeys] },
);

/** A service in any state. */
export const services: fc.Arbitrary<Service> = fc.oneof(aliveServices, deadServices, cancelledServices);

/** A name that the contract allows: any well-formed Unicode, up to 200 code points, without control characters. */
export const serviceNames = fc
  .string({ unit: "binary", minLength: 1, maxLength: 200 })
  .filter((name) => !/\p{Cc}/u.test(name));

/** How far the clock moves between two steps of a story: a little, a lot, or not at all. */
export const pauseMs = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 20_000 }), weight: 4 },
  { arbitrary: fc.integer({ min: 0, max: 3 * HOUR_MS }), weight: 2 },
  { arbitrary: fc.integer({ min: 0, max: 400 * DAY_MS }), weight: 1 },
);

const alerts: fc.Arbitrary<Alert> = fc.record({
  id: fc.ulid(),
  kind: fc.constantFrom("dead", "alive", "event"),
  service: serviceNames,
  dateMs: moment,
  title: fc.string(),
  message: fc.string(),
});

const owed: fc.Arbitrary<Owed> = fc.oneof(
  fc.record({ kind: fc.constant("alert" as const), alert: alerts, target: fc.constantFrom(...TARGETS) }),
  fc.record({ kind: fc.constant("directory" as const) }),
  fc.record({
    kind: fc.constant("transition" as const),
    transition: fc.record(
      {
        id: fc.ulid(),
        service: serviceNames,
        status: fc.constantFrom("alive", "dead", "cancelled", "forgotten"),
        lastMs: moment,
        expectedMs: moment,
      },
      { requiredKeys: ["id", "service", "status"] },
    ),
  }),
);

/** Anything that may be owed. */
export const owedThings = owed;

/** The entries of an outbox, oldest first, with strictly rising ids. */
export const outboxes: fc.Arbitrary<OutboxEntry[]> = fc
  .array(fc.record({ owed, nextMs: fc.integer({ min: 0, max: 40 }), isParked: fc.boolean() }), { maxLength: 14 })
  .map((list) =>
    list.map(({ owed, nextMs, isParked }, index) => {
      const lane = laneOf(owed);
      const isOut = isParked && lane === D1_LANE;
      return { id: index + 1, lane: isOut ? PARKED_LANE : lane, owed, nextMs: START_MS + nextMs, attempts: undefined };
    }),
  );
