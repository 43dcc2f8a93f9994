import { expect, test } from "vitest";
import { liveThrough } from "../soak/day.ts";

/** A day is 6 minutes; `npm run soak` is the whole one. */
const HOURS = 4;

test("It lives on: alerts once each, cron triggers, and neither memory nor descriptors run away.", async () => {
  const { refused, falseDeaths, deaths, cronRuns, processes } = await liveThrough(HOURS, () => undefined);
  expect({ refused, falseDeaths }).toEqual({ refused: 0, falseDeaths: [] });
  expect(deaths).toBeGreaterThanOrEqual(HOURS - 1);
  expect(cronRuns).toBeGreaterThan(HOURS);
  for (const { memoryMib, files } of Object.values(processes)) {
    // A descriptor for each request, alarm or run would be thousands.
    expect(files[2]).toBeLessThan(files[0] + 50);
    // So would a few KiB for each be more than this.
    expect(memoryMib[2]).toBeLessThan(memoryMib[0] + 100);
  }
});
