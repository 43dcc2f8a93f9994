import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Consequence, consequencesOf } from "../../src/domain/consequences.ts";
import type { Transition } from "../../src/domain/service.ts";
import { ulid, ulidTimeMs } from "../../src/domain/ulid.ts";
import { moment, START_MS, serviceNames, TARGETS, targets } from "./support/arbitraries.ts";
import { steps, tell } from "./support/story.ts";

const CIRCUMSTANCES = { service: "backup", timeZone: "UTC", alertsEnabled: true, newId: ulid };
const SILENCED = { ...CIRCUMSTANCES, alertsEnabled: false };
const DIED: Transition = {
  kind: "died",
  atMs: START_MS + 65_000,
  lastMs: START_MS,
  expectedMs: START_MS + 60_000,
  targets: TARGETS.slice(0, 2),
};
const REVIVED: Transition = { ...DIED, kind: "revived", atMs: START_MS + 90_000 };
const CANCELLED: Transition = { kind: "cancelled", atMs: START_MS + 90_000 };

const transitions: fc.Arbitrary<Transition> = fc.oneof(
  fc.record({ kind: fc.constantFrom("died", "revived"), atMs: moment, lastMs: moment, expectedMs: moment, targets }),
  fc.record({ kind: fc.constantFrom("born", "resumed", "cancelled"), atMs: moment }),
);

const kindsOf = (consequences: readonly Consequence[]) => consequences.map(({ kind }) => kind);

function alertsOf(consequences: readonly Consequence[]) {
  return consequences.filter((consequence) => consequence.kind === "alert");
}

function eventsOf(consequences: readonly Consequence[]) {
  return consequences.flatMap((consequence) => (consequence.kind === "event" ? [consequence.event] : []));
}

describe("a death", () => {
  it("is told to every target, and stored as an error of the service", () => {
    const consequences = consequencesOf([DIED], CIRCUMSTANCES);
    expect(kindsOf(consequences)).toEqual(["alert", "alert", "event"]);
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
});

describe("a revival", () => {
  it("drops the death that is not yet told before it tells of itself", () => {
    const consequences = consequencesOf([REVIVED], CIRCUMSTANCES);
    expect(kindsOf(consequences)).toEqual(["drop-deaths", "alert", "alert", "event"]);
    expect(eventsOf(consequences)).toMatchObject([{ level: 2, alert: true }]);
  });

  it("that is noticed together with its death comes to one message of the two for each target", () => {
    const consequences = consequencesOf([DIED, REVIVED], CIRCUMSTANCES);
    expect(kindsOf(consequences)).toEqual(["alert", "alert", "event", "drop-deaths", "alert", "alert", "event"]);
    expect(alertsOf(consequences.slice(4)).map(({ alert }) => alert.message)).toEqual(
      Array(2).fill(
        "The service backup is pulsing again. It was dead for 30 s, " +
          "from 2030-06-01 12:01:00 UTC to 2030-06-01 12:01:30 UTC",
      ),
    );
  });
});

describe("a cancel", () => {
  it("drops the death that is not yet told, and tells nobody", () => {
    expect(consequencesOf([CANCELLED], CIRCUMSTANCES)).toEqual([{ kind: "drop-deaths" }]);
    expect(kindsOf(consequencesOf([DIED, CANCELLED], CIRCUMSTANCES)).at(-1)).toBe("drop-deaths");
  });
});

describe("a birth and a resumption", () => {
  it("have no consequences", () => {
    const quiet: Transition[] = [
      { kind: "born", atMs: START_MS },
      { kind: "resumed", atMs: START_MS },
    ];
    expect(consequencesOf(quiet, CIRCUMSTANCES)).toEqual([]);
  });
});

describe("without alerts", () => {
  it("nobody is told, but deaths and revivals are still stored as events", () => {
    expect(consequencesOf([DIED, REVIVED], SILENCED)).toMatchObject([
      { kind: "event", event: { level: 4, alert: false } },
      { kind: "drop-deaths" },
      { kind: "event", event: { level: 2, alert: false } },
    ]);
  });
});

describe("whatever happens", () => {
  it("exactly one alert is owed to each target of each death and revival, and one event", () => {
    fc.assert(
      fc.property(fc.array(transitions), serviceNames, (list, service) => {
        const consequences = consequencesOf(list, { ...CIRCUMSTANCES, service });
        const news = list.filter((transition) => transition.kind === "died" || transition.kind === "revived");
        expect(alertsOf(consequences).map(({ alert, target }) => [alert.kind, alert.dateMs, target])).toEqual(
          news.flatMap(({ kind, atMs, targets }) =>
            targets.map((target) => [kind === "died" ? "dead" : "alive", atMs, target]),
          ),
        );
        expect(eventsOf(consequences)).toHaveLength(news.length);
      }),
    );
  });

  it("every alert and every event has an id of its own, whose time is the transition's", () => {
    fc.assert(
      fc.property(fc.array(transitions), (list) => {
        const consequences = consequencesOf(list, CIRCUMSTANCES);
        const ids = [
          ...alertsOf(consequences).map(({ alert }) => alert.id),
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

  it("deaths and revivals take turns in a story, and a cancel stands silently for a revival", () => {
    fc.assert(
      fc.property(steps("any"), (story) => {
        let deathIsOwed = false;
        for (const transition of tell(story).flatMap(({ transitions }) => transitions)) {
          const kinds = new Set(alertsOf(consequencesOf([transition], CIRCUMSTANCES)).map(({ alert }) => alert.kind));
          expect(kinds.size).toBeLessThanOrEqual(1);
          if (kinds.has("alive")) expect(deathIsOwed).toBe(true);
          if (kinds.has("dead")) expect(deathIsOwed).toBe(false);
          if (kinds.size > 0) deathIsOwed = kinds.has("dead");
          if (transition.kind === "cancelled") deathIsOwed = false;
        }
      }),
    );
  });
});
