import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { laneOf } from "../../src/domain/outbox.ts";
import { isSameTarget } from "../../src/domain/target.ts";
import { START_MS } from "./support/arbitraries.ts";
import { alarm, answering, type Command, cancelling, commands, switchingD1 } from "./support/commands.ts";
import { DEFAULT_TARGET, NAME, World } from "./support/monitor-shell.ts";
import { Reference } from "./support/reference.ts";
import { runs, timeoutOf } from "./support/runs.ts";
import { isPulse } from "./support/told.ts";
import { alertLabel } from "./support/view.ts";

/** A story that has not ended after so many alarms never will. */
const MOST_ALARMS = 500;

/** After so many reminders of which nothing is owed any more it is clear that they would go on for ever. */
const ENOUGH_REMINDERS = 3;

/** How often what matters happened in all stories, so that nobody trusts stories in which nothing happens. */
const tally: Record<string, number> = {
  deaths: 0,
  revivals: 0,
  reminders: 0,
  "later reminders": 0,
  "deaths told when a pause ended": 0,
  "revivals told when a pause ended": 0,
  overtaken: 0,
  "target removed": 0,
  "given up": 0,
  "arrived again": 0,
  "arrived after it was overtaken": 0,
  "arrived after its target was removed": 0,
  "forgotten by itself": 0,
  excused: 0,
  "further target was the main one": 0,
};
/** What must have been said and have happened, by what the names of the steps begin with or have in them. */
const STEPS: Record<string, RegExp> = {
  grace: /^pulse.*graceSeconds/,
  remindEvery: /^pulse.*remindEverySeconds/,
  alerts: /^pulse.*furtherTargets/,
  pauseUntil: /^pulse.*pauseForMs":\d/,
  "end of a pause": /^pulse.*pauseForMs":-/,
  "pause without a pulse": /^pause\(\d/,
  "end of a pause without a pulse": /^pause\((-|0)/,
  "email for mail": /^pulse.*"email"/,
  forget: /^forget$/,
  cancel: /^cancel$/,
  retry: /^answer.*"retry"/,
  credentials: /^answer.*"credentials"/,
  permanent: /^answer.*"permanent"/,
  "kill before what was under way arrived": /^kill\(before/,
  "kill after what was under way arrived": /^kill\(after/,
  "kill at the alarm": /^kill\(at the alarm/,
  "D1 is down": /^D1 is down/,
  "jump of the clock by days": /^wait\(\d{9,}/,
  "clock stepped back": /^wait\(-/,
};
for (const what of Object.keys(STEPS)) tally[what] = 0;
const count = (what: string) => {
  tally[what] = (tally[what] ?? 0) + 1;
};

/** Lets everything succeed until nothing can happen any more. */
async function letItEnd(reference: Reference, world: World): Promise<void> {
  const happens = async (command: Command) => {
    if (await command.check(reference)) await command.run(reference, world);
  };
  await happens(switchingD1(true));
  for (let i = 0, reminders = 0; i < MOST_ALARMS; i++) {
    while (reference.run) await happens(answering(0, { kind: "delivered", answer: "HTTP 200" }));
    if (world.storage.alarmMs === null) return;
    const isReminding = reference.status === "dead" && reference.remindEverySeconds > 0 && reference.isEmpty;
    if (isReminding && ++reminders > ENOUGH_REMINDERS) await happens(cancelling());
    await happens(alarm(0));
  }
  throw new Error("it never ends");
}

/** Every alert reached its target, or there is a reason why not. */
function expectNothingLost(reference: Reference, world: World): void {
  const arrived = new Set(reference.view().arrived);
  for (const { lane, label, fate, about, tries } of reference.things) {
    if (lane === "d1") continue;
    if (fate === "delivered") expect(arrived).toContain(`${lane} ${label}`);
    else if (fate === "given up") expect(tries).toBeGreaterThan(0);
    else if (fate === "overtaken") expect(about).toBe("death");
    else {
      expect(fate).toBe("target removed");
      expect(about).not.toBe("other");
    }
  }
  expect(world.shell.entries).toEqual([]);
  const { service } = world.shell;
  if (service) expect(service).toMatchObject({ status: "dead", remindEverySeconds: 0, toldMs: expect.any(Number) });
  else expect(world.storage.isEmpty || world.leavesTable).toBe(true);
}

/** Alerts to one target arrive in the order in which they were owed, each under an id of its own, which it keeps. */
function expectOrder(reference: Reference, world: World): void {
  const perLane = new Map<string, string[]>();
  for (const owed of world.arrived) {
    const lane = laneOf(owed);
    const ids = perLane.get(lane) ?? [];
    // A repetition comes right after the first time, if it comes at all.
    if (ids.at(-1) !== owed.alert.id) ids.push(owed.alert.id);
    else count("arrived again");
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
      position = owedInOrder.indexOf(alertLabel({ alert }), position + 1);
      expect(position, "in the order in which it was owed").not.toBe(-1);
    }
  }
}

function countAll(reference: Reference, world: World): void {
  if (world.excused > 0) count("excused");
  for (const [what, pattern] of Object.entries(STEPS)) {
    for (const name of world.happened) if (pattern.test(name)) count(what);
  }
  for (const { said } of reference.told) {
    if (isPulse(said) && said.furtherTargets?.some((target) => isSameTarget(target, said.target))) {
      count("further target was the main one");
    }
  }
  const arrived = new Set(reference.view().arrived);
  const { told, things } = reference;
  for (const { lane, label, fate, about } of things) {
    if (label.startsWith("transition forgotten") && !told.some(({ said }) => said === "forget")) {
      count("forgotten by itself");
    }
    if (lane === "d1") continue;
    const [, atMs] = label.split("@");
    const isOf = (status: string) => things.some((thing) => thing.label === `transition ${status}@${atMs}`);
    if (label.includes("still not pulsing")) count(label.includes("(0)") ? "reminders" : "later reminders");
    else if (about === "death") count(isOf("dead") ? "deaths" : "deaths told when a pause ended");
    if (about === "return") count(isOf("alive") ? "revivals" : "revivals told when a pause ended");
    if (fate === "given up") count(fate);
    if (fate !== "overtaken" && fate !== "target removed") continue;
    count(fate);
    if (!arrived.has(`${lane} ${label}`)) continue;
    count(fate === "overtaken" ? "arrived after it was overtaken" : "arrived after its target was removed");
  }
}

// Its log would be longer than anybody reads.
const { log } = console;
beforeAll(() => {
  console.log = () => {};
});
afterAll(() => {
  console.log = log;
});

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
          countAll(reference, world);
        }),
        runs(300),
      );
      if (runs(300).numRuns < 300) return;
      for (const [what, times] of Object.entries(tally)) expect(times, what).toBeGreaterThan(0);
    },
    timeoutOf(runs(300)),
  );
});
