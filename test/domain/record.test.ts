import { describe, expect, it } from "vitest";
import { recordOf } from "../../src/domain/record.ts";
import type { Transition } from "../../src/domain/service.ts";
import { OWNER, START_MS } from "./support/arbitraries.ts";

const downtime = { lastMs: START_MS - 70_000, expectedMs: START_MS - 10_000 };
const targets = [OWNER];
const record = (transition: Transition) => recordOf(transition, "backup", (ms) => `id of ${ms}`);
const common = { id: `id of ${START_MS}`, service: "backup" };

describe("the record", () => {
  it("of a change of status has its moment in its id", () => {
    expect(record({ kind: "born", atMs: START_MS })).toEqual({ ...common, status: "alive" });
    expect(record({ kind: "resumed", atMs: START_MS })).toEqual({ ...common, status: "alive" });
    expect(record({ kind: "cancelled", atMs: START_MS })).toEqual({ ...common, status: "cancelled" });
    expect(record({ kind: "forgotten", atMs: START_MS })).toEqual({ ...common, status: "forgotten" });
  });

  it("of a death and of a return says from when it was due, also if nobody is told", () => {
    for (const told of [targets, []]) {
      const rest = { atMs: START_MS, ...downtime, targets: told };
      expect(record({ kind: "died", ...rest, changes: 1 })).toEqual({ ...common, status: "dead", ...downtime });
      expect(record({ kind: "revived", ...rest, changes: 1 })).toEqual({ ...common, status: "alive", ...downtime });
    }
  });

  it("has nothing of what only concerns who is told", () => {
    const rest = { atMs: START_MS, ...downtime, targets };
    expect(record({ kind: "death-told", ...rest })).toBeUndefined();
    expect(record({ kind: "reminded", ...rest, reminders: 1 })).toBeUndefined();
    expect(record({ kind: "revival-told", ...rest, revivedMs: START_MS })).toBeUndefined();
    expect(record({ kind: "retargeted", atMs: START_MS, removed: targets })).toBeUndefined();
  });
});
