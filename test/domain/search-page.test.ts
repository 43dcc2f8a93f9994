import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { Event } from "../../src/domain/event.ts";
import { levelByName } from "../../src/domain/level.ts";
import { matchesSearch, parseSearch } from "../../src/domain/search.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/search.md"), "utf8");

/** The rows of the table whose head is this. */
function rowsOf(head: string): string[][] {
  const [, table = ""] = page.split(`${head}\n`);
  return table
    .slice(0, table.indexOf("\n\n"))
    .split("\n")
    .slice(1)
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const plain = (cell: string) => cell.replaceAll("`", "");

const events = rowsOf("| event | service | level | message | fields |").map(
  ([name = "", service = "", level = "", message = "", fields = ""]): [string, Omit<Event, "id" | "alert">] => [
    name,
    {
      ...{ service, level: levelByName(level) ?? -1, message: plain(message) },
      ...(fields && { fields: JSON.parse(plain(fields)) }),
    },
  ],
);

describe("docs/search.md", () => {
  it.each(rowsOf("| `q` | finds |"))("is right about %s: %s", (q = "", found = "") => {
    const search = parseSearch(plain(q));
    const names = events.filter(([, event]) => matchesSearch(search, event)).map(([name]) => name);
    expect(names.join(", ")).toBe(found);
  });

  it("shows terms that can be read, each in one way at least", () => {
    for (const [terms = ""] of rowsOf("| term | what must hold |")) {
      for (const [, term = ""] of terms.matchAll(/`([^`]+)`/g)) expect(parseSearch(term)).toHaveLength(1);
    }
    expect(rowsOf("| term | what must hold |").length).toBeGreaterThan(5);
    expect(events.length).toBeGreaterThan(3);
  });
});
