import { expect, it } from "vitest";
import { runChaos } from "./chaos.ts";
import { figuresOf, textOf } from "./report.ts";

// SEED chooses another. `npm run chaos` is the long run.
const seed = Number(process.env.SEED ?? 1);

it(`nothing is lost, missed or told of the living, whatever happens (seed ${seed})`, async () => {
  const run = await runChaos({ seed, kills: 5, services: 60, events: 300 }, () => undefined);
  console.log(textOf(figuresOf(run), run.judgement.violations));
  expect(run.judgement.violations).toEqual([]);
  const { deaths, eventsAcknowledged, kills } = figuresOf(run);
  expect({ kills, enoughEvents: eventsAcknowledged >= 300 }).toEqual({ kills: 5, enoughEvents: true });
  expect(deaths).toBeGreaterThan(10);
});
