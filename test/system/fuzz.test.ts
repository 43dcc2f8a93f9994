import { expect, it } from "vitest";
import { fuzz } from "../fuzz/fuzz.ts";

it("500 random requests, hostile ones among them, are answered as documented, and do no harm", {
  timeout: 240_000,
}, async () => {
  const report = await fuzz(20_261_122, 500);
  expect(report.problems).toEqual([]);
  expect(report.requests).toBe(500);
  expect(Object.keys(report.statuses)).toEqual(expect.arrayContaining(["200", "303", "400", "403", "404", "405"]));
  const [early, late] = [report.memory[1], report.memory.at(-1)];
  expect((late?.heap ?? 0) - (early?.heap ?? 0)).toBeLessThan(20);
});
