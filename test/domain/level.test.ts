import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_LEVEL,
  ERROR_LEVEL,
  LEVEL_NAMES,
  levelByName,
  levelName,
  NOTICE_LEVEL,
} from "../../src/domain/level.ts";
import "./support/runs.ts";

describe("the names of levels", () => {
  it("stand for 0 to 7", () => {
    const numbers = { debug: 0, info: 1, notice: 2, warning: 3, error: 4, critical: 5, alert: 6, emergency: 7 };
    for (const [name, level] of Object.entries(numbers)) {
      expect(levelByName(name)).toBe(level);
      expect(levelName(level)).toBe(name);
    }
    expect(LEVEL_NAMES).toHaveLength(8);
    expect([DEFAULT_LEVEL, NOTICE_LEVEL, ERROR_LEVEL]).toEqual([0, 2, 4]);
  });

  it("are known whatever their case, and warning also by its short form", () => {
    expect(levelByName("WARN")).toBe(3);
    fc.assert(
      fc.property(fc.constantFrom(...LEVEL_NAMES), fc.infiniteStream(fc.boolean()), (name, coin) => {
        const mixed = [...name].map((letter) => (coin.next().value ? letter.toUpperCase() : letter)).join("");
        expect(levelByName(mixed)).toBe(LEVEL_NAMES.indexOf(name));
      }),
    );
  });

  it("are these alone: any other text stands for no level, also names that every object has", () => {
    const known = new Set<string>([...LEVEL_NAMES, "warn"]);
    const others = fc.oneof(fc.string(), fc.constantFrom("constructor", "__proto__", "toString", "", " debug", "0"));
    fc.assert(
      fc.property(others, (text) => {
        fc.pre(!known.has(text.toLowerCase()));
        expect(levelByName(text)).toBeUndefined();
      }),
    );
  });
});

describe("a level without a name", () => {
  it("is shown as its number", () => {
    expect([8, 42, 1_000].map(levelName)).toEqual(["8", "42", "1000"]);
  });
});
