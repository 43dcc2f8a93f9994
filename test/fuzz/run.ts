import { fuzz } from "./fuzz.ts";

/** How much the runtime's memory may grow from a fifth of the run to its end, in MiB. */
const MOST_GROWTH = { heap: 20, process: 100 };

const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 1e9));
const count = Number(process.env.FUZZ_REQUESTS ?? 10_000);
console.log(`FUZZ_SEED=${seed} FUZZ_REQUESTS=${count}`);
const startedMs = Date.now();
const { problems, memory, statuses, slowestMs, requests } = await fuzz(seed, count, console.log);
const [early, late] = [memory[1], memory.at(-1)];
const grown = { heap: (late?.heap ?? 0) - (early?.heap ?? 0), process: (late?.process ?? 0) - (early?.process ?? 0) };
for (const part of ["heap", "process"] as const) {
  if (grown[part] > MOST_GROWTH[part]) problems.push(`the memory (${part}) has grown by ${grown[part]} MiB`);
}
for (const problem of problems) console.error(`\n${problem}`);
console.log(`${requests} requests in ${Math.round((Date.now() - startedMs) / 1_000)} s, the slowest ${slowestMs} ms`);
console.log(`answers: ${JSON.stringify(statuses)}`);
console.log(`more at the end than after a fifth: ${grown.heap} MiB on heaps, ${grown.process} MiB in all`);
console.log(problems.length === 0 ? "Nothing was found." : `${problems.length} problems.`);
process.exitCode = problems.length === 0 ? 0 : 1;
