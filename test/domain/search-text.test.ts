import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesSearch, parseSearch } from "../../src/domain/search.ts";
import { fieldTerm, levelTerm, messageTerm, serviceTerm, withTerm } from "../../src/domain/search-text.ts";
import { runs, timeoutOf } from "./support/runs.ts";
import { anEvent, aSearch, aText, printed } from "./support/searches.ts";

const MANY = runs(1_000);

describe("a term", () => {
  it.each([
    [fieldTerm("host", "web-1"), "host:web-1"],
    [fieldTerm("status", 503), "status:503"],
    [fieldTerm("isLast", true), "isLast:true"],
    [fieldTerm("n", -3), 'n:"-3"'],
    [fieldTerm("sp ace", "a b"), '"sp ace":"a b"'],
    [fieldTerm("level", "<b>"), 'field.level:"<b>"'],
    [fieldTerm("field.x", 'say "no" \\'), 'field.field.x:"say \\"no\\" \\\\"'],
    [fieldTerm("services", "x"), "services:x"],
    [fieldTerm("path", "//x"), 'path:"//x"'],
    [messageTerm("disk"), "disk"],
    [messageTerm("OR"), '"OR"'],
    [messageTerm("disk full"), '"disk full"'],
    [serviceTerm("web 1"), 'service:"web 1"'],
    [levelTerm(4), "level:>=error"],
    [levelTerm(9), "level:>=9"],
  ])("%j is written as briefly as it can be", (term, text) => {
    expect(term).toBe(text);
  });

  it(
    "finds what it was made of, whatever that is",
    () => {
      fc.assert(
        fc.property(anEvent, aText, (event, text) => {
          const { service, level, message, fields = {} } = event;
          const terms = [
            ...Object.entries(fields).flatMap(([name, value]) => fieldTerm(name, value) ?? []),
            serviceTerm(service),
            levelTerm(level),
            messageTerm(message),
          ];
          for (const term of terms) expect(matchesSearch(parseSearch(term), event), term).toBe(true);
          const found = matchesSearch(parseSearch(serviceTerm(text)), event);
          expect(found).toBe(service === text);
        }),
        MANY,
      );
    },
    timeoutOf(MANY),
  );

  it("is none for an empty value, which no search can ask for", () => {
    expect(fieldTerm("host", "")).toBeUndefined();
  });
});

describe("a search with one more term", () => {
  it.each([
    ["", "host:a", "host:a"],
    ["disk", "host:a", "disk host:a"],
    ["disk OR full", "host:a", "disk host:a OR full host:a"],
    ['"x OR y"', "host:a", '"x OR y" host:a'],
    ["disk  host:a", "host:a", "disk  host:a"],
    ["host:a OR full", "host:a", "host:a OR full host:a"],
    ["-host:a", "host:a", "-host:a host:a"],
  ])("of %j and %j is %j", (q, term, text) => {
    expect(withTerm(q, term)).toBe(text);
  });

  it(
    "finds what both find",
    () => {
      fc.assert(
        fc.property(aSearch, fc.boolean(), anEvent, fc.boolean(), (search, quotes, event, ofEvent) => {
          const q = printed(search, quotes);
          const term = ofEvent ? serviceTerm(event.service) : messageTerm("disk");
          const both = [q, term].every((text) => matchesSearch(parseSearch(text), event));
          // Five alternatives of four terms have five more at the most.
          expect(matchesSearch(parseSearch(withTerm(q, term)), event)).toBe(both);
        }),
        MANY,
      );
    },
    timeoutOf(MANY),
  );
});
