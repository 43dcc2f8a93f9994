import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeApi } from "./docs/openapi.ts";
import { renderPage } from "./docs/page.ts";
import { type Description, fillTables } from "./docs/tables.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Makes what is derived from the schemas and from docs/protocol.md, by its path in the project. */
function derive(): Record<string, string> {
  const api = describeApi();
  const protocol = fillTables(readFileSync(join(ROOT, "docs/protocol.md"), "utf8"), api as unknown as Description);
  return {
    "public/openapi.json": `${JSON.stringify(api, null, 2)}\n`,
    "docs/protocol.md": protocol,
    "public/docs.html": renderPage(protocol),
  };
}

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const [path, text] of Object.entries(derive())) {
  if (!values.check) {
    writeFileSync(join(ROOT, path), text);
  } else if (readFileSync(join(ROOT, path), "utf8") !== text) {
    console.error(`${path} is out of date: run "npm run docs".`);
    process.exitCode = 1;
  }
}
