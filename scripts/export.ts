import { closeSync, existsSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { moveForGood, syncFile } from "./local/durable.ts";
import { Refusal, refusalOf, runProgram } from "./local/refusal.ts";
import { Remote } from "./local/remote.ts";
import { readSettings } from "./local/settings.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** In this order, so that a service comes after its past. */
const KINDS = ["events", "transitions", "rules", "services"] as const;

/** Writes what a watchTower knows into a file, one JSON object a line: services with their deadlines, events, rules. */
async function exportAll(): Promise<void> {
  const [given, ...more] = process.argv.slice(2);
  if (given === undefined || more.length > 0) throw new Refusal("Usage: npm run export -- FILE");
  const file = resolve(given);
  if (existsSync(file)) throw new Refusal(`${file} exists already; an export does not overwrite another.`);
  const remote = new Remote(process.env, readSettings(ROOT, process.env));
  const partial = `${file}.partial`;
  if (statSync(partial, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Refusal(`${partial} is a folder, and the export is written under that name first: move it away.`);
  }
  try {
    const counts = await writeAll(remote, partial);
    syncFile(partial);
    moveForGood(partial, file);
    const shown = KINDS.map((kind) => `${counts[kind]} ${kind}`).join(", ");
    console.log(`${file}: ${shown}, from ${remote.url}.`);
  } catch (error) {
    rmSync(partial, { force: true });
    throw refusalOf(error, file);
  }
}

/** @returns how many lines of each kind there were */
async function writeAll(remote: Remote, file: string): Promise<Record<string, number>> {
  // It tells where people are reached: it is for its owner alone.
  const descriptor = openSync(file, "w", 0o600);
  try {
    // A system may write less than it is given; this goes on until all is written.
    const write = (lines: string) => writeFileSync(descriptor, lines);
    const begin = { kind: "watchtower-export", version: packageJson.version, date: new Date().toISOString() };
    write(`${JSON.stringify(begin)}\n`);
    const counts: Record<string, number> = {};
    for (const kind of KINDS) counts[kind] = await eachPage(remote, kind, write);
    // Without this line an export is not whole.
    write(`${JSON.stringify({ kind: "end", ...counts })}\n`);
    return counts;
  } finally {
    closeSync(descriptor);
  }
}

/** @returns how many lines there were */
async function eachPage(remote: Remote, kind: string, take: (lines: string) => void): Promise<number> {
  let count = 0;
  for (let after: string | undefined = ""; after !== undefined; ) {
    const query = new URLSearchParams({ kind, ...(after === "" ? {} : { after }) });
    const page = await remote.ask(`/export?${query}`);
    const end = page.lastIndexOf("\n", page.length - 2) + 1;
    const last = remote.parse<{ kind?: string; next?: string } | null>(page.slice(end));
    if (last?.kind !== "end") throw new Refusal(`A page of ${kind} broke off.`);
    take(page.slice(0, end));
    count += page.slice(0, end).split("\n").length - 1;
    after = last.next;
  }
  return count;
}

await runProgram(exportAll);
