import { join } from "node:path";
import { startBare } from "../bare.ts";
import {
  type Compared,
  compare,
  digits,
  type Figures,
  type Round,
  type Run,
  type Side,
  type Table,
} from "../figures.ts";
import { sendLoad } from "../load.ts";
import { startLocal } from "../local.ts";
import { cpuMs, diskBytes, HEADERS, memoryBytes, ROOTS, VARIABLES, type Worker } from "../worker.ts";

const RUNTIMES = { "bare workerd": startBare, "npm start": startLocal };
type Runtime = keyof typeof RUNTIMES;

/** What is promised to hold: see docs/decisions/0046. */
const MAIN = { services: 200, connections: 16 };
const OTHERS = [
  { services: 1, connections: 1 },
  { services: 1, connections: 16 },
  { services: 1, connections: 64 },
  { services: 200, connections: 1 },
  { services: 200, connections: 64 },
  { services: 10_000, connections: 1 },
  { services: 10_000, connections: 16 },
  { services: 10_000, connections: 64 },
];
const MOST_SERVICES = 10_000;
/** So many of them pulse after a cold start: each takes as long as a birth, and three rounds of all would take minutes. */
const COLD_SERVICES = 1_000;

/** A pulse of a service that promises the next one in an hour: after its first one, a steady one. */
export function pulseOf(i: number) {
  return { headers: HEADERS, body: JSON.stringify({ service: `service-${i}`, nextIn: 3_600 }) };
}

/** Steady pulses, against a Worker that calls an object which sets an alarm, and nothing else. */
export async function pulses(run: Run): Promise<Figures> {
  const tables: Table[] = [];
  const ratios: Record<string, number> = {};
  for (const runtime of Object.keys(RUNTIMES) as Runtime[]) {
    if (run.isShort && runtime === "npm start") continue;
    const found = await pulsesUnder(runtime, run);
    tables.push(...found.tables);
    Object.assign(ratios, found.ratios);
  }
  return { tables, ratios };
}

async function pulsesUnder(runtime: Runtime, { dir, isShort, print }: Run): Promise<Figures> {
  const start = (name: "pulse" | "product") =>
    RUNTIMES[runtime]({ root: ROOTS[name], stateDir: join(dir, runtime, name), variables: VARIABLES });
  const workers = { floor: await start("pulse"), product: await start("product") };
  const rows: Table["rows"] = [];
  const ratios: Record<string, number> = {};
  const note = (services: number, connections: number, { floor, product, ratio }: Compared, how = "") => {
    const of = (round: typeof floor) => [round.perSecond, round.p50Ms, round.p99Ms, round.cpuMs];
    rows.push([`${services.toLocaleString("en")}${how}`, String(connections), ...of(floor), ...of(product), ratio]);
    print(
      `  ${services} services${how}, ${connections} connections: ${digits(product.perSecond)}/s, ratio ${digits(ratio)}`,
    );
  };
  const measure = async ({ services, connections }: typeof MAIN, times: Parameters<typeof compare>[1]) => {
    const sideOf = (worker: Worker): Side => ({
      pid: worker.pid,
      load: (durationMs) =>
        sendLoad({ url: worker.url, connections, durationMs, request: (i) => pulseOf(i % services) }),
    });
    return compare({ floor: sideOf(workers.floor), product: sideOf(workers.product) }, times);
  };
  const tables: Table[] = [];
  try {
    // Births are no steady pulses.
    for (const worker of Object.values(workers)) await pulseOnce(worker, MAIN.services);
    const found = await measure(MAIN, { rounds: 5, durationMs: 1_500, warmUpMs: 1_000 });
    note(MAIN.services, MAIN.connections, found);
    ratios[`steady pulses, ${runtime}`] = found.ratio;
    ratios[`the CPU time of steady pulses, ${runtime}`] = found.floor.cpuMs / found.product.cpuMs;
    if (!isShort) {
      const idle = Object.values(workers).map(({ pid }) => memoryBytes(pid));
      for (const worker of Object.values(workers)) await pulseOnce(worker, MOST_SERVICES, 64);
      tables.push(sizes(runtime, dir, workers, idle));
      for (const size of OTHERS)
        note(size.services, size.connections, await measure(size, { rounds: 3, durationMs: 600, warmUpMs: 200 }));
    }
  } finally {
    for (const worker of Object.values(workers)) await worker.stop();
  }
  if (!isShort) {
    const found = await coldPulses(start);
    note(COLD_SERVICES, 16, found, ", cold");
    ratios[`pulses from a cold start, ${runtime}`] = found.ratio;
  }
  const columns = [
    "services",
    "connections",
    "floor/s",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "pulses/s",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "ratio",
  ];
  return { tables: [{ title: `Steady pulses under ${runtime}`, columns, rows }, ...tables], ratios };
}

/** Each service pulses once. */
async function pulseOnce({ url }: Worker, services: number, connections = 16) {
  return sendLoad({ url, connections, requests: services, request: pulseOf });
}

/** The first pulse of each service after a start: each has its object to be made anew from what is stored. */
async function coldPulses(start: (name: "pulse" | "product") => Promise<Worker>): Promise<Compared> {
  async function round(name: "pulse" | "product"): Promise<Round> {
    const worker = await start(name);
    const beforeMs = cpuMs(worker.pid);
    const throughput = await pulseOnce(worker, COLD_SERVICES);
    const round = { ...throughput, cpuMs: (cpuMs(worker.pid) - beforeMs) / COLD_SERVICES };
    await worker.stop();
    return round;
  }
  const rounds = [];
  for (let i = 0; i < 3; i++) {
    const [floor, product] = [await round("pulse"), await round("product")];
    rounds.push({ floor, product, ratio: product.perSecond / floor.perSecond });
  }
  // The middle one of three.
  return rounds.toSorted((a, b) => a.ratio - b.ratio)[1] as Compared;
}

/** What services take on disk and in memory. */
function sizes(
  runtime: Runtime,
  dir: string,
  workers: Record<"floor" | "product", Worker>,
  idleBytes: number[],
): Table {
  const rows = (["floor", "product"] as const).map((name, i) => {
    const disk = diskBytes(join(dir, runtime, name === "floor" ? "pulse" : "product"));
    const memory = memoryBytes(workers[name].pid);
    return [
      name,
      disk / 1_024 / MOST_SERVICES,
      memory / 1_024 / 1_024,
      (memory - (idleBytes[i] ?? 0)) / 1_024 / (MOST_SERVICES - MAIN.services),
    ];
  });
  return {
    title: `10,000 services under ${runtime}`,
    columns: ["", "KiB on disk per service", "MiB of memory in all", "KiB of memory per service"],
    rows,
  };
}
