import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";
import { runMass } from "./mass.ts";
import type { Observed, Violation } from "./observed.ts";
import { judge } from "./oracle/oracle.ts";
import { figuresOf, textOf } from "./report.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    kills: { type: "string", default: "200" },
    services: { type: "string", default: "2000" },
    events: { type: "string", default: "10000" },
    mass: { type: "string" },
    living: { type: "string" },
    targets: { type: "string", default: "100" },
    judge: { type: "string" },
  },
});
// What was started is ended with it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const startMs = Date.now();
const print = (text: string) =>
  console.log(`${String(Math.round((Date.now() - startMs) / 1_000)).padStart(5)} s  ${text}`);

function conclude(figures: object, violations: readonly Violation[]): void {
  console.log(`\n${textOf(figures, violations)}\n\n${JSON.stringify(figures)}`);
  if (violations.length > 0) process.exitCode = 1;
}

async function chaos(): Promise<void> {
  const size = {
    seed: Number(values.seed ?? process.env.SEED ?? Date.now() % 1_000_000),
    kills: Number(values.kills),
    services: Number(values.services),
    events: Number(values.events),
  };
  print(`seed ${size.seed}: ${size.kills} kills, ${size.services} services, ${size.events} events`);
  const run = await runChaos(size, print);
  const { violations } = run.judgement;
  conclude(figuresOf(run), violations);
  if (violations.length === 0) return;
  const file = join(tmpdir(), `watchtower-chaos-${size.seed}.json`);
  const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value);
  writeFileSync(file, JSON.stringify({ ...run.observed, violations }, plain));
  console.log(`\nAll that was observed: ${file}`);
}

async function massDeath(mass: number): Promise<void> {
  const living = Number(values.living ?? Math.round(mass * 1.2));
  const { figures, violations } = await runMass({ mass, living, targets: Number(values.targets) }, print);
  conclude(figures, violations);
}

/** What was observed of a run that went wrong, judged anew. */
function judgeAgain(file: string): void {
  const saved = JSON.parse(readFileSync(file, "utf8"));
  const maps = {
    pathsOf: new Map(Object.entries(saved.pathsOf)),
    heartBeats: new Map(Object.entries(saved.heartBeats)),
  };
  const { violations, ...judgement } = judge({ holds: [], ...saved, ...maps } as Observed);
  conclude({ ...judgement, lags: undefined }, violations);
}

if (values.judge !== undefined) judgeAgain(values.judge);
else await (values.mass === undefined ? chaos() : massDeath(Number(values.mass)));
