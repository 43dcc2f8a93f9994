import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../src/cli/duration.ts";
import { formatTable, printable } from "../../src/cli/table.ts";
import { UsageError } from "../../src/cli/usage.ts";

describe("a duration", () => {
  it.each([
    ["90s", 90],
    ["15m", 900],
    ["25h", 90_000],
    ["7d", 604_800],
    ["1w", 604_800],
    ["1h30m", 5_400],
    ["1.5h", 5_400],
    ["60", 60],
    ["0", 0],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseDuration(text, "--next-in")).toBe(seconds);
  });

  it.each(["", "soon", "5x", "h", "-5m", "5 m 3", "1h-2m", "1e3", "Infinity"])("%j is none", (text) => {
    expect(() => parseDuration(text, "--grace")).toThrow(UsageError);
    expect(() => parseDuration(text, "--grace")).toThrow(/^--grace must be a duration/);
  });

  it("is the sum of its parts", () => {
    const part = fc.tuple(fc.nat(1_000), fc.constantFrom(["s", 1], ["m", 60], ["h", 3_600], ["d", 86_400]));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const text = parts.map(([count, [unit]]) => `${count}${unit}`).join("");
        const sum = parts.reduce((total, [count, [, seconds]]) => total + count * (seconds as number), 0);
        expect(parseDuration(text, "--next-in")).toBe(sum);
      }),
    );
  });

  it("is shown in its largest unit", () => {
    expect([0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(formatDuration)).toEqual([
      "0 s",
      "119 s",
      "2 min",
      "120 min",
      "2 h",
      "48 h",
      "2 d",
    ]);
  });
});

describe("a table", () => {
  it("has its columns below each other, whatever they hold", () => {
    expect(
      formatTable([
        ["a", "b"],
        ["🦊🦊🦊", "c"],
        ["", "d"],
      ]),
    ).toBe("a    b\n🦊🦊🦊  c\n     d");
  });

  it("has no control characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(printable(text)).toHaveLength(text.length);
      }),
    );
  });
});
