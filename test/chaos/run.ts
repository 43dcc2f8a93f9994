import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";
import { figuresOf, reportOf } from "./report.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    kills: { type: "string", default: "200" },
    services: { type: "string", default: "2000" },
    events: { type: "string", default: "10000" },
  },
});
const size = {
  seed: Number(values.seed ?? process.env.SEED ?? Date.now() % 1_000_000),
  kills: Number(values.kills),
  services: Number(values.services),
  events: Number(values.events),
};
const startMs = Date.now();
const print = (text: string) =>
  console.log(`${String(Math.round((Date.now() - startMs) / 1_000)).padStart(5)} s  ${text}`);

print(`seed ${size.seed}: ${size.kills} kills, ${size.services} services, ${size.events} events`);
const run = await runChaos(size, print);
console.log(`\n${reportOf(run)}\n\n${JSON.stringify(figuresOf(run))}`);
if (run.judgement.violations.length > 0) {
  const file = join(tmpdir(), `watchtower-chaos-${size.seed}.json`);
  const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value);
  writeFileSync(file, JSON.stringify({ ...run.observed, violations: run.judgement.violations }, plain));
  console.log(`\nAll that was observed: ${file}`);
  process.exitCode = 1;
}
