import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { laneOf } from "../../src/domain/outbox.ts";
import { START_MS } from "./support/arbitraries.ts";
import { alarm, answering, type Command, commands, switchingD1 } from "./support/commands.ts";
import { DEFAULT_TARGET, NAME, World } from "./support/monitor-shell.ts";
import { Reference } from "./support/reference.ts";
import { runs, timeoutOf } from "./support/runs.ts";

/** A story that has not ended after so many alarms never will. */
const MOST_ALARMS = 500;

/** How often what matters happened in all stories, so that nobody trusts stories in which nothing happens. */
const tally = { deaths: 0, revivals: 0, dropped: 0, givenUp: 0, arrivedAgain: 0, arrivedAfterDrop: 0 };

/** Lets everything succeed until nothing can happen any more. */
async function letItEnd(reference: Reference, world: World): Promise<void> {
  const happens = async (command: Command) => {
    if (await command.check(reference)) await command.run(reference, world);
  };
  await happens(switchingD1(true));
  for (let i = 0; i < MOST_ALARMS; i++) {
    while (reference.run) await happens(answering(0, { kind: "delivered", answer: "HTTP 200" }));
    if (world.storage.alarmMs === null) return;
    await happens(alarm(0));
  }
  throw new Error("it never ends");
}

/** Every alert reached its target, or there is a reason why not. */
function expectNothingLost(reference: Reference, world: World): void {
  const arrived = new Set(reference.view().arrived);
  for (const { lane, label, fate, isDeath, tries } of reference.things) {
    if (lane === "d1") continue;
    if (fate === "delivered") expect(arrived).toContain(`${lane} ${label}`);
    else if (fate === "dropped") {
      // A revival or a cancel came before: nothing else drops anything.
      expect(isDeath).toBe(true);
    } else {
      expect(fate).toBe("given up");
      expect(tries).toBeGreaterThan(0);
    }
  }
  expect(world.shell.entries).toEqual([]);
  expect(world.shell.service?.status).not.toBe("alive");
}

/** Alerts to one target arrive in the order in which they were owed, each under an id of its own, which it keeps. */
function expectOrder(reference: Reference, world: World): void {
  const perLane = new Map<string, string[]>();
  for (const owed of world.arrived) {
    const lane = laneOf(owed);
    const ids = perLane.get(lane) ?? [];
    // A repetition comes right after the first time, if it comes at all.
    if (ids.at(-1) !== owed.alert.id) ids.push(owed.alert.id);
    else tally.arrivedAgain++;
    perLane.set(lane, ids);
  }
  for (const [lane, ids] of perLane) {
    expect(ids, "nothing is overtaken or repeated later").toEqual([...new Set(ids)]);
    const labels = world.arrived.filter((owed, index) => {
      const isFirst = world.arrived.findIndex((one) => one.alert.id === owed.alert.id) === index;
      return laneOf(owed) === lane && isFirst;
    });
    const owedInOrder = reference.things.filter((thing) => thing.lane === lane).map(({ label }) => label);
    let position = -1;
    for (const { alert } of labels) {
      position = owedInOrder.indexOf(`${alert.title}@${alert.dateMs}`, position + 1);
      expect(position, "in the order in which it was owed").not.toBe(-1);
    }
  }
}

function count(reference: Reference): void {
  const arrived = new Set(reference.view().arrived);
  for (const { lane, label, fate, isDeath } of reference.things) {
    if (lane === "d1") continue;
    if (isDeath) tally.deaths++;
    if (label.includes("pulsing again")) tally.revivals++;
    if (fate === "given up") tally.givenUp++;
    if (fate !== "dropped") continue;
    tally.dropped++;
    if (arrived.has(`${lane} ${label}`)) tally.arrivedAfterDrop++;
  }
}

describe("a monitored service", () => {
  it(
    "does what the reference does, whatever happens in whatever order, and in the end nothing is lost",
    async () => {
      await fc.assert(
        fc.asyncProperty(commands, async (story) => {
          const world = await World.create();
          const reference = new Reference(START_MS, NAME, DEFAULT_TARGET);
          await fc.asyncModelRun(() => ({ model: reference, real: world }), story);
          await letItEnd(reference, world);
          expectNothingLost(reference, world);
          expectOrder(reference, world);
          count(reference);
        }),
        runs(500),
      );
      if (runs(500).numRuns < 500) return;
      for (const [what, times] of Object.entries(tally)) expect(times, what).toBeGreaterThan(0);
    },
    timeoutOf(runs(500)),
  );
});
