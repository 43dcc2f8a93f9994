import { describe, expect, it } from "vitest";
import type { Operation } from "../observed.ts";
import { Silences } from "./silences.ts";

const PROMISE = 10_000;
const pulse = (service: string, atMs: number): Operation => {
  return { kind: "pulse", service, sentMs: atMs, doneMs: atMs, outcome: "acknowledged", promiseMs: PROMISE };
};
const up = [{ startMs: 0, readyMs: 0 }];
const ofThese = (names: string[], atMs: number) => names.map((name) => pulse(name, atMs));
const ofMoments = (name: string, seconds: number[]) => seconds.map((second) => pulse(name, second * 1_000));

describe("silences", () => {
  it("are many where five, and a tenth of those that pulse, fall silent together", () => {
    const operations = ofThese(["a", "b", "c", "d", "e"], 1_000);
    expect(new Silences({ operations, uptimes: up }).areMany(11_000)).toBe(true);
    expect(new Silences({ operations: operations.slice(1), uptimes: up }).areMany(11_000)).toBe(false);
    const living = Array.from({ length: 60 }, (_, i) => ofMoments(`${i}`, [1, 10, 19, 28, 37])).flat();
    expect(new Silences({ operations: [...operations, ...living], uptimes: up }).areMany(11_000)).toBe(false);
  });

  it("are none of those that pulse in time, nor of those that were silent long before", () => {
    const names = ["a", "b", "c", "d"];
    const operations = [...ofThese(names, 1_000), ...ofThese(names, 100_000), pulse("e", 40_000)];
    expect(new Silences({ operations, uptimes: up }).areMany(50_000)).toBe(false);
  });

  it("count from when the system was up again", () => {
    const operations = ["a", "b", "c", "d", "e"].map((name, i) => pulse(name, i * 20_000));
    const uptimes = [
      { startMs: 0, readyMs: 0, killMs: 5_000 },
      { startMs: 99_000, readyMs: 100_000 },
    ];
    expect(new Silences({ operations, uptimes }).areMany(10_000)).toBe(true);
    expect(new Silences({ operations, uptimes: up }).areMany(10_000)).toBe(false);
  });
});
