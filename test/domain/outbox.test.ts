import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  D1_LANE,
  dueDeliveries,
  headsOf,
  isDeathNotice,
  isStatusNoticeTo,
  laneOf,
  nextDeliveryMs,
  type OutboxEntry,
  PARKED_LANE,
} from "../../src/domain/outbox.ts";
import { OTHER, OWNER, outboxes, owedThings, START_MS, TARGETS } from "./support/arbitraries.ts";

const lanes = fc
  .subarray([D1_LANE, ...TARGETS.map(({ type, target }) => `${type}:${target}`)])
  .map((list) => new Set(list));
const now = fc.integer({ min: START_MS, max: START_MS + 40 });

/** The head of a lane, the slow way: the first by id of those that are in it. */
const headOf = (lane: string, entries: readonly OutboxEntry[]) =>
  entries.filter((entry) => entry.lane === lane).sort((a, b) => a.id - b.id)[0];

const entry = (id: number, lane: string, nextMs: number): OutboxEntry => ({
  id,
  lane,
  owed: { kind: "directory" },
  nextMs,
  attempts: undefined,
});

describe("the lane of a thing", () => {
  it("is its target's for an alert, and D1's for everything else", () => {
    const target = { type: "mail", target: "owner@example.com" };
    const alert = { id: "01", kind: "event", service: "s", dateMs: 0, title: "", message: "" } as const;
    expect(laneOf({ kind: "alert", alert, target })).toBe("mail:owner@example.com");
    expect(laneOf({ kind: "alert", alert, target: { ...target, type: "email" } })).toBe("mail:owner@example.com");
    expect(laneOf({ kind: "directory" })).toBe("d1");
    expect(laneOf({ kind: "transition", transition: { id: "01", service: "s", status: "dead" } })).toBe("d1");
    expect(laneOf({ kind: "record", record: { alert, target, state: "pending", attempts: 0 } })).toBe("d1");
    expect(laneOf({ kind: "event", event: { id: "01", service: "s", level: 0, message: "m", alert: false } })).toBe(
      "d1",
    );
  });

  it("is never D1's or the parked one for an alert, whatever its target is called", () => {
    const alert = { id: "01", kind: "event", service: "s", dateMs: 0, title: "", message: "" } as const;
    fc.assert(
      fc.property(fc.string(), fc.string(), (type, target) => {
        expect([D1_LANE, PARKED_LANE]).not.toContain(laneOf({ kind: "alert", alert, target: { type, target } }));
      }),
    );
  });
});

describe("the heads", () => {
  it("are the oldest entry of each lane, in whatever order the entries come", () => {
    fc.assert(
      fc.property(
        outboxes.chain((entries) => fc.shuffledSubarray(entries, { minLength: entries.length })),
        (entries) => {
          const expected = [...new Set(entries.map(({ lane }) => lane))]
            .filter((lane) => lane !== PARKED_LANE)
            .map((lane) => headOf(lane, entries));
          expect(headsOf(entries).sort((a, b) => a.id - b.id)).toEqual(
            expected.sort((a, b) => (a?.id ?? 0) - (b?.id ?? 0)),
          );
        },
      ),
    );
  });
});

describe("the next delivery", () => {
  it("waits for the head of its lane, even if what follows is due before", () => {
    expect(nextDeliveryMs([entry(1, "a", 50), entry(2, "a", 10), entry(3, "b", 60)])).toBe(50);
  });

  it("is the earliest of the heads", () => {
    expect(nextDeliveryMs([entry(1, "a", 50), entry(2, "b", 20), entry(3, "c", 60)])).toBe(20);
  });

  it("is undefined where nothing is owed, or only what was parked", () => {
    expect(nextDeliveryMs([])).toBeUndefined();
    expect(nextDeliveryMs([entry(1, PARKED_LANE, 50)])).toBeUndefined();
  });
});

describe("the due deliveries", () => {
  it("are the heads whose time has come, without busy lanes, the longest due first", () => {
    fc.assert(
      fc.property(outboxes, lanes, now, (entries, busyLanes, nowMs) => {
        const due = dueDeliveries(entries, busyLanes, nowMs);
        const isWanted = (candidate: OutboxEntry) =>
          candidate.lane !== PARKED_LANE &&
          !busyLanes.has(candidate.lane) &&
          candidate.nextMs <= nowMs &&
          headOf(candidate.lane, entries) === candidate;
        expect([...due].sort((a, b) => a.id - b.id)).toEqual(entries.filter(isWanted));
        for (const [index, { nextMs, id }] of due.entries()) {
          const earlier = due[index - 1];
          if (!earlier) continue;
          expect(earlier.nextMs < nextMs || (earlier.nextMs === nextMs && earlier.id < id)).toBe(true);
        }
      }),
    );
  });

  it("are there from the very moment for which the alarm is set, and not before", () => {
    fc.assert(
      fc.property(outboxes, (entries) => {
        const nextMs = nextDeliveryMs(entries);
        fc.pre(nextMs !== undefined);
        expect(dueDeliveries(entries, new Set(), nextMs).length).toBeGreaterThan(0);
        expect(dueDeliveries(entries, new Set(), nextMs - 1)).toEqual([]);
      }),
    );
  });

  it("of one lane are delivered in the order in which they were owed", () => {
    fc.assert(
      fc.property(outboxes, (entries) => {
        let rest = entries;
        const delivered: OutboxEntry[] = [];
        for (let next = nextDeliveryMs(rest); next !== undefined; next = nextDeliveryMs(rest)) {
          const [first] = dueDeliveries(rest, new Set(), next) as [OutboxEntry];
          delivered.push(first);
          rest = rest.filter(({ id }) => id !== first.id);
        }
        for (const lane of new Set(entries.map((entry) => entry.lane))) {
          if (lane === PARKED_LANE) continue;
          expect(delivered.filter((entry) => entry.lane === lane)).toEqual(
            entries.filter((entry) => entry.lane === lane),
          );
        }
        expect(rest.every((entry) => entry.lane === PARKED_LANE)).toBe(true);
      }),
    );
  });
});

describe("a death notice", () => {
  it("is an alert that tells of a death, and nothing else", () => {
    fc.assert(
      fc.property(owedThings, (owed) => {
        const isDeath = owed.kind === "alert" && owed.alert.kind === "dead";
        expect(isDeathNotice({ id: 1, lane: laneOf(owed), owed, nextMs: 0, attempts: undefined })).toBe(isDeath);
      }),
    );
  });
});

describe("a status notice to a target", () => {
  it("tells that very target of a death or a return; an event to it is none", () => {
    const alert = { id: "01", kind: "dead", service: "s", dateMs: 0, title: "", message: "" } as const;
    const entryOf = (kind: "dead" | "alive" | "event") => {
      const owed = { kind: "alert", alert: { ...alert, kind }, target: OWNER } as const;
      return { id: 1, lane: laneOf(owed), owed, nextMs: 0, attempts: undefined };
    };
    expect(isStatusNoticeTo(entryOf("dead"), { ...OWNER })).toBe(true);
    expect(isStatusNoticeTo(entryOf("alive"), OWNER)).toBe(true);
    expect(isStatusNoticeTo(entryOf("event"), OWNER)).toBe(false);
    expect(isStatusNoticeTo(entryOf("dead"), OTHER)).toBe(false);
    expect(isStatusNoticeTo(entryOf("dead"), { ...OWNER, type: "mail" })).toBe(false);
    const record = { alert, target: OWNER, state: "pending", attempts: 0 } as const;
    expect(isStatusNoticeTo({ ...entryOf("dead"), owed: { kind: "record", record } }, OWNER)).toBe(false);
  });
});
