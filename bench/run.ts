import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figures, Run } from "./figures.ts";
import { cost } from "./parts/cost.ts";
import { events } from "./parts/events.ts";
import { lag, lagOfTenThousand } from "./parts/lag.ts";
import { lists } from "./parts/lists.ts";
import { pulses } from "./parts/pulses.ts";
import { search } from "./parts/search.ts";
import { start } from "./parts/start.ts";
import { BY_NAME_ONLY, type PartResult, printed, publish, type Result, shortfalls, whereAndWhen } from "./results.ts";

/** The parts of the bench, in their order. */
const PARTS: Record<string, (run: Run) => Promise<Figures>> = {
  pulses,
  cost,
  events,
  search,
  lists,
  start,
  lag,
  "lag-10000": lagOfTenThousand,
};

/** Those that a short run has: what holds as a ratio. */
const SHORT = ["pulses", "events", "search"];

const given = process.argv.slice(2);
const isShort = given.includes("--short");
const names = given.filter((name) => !name.startsWith("--"));
const unknown = [
  ...names.filter((name) => !(name in PARTS)),
  ...given.filter((name) => name.startsWith("--") && !["--short", "--publish"].includes(name)),
];
if (unknown.length > 0) {
  console.error(
    `There is no ${unknown.join(", ")}. npm run bench [-- --short] [-- --publish] [${Object.keys(PARTS).join("] [")}]`,
  );
  process.exit(2);
}
if (isShort && given.includes("--publish")) {
  console.error("A short run has too little of everything to be published.");
  process.exit(2);
}

// What was started ends with this.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const isWanted = (name: string) =>
  names.length > 0 ? names.includes(name) : isShort ? SHORT.includes(name) : !BY_NAME_ONLY.includes(name);
const parts: Result["parts"] = {};
const took: string[] = [];
const missed: string[] = [];
const beganMs = performance.now();
const dir = await mkdtemp(join(tmpdir(), "watchtower-bench-"));
try {
  for (const [name, part] of Object.entries(PARTS)) {
    if (!isWanted(name)) continue;
    const first = await measure(name, part);
    // What a machine does besides makes a ratio fall now and then, but not twice.
    const last = shortfalls({ [name]: first }).length > 0 ? await measure(name, part) : first;
    missed.push(...shortfalls({ [name]: last }));
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
console.log(`${took.join(", ")}; ${secondsSince(beganMs)} s in all`);
for (const sentence of missed) console.error(`FAILED: ${sentence}`);
if (missed.length > 0) process.exitCode = 1;

async function measure(name: string, part: (run: Run) => Promise<Figures>): Promise<PartResult> {
  const partBeganMs = performance.now();
  console.log(`${name} …`);
  const figures = await part({ dir: join(dir, name), isShort, print: console.log });
  const result: PartResult = { ...whereAndWhen(), seconds: secondsSince(partBeganMs), ...figures };
  parts[name] = result;
  took.push(`${name} ${result.seconds} s`);
  console.log(printed(figures));
  // After each part: what was measured is not lost with what comes after it.
  publish(parts, given.includes("--publish"));
  await rm(join(dir, name), { recursive: true, force: true });
  return result;
}

function secondsSince(ms: number): number {
  return Math.round((performance.now() - ms) / 1_000);
}
