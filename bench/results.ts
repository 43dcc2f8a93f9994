import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { type Figures, markdownOf } from "./figures.ts";

/** Where and when something was measured. */
interface Place {
  date: string;
  machine: string;
  versions: string;
}

/** What a part has found, where and when, and how long that took. */
export type PartResult = Figures & Place & { seconds: number };

/** What a run has found. */
export interface Result {
  /** How long all parts took together, but for those that are run only by their names. */
  seconds: number;
  parts: Record<string, PartResult>;
}

const ROOT = join(import.meta.dirname, "..");
/** Of the last run; not kept in the repository. */
const LATEST = join(ROOT, "bench", "results", "latest.json");
/** What docs/benchmarks.md is made from, and what later runs are held to. */
const PUBLISHED = join(ROOT, "bench", "published.json");
const PAGE = join(ROOT, "docs", "benchmarks.md");

/** As it was before this run. */
const PUBLISHED_BEFORE = readPublished();

/** A ratio that is below so much of the published one has fallen: what is less is what a busy machine does to a short run. */
const FALLEN = 0.5;

/** These take so long that they are run only where they are named: they count for no total. */
export const BY_NAME_ONLY = ["lag-10000"];

/** The machine, the versions and the day. */
export function whereAndWhen(): Place {
  const [cpu] = cpus();
  const version = (name: string) =>
    (JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    versions: `Node ${process.versions.node}, workerd ${version("workerd")}, Miniflare ${version("miniflare")}`,
  };
}

/** How long parts took together, but for those that are run only by their names. */
export function secondsOf(parts: Result["parts"]): number {
  return Object.entries(parts).reduce(
    (sum, [name, { seconds }]) => sum + (BY_NAME_ONLY.includes(name) ? 0 : seconds),
    0,
  );
}

/** Figures as text for a terminal. */
export function printed({ tables, ratios }: Figures): string {
  const lines = Object.entries(ratios).map(([name, ratio]) => `ratio of ${name}: ${ratio.toFixed(2)}`);
  return `\n${[...tables.map(markdownOf), lines.join("\n")].join("\n\n")}\n`;
}

/** Writes what was found; as what holds from now on, where that is asked for: parts that were not run stay as they were. */
export function publish(found: Result["parts"], isToHold: boolean): void {
  mkdirSync(join(LATEST, ".."), { recursive: true });
  writeFileSync(LATEST, textOf(found));
  console.log(`Written to ${LATEST}`);
  if (!isToHold) return;
  writeFileSync(PUBLISHED, textOf({ ...readPublished()?.parts, ...found }));
  writePage();
}

function textOf(parts: Result["parts"]): string {
  return `${JSON.stringify({ seconds: secondsOf(parts), parts } satisfies Result, null, 2)}\n`;
}

/** The ratios that have fallen far below what was published, and the bounds that don't hold, one sentence each. */
export function shortfalls(parts: Result["parts"]): string[] {
  return Object.entries(parts).flatMap(([part, { ratios, broken = [] }]) => [
    ...broken,
    ...Object.entries(ratios).flatMap(([name, ratio]) => {
      const before = PUBLISHED_BEFORE?.parts[part]?.ratios[name];
      // More than the floor can do is chance: others used the disk.
      if (before === undefined || ratio >= Math.min(1, before) * FALLEN) return [];
      return [`The ratio of ${name} has fallen to ${ratio.toFixed(2)}; published is ${before.toFixed(2)}.`];
    }),
  ]);
}

/** The published figures; undefined before the first. */
function readPublished(): Result | undefined {
  try {
    return JSON.parse(readFileSync(PUBLISHED, "utf8")) as Result;
  } catch {
    return undefined;
  }
}

/** Where and when the parts were measured: those together that were so on the same day and machine. */
function placesOf({ seconds, parts }: Result): string {
  const places = Map.groupBy(
    Object.entries(parts),
    ([, { date, machine, versions }]) => `${date}, on ${machine}; ${versions}`,
  );
  const lines = [...places].map(([place, those]) => {
    const names = those.map(([name, { seconds: took }]) => `${name} (${took} s)`);
    return `- ${place}: ${names.join(", ")}.`;
  });
  const minutes = (seconds / 60).toFixed(1);
  return [...lines, "", `All that a run does by itself took ${seconds} s, which is ${minutes} minutes.`].join("\n");
}

/** The page with the published figures in the places that are marked for them. */
function pageWith(result: Result, page: string): string {
  const blocks: Record<string, string> = { machine: placesOf(result) };
  for (const [name, { tables }] of Object.entries(result.parts)) blocks[name] = tables.map(markdownOf).join("\n\n");
  return page.replace(/(<!-- figures: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g, (all, begin, name, end) => {
    const block = blocks[name];
    return block === undefined ? all : `${begin}\n${block}\n\n${end}`;
  });
}

/** Writes what was published into the page. */
export function writePage(): void {
  const published = readPublished();
  if (published) writeFileSync(PAGE, pageWith(published, readFileSync(PAGE, "utf8")));
}

/** Whether the page says what was published. */
export function checkPage(): boolean {
  const published = readPublished();
  const page = readFileSync(PAGE, "utf8");
  return published !== undefined && pageWith(published, page) === page;
}
