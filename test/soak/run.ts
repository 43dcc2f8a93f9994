import { parseArgs } from "node:util";
import { liveThrough } from "./day.ts";
import { measureSizes } from "./sizes.ts";

const { values } = parseArgs({ options: { hours: { type: "string", default: "24" }, sizes: { type: "string" } } });
// What was started is ended with it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const startMs = Date.now();
const print = (text: string) =>
  console.log(`${String(Math.round((Date.now() - startMs) / 1_000)).padStart(5)} s  ${text}`);

const figures =
  values.sizes === undefined
    ? await liveThrough(Number(values.hours), print)
    : await measureSizes(values.sizes.split(",").map(Number), print);
console.log(`\n${JSON.stringify(figures, undefined, 2)}`);
