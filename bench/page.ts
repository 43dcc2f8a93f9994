import { checkPage, writePage } from "./results.ts";

/* Writes the published figures into docs/benchmarks.md; with --check, only says whether they are there. */

if (!process.argv.includes("--check")) {
  writePage();
} else if (!checkPage()) {
  console.error("docs/benchmarks.md does not say what bench/published.json says: node bench/page.ts");
  process.exitCode = 1;
}
