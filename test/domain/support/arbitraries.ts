import fc from "fast-check";
import type { Alert } from "../../../src/domain/alert.ts";
import type { OutboxEntry, Owed } from "../../../src/domain/outbox.ts";
import { D1_LANE, laneOf, PARKED_LANE } from "../../../src/domain/outbox.ts";
import type { Pulse, Service, Target } from "../../../src/domain/service.ts";
import { DAY_MS, HOUR_MS } from "../../../src/domain/time.ts";

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
export const TARGETS: readonly Target[] = [
  { type: "pushover", target: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG" },
  { type: "mail", target: "owner@example.com" },
  { type: "mail", target: "other@example.com" },
  { type: "webhook", target: "https://hooks.example/a" },
];

/** One or two targets. */
export const targets = fc.subarray([...TARGETS], { minLength: 1, maxLength: 2 });

/** What a pulse may say. */
export const pulses: fc.Arbitrary<Pulse> = fc.record(
  { nextInSeconds, graceSeconds, targets },
  { requiredKeys: ["nextInSeconds", "targets"] },
);

/** The configured default grace. */
export const defaults = fc.record({ graceSeconds });

/** A service in any state. */
export const services: fc.Arbitrary<Service> = fc.record({
  status: fc.constantFrom("alive", "dead", "cancelled"),
  sinceMs: moment,
  lastMs: moment,
  nextInSeconds,
  graceSeconds,
  graceIsOwn: fc.boolean(),
  targets,
});

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
