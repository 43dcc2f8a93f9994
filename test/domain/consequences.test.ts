import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Consequence, consequencesOf } from "../../src/domain/consequences.ts";
import type { Target, Transition } from "../../src/domain/service.ts";
import { ulid, ulidTimeMs } from "../../src/domain/ulid.ts";
import { moment, OTHER, OWNER, START_MS, serviceNames, TARGETS, targets } from "./support/arbitraries.ts";
import { steps, tell } from "./support/story.ts";

const CIRCUMSTANCES = { service: "backup", timeZone: "UTC", alertsEnabled: true, newId: ulid };
const SILENCED = { ...CIRCUMSTANCES, alertsEnabled: false };
const DIED = {
  kind: "died" as const,
  atMs: START_MS + 65_000,
  lastMs: START_MS,
  expectedMs: START_MS + 60_000,
  targets: TARGETS.slice(0, 2),
  changes: 1,
};
const REVIVED: Transition = { ...DIED, kind: "revived", atMs: START_MS + 90_000 };
const REMINDED: Transition = { ...DIED, kind: "reminded", atMs: START_MS + 125_000, reminders: 0 };
const DEATH_TOLD: Transition = { ...DIED, kind: "death-told", atMs: START_MS + 80_000 };
const REVIVAL_TOLD: Transition = {
  ...DIED,
  kind: "revival-told",
  atMs: START_MS + 99_000,
  revivedMs: START_MS + 90_000,
};
const RETARGETED: Transition = { kind: "retargeted", atMs: START_MS + 90_000, removed: [OTHER, OWNER] };
const CANCELLED: Transition = { kind: "cancelled", atMs: START_MS + 90_000 };

const times = { atMs: moment, lastMs: moment, expectedMs: moment };
const transitions: fc.Arbitrary<Transition> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("died", "revived"),
    ...times,
    targets: fc.oneof(targets, fc.constant<Target[]>([])),
    changes: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({ kind: fc.constant("death-told" as const), ...times, targets }),
  fc.record({ kind: fc.constant("reminded" as const), ...times, targets, reminders: fc.nat() }),
  fc.record({ kind: fc.constant("revival-told" as const), ...times, targets, revivedMs: moment }),
  fc.record({ kind: fc.constantFrom("born", "resumed", "cancelled", "forgotten"), atMs: moment }),
  fc.record({ kind: fc.constant("retargeted" as const), atMs: moment, removed: targets }),
);

const kindsOf = (consequences: readonly Consequence[]) => consequences.map(({ kind }) => kind);

function alertsOf(consequences: readonly Consequence[]) {
  return consequences.filter((consequence) => consequence.kind === "alert");
}

function recordsOf(consequences: readonly Consequence[]) {
  return consequences.flatMap((consequence) => (consequence.kind === "transition" ? [consequence.transition] : []));
}

function eventsOf(consequences: readonly Consequence[]) {
  return consequences.flatMap((consequence) => (consequence.kind === "event" ? [consequence.event] : []));
}

describe("a death", () => {
  it("is told to every target, and stored as an error of the service", () => {
    const consequences = consequencesOf([DIED], CIRCUMSTANCES);
    expect(kindsOf(consequences)).toEqual(["transition", "alert", "alert", "event"]);
    expect(alertsOf(consequences).map(({ target }) => target)).toEqual(TARGETS.slice(0, 2));
    expect(alertsOf(consequences).map(({ alert }) => [alert.kind, alert.title])).toEqual([
      ["dead", "Service backup has not pulsed"],
      ["dead", "Service backup has not pulsed"],
    ]);
    expect(eventsOf(consequences)).toMatchObject([
      {
        service: "backup",
        level: 4,
        message: "The service backup is not pulsing since 2030-06-01 12:00:00 UTC",
        alert: true,
      },
    ]);
  });

  it("within a pause is recorded and stored, but told to nobody; and told, and nothing else, when the pause ends", () => {
    const quiet = consequencesOf([{ ...DIED, targets: [] }], CIRCUMSTANCES);
    expect(kindsOf(quiet)).toEqual(["transition", "event"]);
    expect(eventsOf(quiet)).toMatchObject([{ level: 4, alert: false }]);
    const told = consequencesOf([DEATH_TOLD], CIRCUMSTANCES);
    expect(kindsOf(told)).toEqual(["alert", "alert"]);
    expect(alertsOf(told)).toMatchObject([
      { isReminder: false, target: TARGETS[0], alert: { kind: "dead", title: "Service backup has not pulsed" } },
      { isReminder: false, target: TARGETS[1], alert: { kind: "dead", title: "Service backup has not pulsed" } },
    ]);
  });
});

describe("a reminder", () => {
  it("is an alert to every target that says it is one, and neither an event nor a record", () => {
    const consequences = consequencesOf([REMINDED], CIRCUMSTANCES);
    expect(kindsOf(consequences)).toEqual(["alert", "alert"]);
    expect(alertsOf(consequences).map(({ isReminder, alert }) => [isReminder, alert.kind])).toEqual([
      [true, "dead"],
      [true, "dead"],
    ]);
  });
});

describe("a removed target", () => {
  it("has dropped what is pending for it, and nobody is told", () => {
    expect(consequencesOf([RETARGETED], CIRCUMSTANCES)).toEqual([
      { kind: "drop-target", target: OTHER },
      { kind: "drop-target", target: OWNER },
    ]);
  });
});

describe("a revival", () => {
  it("drops the death that is not yet told before it tells of itself", () => {
    const consequences = consequencesOf([REVIVED], CIRCUMSTANCES);
    expect(kindsOf(consequences)).toEqual(["drop-deaths", "transition", "alert", "alert", "event"]);
    expect(eventsOf(consequences)).toMatchObject([{ level: 2, alert: true }]);
  });

  it("that is noticed together with its death comes to one message of the two for each target", () => {
    const consequences = consequencesOf([DIED, REVIVED], CIRCUMSTANCES);
    expect(kindsOf(consequences)).toEqual([
      ...["transition", "alert", "alert", "event"],
      ...["drop-deaths", "transition", "alert", "alert", "event"],
    ]);
    expect(alertsOf(consequences.slice(5)).map(({ alert }) => alert.message)).toEqual(
      Array(2).fill(
        "The service backup is pulsing again. It was dead for 30 s, " +
          "from 2030-06-01 12:01:00 UTC to 2030-06-01 12:01:30 UTC",
      ),
    );
  });

  it("within a pause drops the death as well, is recorded and stored, and told when the pause ends", () => {
    const quiet = consequencesOf([{ ...REVIVED, targets: [] }], CIRCUMSTANCES);
    expect(kindsOf(quiet)).toEqual(["drop-deaths", "transition", "event"]);
    expect(eventsOf(quiet)).toMatchObject([{ level: 2, alert: false }]);
    const told = consequencesOf([REVIVAL_TOLD], CIRCUMSTANCES);
    expect(kindsOf(told)).toEqual(["alert", "alert"]);
    expect(alertsOf(told)[0]?.alert).toMatchObject({ kind: "alive", dateMs: START_MS + 99_000 });
  });
});

describe("a cancel", () => {
  it("drops the death that is not yet told, and tells nobody", () => {
    expect(kindsOf(consequencesOf([CANCELLED], CIRCUMSTANCES))).toEqual(["drop-deaths", "transition"]);
    expect(kindsOf(consequencesOf([DIED, CANCELLED], CIRCUMSTANCES)).slice(-2)).toEqual(["drop-deaths", "transition"]);
  });
});

describe("a birth, a resumption and the end of a history", () => {
  it("are recorded, and nothing else", () => {
    for (const kind of ["born", "resumed", "forgotten"] as const) {
      expect(kindsOf(consequencesOf([{ kind, atMs: START_MS }], CIRCUMSTANCES))).toEqual(["transition"]);
    }
  });
});

describe("without alerts", () => {
  it("nobody is told, but deaths and revivals are still recorded and stored as events", () => {
    const quiet = [RETARGETED, DIED, REMINDED, DEATH_TOLD, REVIVAL_TOLD, REVIVED];
    expect(consequencesOf(quiet, SILENCED)).toMatchObject([
      { kind: "drop-target" },
      { kind: "drop-target" },
      { kind: "transition" },
      { kind: "event", event: { level: 4, alert: false } },
      { kind: "drop-deaths" },
      { kind: "transition" },
      { kind: "event", event: { level: 2, alert: false } },
    ]);
  });
});

describe("whatever happens", () => {
  it("exactly one alert is owed to each target of what is news, one event to a death and a revival", () => {
    fc.assert(
      fc.property(fc.array(transitions), serviceNames, (list, service) => {
        const consequences = consequencesOf(list, { ...CIRCUMSTANCES, service });
        const kinds = {
          died: "dead",
          "death-told": "dead",
          reminded: "dead",
          revived: "alive",
          "revival-told": "alive",
        };
        expect(
          alertsOf(consequences).map(({ alert, target, isReminder }) => [alert.kind, alert.dateMs, target, isReminder]),
        ).toEqual(
          list.flatMap((transition) =>
            "targets" in transition
              ? transition.targets.map((target) => [
                  kinds[transition.kind],
                  transition.atMs,
                  target,
                  transition.kind === "reminded",
                ])
              : [],
          ),
        );
        const stored = list.filter(({ kind }) => kind === "died" || kind === "revived");
        expect(eventsOf(consequences)).toHaveLength(stored.length);
      }),
    );
  });

  it("one record is owed for each change of status, in order", () => {
    const statuses: Partial<Record<Transition["kind"], string>> = {
      born: "alive",
      resumed: "alive",
      revived: "alive",
      died: "dead",
      cancelled: "cancelled",
      forgotten: "forgotten",
    };
    fc.assert(
      fc.property(fc.array(transitions), serviceNames, (list, service) => {
        const records = recordsOf(consequencesOf(list, { ...CIRCUMSTANCES, service }));
        const changes = list.filter(({ kind }) => statuses[kind] !== undefined);
        expect(records.map(({ id, status }) => [ulidTimeMs(id), status])).toEqual(
          changes.map(({ atMs, kind }) => [atMs, statuses[kind]]),
        );
        expect(records.every((record) => record.service === service)).toBe(true);
        for (const [index, change] of changes.entries()) {
          const { lastMs, expectedMs } = "lastMs" in change ? change : {};
          expect([records[index]?.lastMs, records[index]?.expectedMs]).toEqual([lastMs, expectedMs]);
        }
      }),
    );
  });

  it("every alert, every record and every event has an id of its own, whose time is the transition's", () => {
    fc.assert(
      fc.property(fc.array(transitions), (list) => {
        const consequences = consequencesOf(list, CIRCUMSTANCES);
        const ids = [
          ...alertsOf(consequences).map(({ alert }) => alert.id),
          ...recordsOf(consequences).map(({ id }) => id),
          ...eventsOf(consequences).map(({ id }) => id),
        ];
        expect(new Set(ids).size).toBe(ids.length);
        for (const { alert } of alertsOf(consequences)) expect(ulidTimeMs(alert.id)).toBe(alert.dateMs);
        expect(eventsOf(consequences).map(({ id }) => ulidTimeMs(id))).toEqual(
          list.filter(({ kind }) => kind === "died" || kind === "revived").map(({ atMs }) => atMs),
        );
      }),
    );
  });

  it("news of deaths and of returns take turns in a story, and a cancel stands silently for a return", () => {
    fc.assert(
      fc.property(steps("any"), (story) => {
        let isBelievedDead = false;
        let hasReturnedUnheard = false;
        for (const transition of tell(story).flatMap(({ transitions }) => transitions)) {
          const alerts = alertsOf(consequencesOf([transition], CIRCUMSTANCES));
          const [first] = alerts;
          expect(new Set(alerts.map(({ alert }) => alert.kind)).size).toBeLessThanOrEqual(1);
          if (first?.alert.kind === "alive" || first?.isReminder) expect(isBelievedDead).toBe(true);
          // Who returned and died again within a pause is told dead a second time, without a return in between.
          else if (first) expect(isBelievedDead && !hasReturnedUnheard).toBe(false);
          if (transition.kind === "revived") hasReturnedUnheard = alerts.length === 0;
          if (first) isBelievedDead = first.alert.kind === "dead";
          if (transition.kind === "cancelled") isBelievedDead = false;
        }
      }),
    );
  });
});
