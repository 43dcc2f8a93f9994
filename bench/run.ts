import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figures, Run } from "./figures.ts";
import { cost } from "./parts/cost.ts";
import { events } from "./parts/events.ts";
import { lag } from "./parts/lag.ts";
import { lists } from "./parts/lists.ts";
import { pulses } from "./parts/pulses.ts";
import { search } from "./parts/search.ts";
import { start } from "./parts/start.ts";
import { printed, publish, type Result, shortfalls, whereAndWhen } from "./results.ts";

/** The parts of the bench, in their order. */
const PARTS: Record<string, (run: Run) => Promise<Figures>> = { pulses, cost, events, search, lists, start, lag };

/** Those that a short run has: what holds as a ratio. */
const SHORT = ["pulses", "events"];

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

// What was started ends with this.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const result: Result = { ...whereAndWhen(), parts: {} };
const missed: string[] = [];
const dir = await mkdtemp(join(tmpdir(), "watchtower-bench-"));
try {
  for (const [name, part] of Object.entries(PARTS)) {
    if (names.length > 0 ? !names.includes(name) : isShort && !SHORT.includes(name)) continue;
    await measure(name, part);
    // What a machine does besides makes a ratio fall now and then, but not twice.
    if (shortfalls(result).length > missed.length) await measure(name, part);
    missed.push(...shortfalls({ ...result, parts: { [name]: result.parts[name] as Result["parts"][string] } }));
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
for (const sentence of missed) console.error(sentence);
if (missed.length > 0) process.exitCode = 1;

async function measure(name: string, part: (run: Run) => Promise<Figures>): Promise<void> {
  const beganMs = performance.now();
  console.log(`${name} …`);
  const figures = await part({ dir: join(dir, name), isShort, print: console.log });
  result.parts[name] = { ...figures, seconds: Math.round((performance.now() - beganMs) / 1_000) };
  console.log(printed(figures));
  // After each part: what was measured is not lost with what comes after it.
  publish(result, given.includes("--publish"));
  await rm(join(dir, name), { recursive: true, force: true });
}
