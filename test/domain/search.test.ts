import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import { MOST_SEARCH_CHARACTERS, MOST_SEARCH_TERMS, matchesSearch, parseSearch } from "../../src/domain/search.ts";
import { runs, timeoutOf } from "./support/runs.ts";
import { anEvent, aSearch, isFound, printed } from "./support/searches.ts";

const MANY = runs(1_000);

/** The hint of the error that a search is refused with; undefined where it is not. */
function refusalOf(q: string): string | undefined {
  try {
    parseSearch(q);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe("invalid_input");
    return (error as AppError).message;
  }
}

/** The position that a refusal names. */
function positionOf(q: string): number {
  return Number(/at character (\d+): /.exec(refusalOf(q) ?? "")?.[1]);
}

const EVENT = {
  service: "api",
  level: 4,
  message: "Disk full on https://a.example at 12:30",
  fields: { host: "web-1", status: 503, isLast: true, version: "5" },
};

describe("a search", () => {
  it.each([
    ["disk", true],
    ["DISK FULL", true],
    ['"disk full"', true],
    ['"full disk"', false],
    ["full disk", true],
    ["disk empty", false],
    ["disk -empty", true],
    ["disk -full", false],
    ["empty OR full", true],
    ["empty OR half", false],
    ["empty disk OR service:api full", true],
    ["service:api", true],
    ["service:AP", false],
    ["-service:api", false],
    ["level:error", true],
    ["level:>=warning", true],
    ["level:<error", false],
    ["level:4", true],
    ["level:<=1000", true],
    ["host:web-1", true],
    ["host:web", false],
    ['"host":"web-1"', true],
    ["field.host:web-1", true],
    ["nohost:web-1", false],
    ["-nohost:web-1", true],
    ["status:503", true],
    ["status:503.0", true],
    ["status:=503", true],
    ["status:>=500", true],
    ["status:>503", false],
    ["status:<504", true],
    ["version:5", true],
    ["version:5.0", false],
    ["version:>=5", false],
    ["isLast:true", true],
    ["isLast:1", false],
    ["field.service:api", false],
    ["message:full", true],
    ["https://a.example", true],
    ["12:30", true],
    ["12:31", false],
    [":x", false],
    ["1st:x", false],
    ["field.1st:x", false],
    ["or", false],
    ['"OR"', false],
  ])("for %s finds a full disk: %s", (q, expected) => {
    expect(matchesSearch(parseSearch(q), EVENT)).toBe(expected);
  });

  it(
    "says the same printed and read again",
    () => {
      fc.assert(
        fc.property(aSearch, fc.boolean(), (search, quotes) => {
          expect(parseSearch(printed(search, quotes))).toEqual(search);
        }),
        MANY,
      );
    },
    timeoutOf(MANY),
  );

  it(
    "finds what the naive way finds",
    () => {
      fc.assert(
        fc.property(aSearch, anEvent, (search, event) => {
          expect(matchesSearch(search, event)).toBe(isFound(search, event));
        }),
        { ...MANY, numRuns: MANY.numRuns * 5 },
      );
    },
    timeoutOf({ numRuns: MANY.numRuns * 5 }),
  );

  it(
    "never throws anything but a refusal, whose position is one of its characters or right behind them",
    () => {
      const pieces = fc.constantFrom(
        '"',
        ":",
        "-",
        "\\",
        " ",
        "OR",
        "(",
        ">=",
        "level",
        "service",
        "a",
        "5",
        "é",
        "😀",
        "\n",
      );
      const q = fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(pieces, { maxLength: 12 }).map((all) => all.join("")),
      );
      fc.assert(
        fc.property(q, (q) => {
          const hint = refusalOf(q);
          if (!hint?.startsWith("q can't be read at")) return;
          expect(positionOf(q)).toBeGreaterThanOrEqual(1);
          expect(positionOf(q)).toBeLessThanOrEqual([...q].length + 1);
        }),
        MANY,
      );
    },
    timeoutOf(MANY),
  );
});

describe("what can't be read", () => {
  it.each([
    ["", 1],
    ["   ", 4],
    ["OR a", 1],
    ["a OR", 5],
    ["a OR OR b", 6],
    ["a AND b", 3],
    ["a - b", 3],
    ["a -", 3],
    ['a "b', 3],
    ['😀 "b', 3],
    ['"a"b', 4],
    ['""', 1],
    ["(a OR b)", 1],
    ["-(a)", 2],
    ["host:", 6],
    ['host:""', 6],
    ['"":x', 4],
    ["a level:high", 3],
    ["a level:>=", 3],
    ["a level:10000", 3],
    ["a host:>web", 3],
    ["a host:>=1e999", 3],
    ["field.:x", 1],
  ])("%j names the position %i", (q, position) => {
    expect(positionOf(q)).toBe(position);
  });

  it("is too long, or has too many terms", () => {
    expect(refusalOf("é".repeat(MOST_SEARCH_CHARACTERS))).toBeUndefined();
    expect(refusalOf("é".repeat(MOST_SEARCH_CHARACTERS + 1))).toContain("1000 characters");
    expect(refusalOf("a ".repeat(MOST_SEARCH_TERMS))).toBeUndefined();
    expect(refusalOf(`${"a OR ".repeat(MOST_SEARCH_TERMS)}a`)).toContain("30 terms");
  });
});
