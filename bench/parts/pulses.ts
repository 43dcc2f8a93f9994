import { cpSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { resourcesDir } from "../../scripts/local/d1-file.ts";
import { startBare } from "../bare.ts";
import { Connection, encode } from "../client.ts";
import {
  type Compared,
  compare,
  digits,
  type Figures,
  inTurn,
  type Round,
  type Run,
  type Side,
  type Table,
} from "../figures.ts";
import { sendLoad } from "../load.ts";
import { startLocal } from "../local.ts";
import { cpuMs, HEADERS, memoryBytes, ROOTS, VARIABLES, type Worker } from "../worker.ts";

const RUNTIMES = { "bare workerd": startBare, "npm start": startLocal };
type Runtime = keyof typeof RUNTIMES;
type Name = "pulse" | "product";
const NAMES: readonly Name[] = ["pulse", "product"];

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
/** In so long each service pulses once while memory is looked at, as such services do. */
const CALM_MS = 60_000;

/** A pulse of a service that promises the next one in an hour: after its first one, a steady one. */
export function pulseOf(i: number) {
  return { headers: HEADERS, body: JSON.stringify({ service: `service-${i}`, nextIn: 3_600 }) };
}

/** Steady pulses, against a Worker that calls an object which sets an alarm, and nothing else. */
export async function pulses(run: Run): Promise<Figures> {
  if (run.isShort) return pulsesUnder("bare workerd", run);
  const local = await pulsesUnder("npm start", run);
  // Ten thousand births of each take more than a minute: bare workerd takes over the objects of those that are born.
  for (const name of NAMES) {
    const born = join(resourcesDir(join(run.dir, "npm start", name)), "do");
    cpSync(born, join(run.dir, "bare workerd", name, "objects"), { recursive: true });
  }
  const bare = await pulsesUnder("bare workerd", run);
  return { tables: [...bare.tables, ...local.tables], ratios: { ...bare.ratios, ...local.ratios } };
}

async function pulsesUnder(runtime: Runtime, { dir, isShort, print }: Run): Promise<Figures> {
  const start = (name: Name): Promise<Worker> =>
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
    const sideOf = (worker: Worker): Side => {
      // Each round goes on where the one before ended: otherwise a short one would never come to the later services.
      let sent = 0;
      const request = () => pulseOf(sent++ % services);
      return {
        pid: worker.pid,
        load: (durationMs) => sendLoad({ url: worker.url, connections, durationMs, request }),
      };
    };
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
      if (runtime === "npm start")
        await Promise.all(Object.values(workers).map((worker) => pulseOnce(worker, MOST_SERVICES, 32)));
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
    if (runtime === "npm start") tables.push(await memory(start));
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
async function coldPulses(start: (name: Name) => Promise<Worker>): Promise<Compared> {
  async function round(name: Name): Promise<Round> {
    const worker = await start(name);
    const beforeMs = cpuMs(worker.pid);
    const throughput = await pulseOnce(worker, COLD_SERVICES);
    const round = { ...throughput, cpuMs: (cpuMs(worker.pid) - beforeMs) / COLD_SERVICES };
    await worker.stop();
    return round;
  }
  const rounds = [];
  for (let i = 0; i < 3; i++) {
    const found = {} as Record<Name, Round>;
    for (const name of inTurn(NAMES, i)) found[name] = await round(name);
    const { pulse: floor, product } = found;
    rounds.push({ floor, product, ratio: product.perSecond / floor.perSecond });
  }
  // The middle one of three.
  return rounds.toSorted((a, b) => a.ratio - b.ratio)[1] as Compared;
}

/**
 * What services take in memory while each of them pulses once in a minute. What births leave behind there is no part of
 * it: the runtime is started anew.
 */
async function memory(start: (name: Name) => Promise<Worker>): Promise<Table> {
  const row = async (name: Name) => {
    const worker = await start(name);
    await pulseOnce(worker, MAIN.services);
    const beforeBytes = memoryBytes(worker.pid);
    await pulseCalmly(worker);
    const bytes = memoryBytes(worker.pid);
    await worker.stop();
    return [
      name === "pulse" ? "floor" : "product",
      beforeBytes / 2 ** 20,
      bytes / 2 ** 20,
      (bytes - beforeBytes) / 1_024 / MOST_SERVICES,
    ];
  };
  return {
    title: "10,000 services under npm start, of which each pulses once in a minute",
    columns: ["", "MiB of memory after a start and 200 pulses", "MiB after the minute", "KiB per service"],
    rows: await Promise.all(NAMES.map(row)),
  };
}

/** Each of the services pulses once, one after the other, in so long as {@link CALM_MS}. */
async function pulseCalmly({ url }: Worker): Promise<void> {
  const connections = await Promise.all(Array.from({ length: 4 }, () => Connection.open(url)));
  const beganMs = performance.now();
  let next = 0;
  await Promise.all(
    connections.map(async (connection) => {
      while (next < MOST_SERVICES) {
        const i = next++;
        await delay(Math.max(0, beganMs + (i * CALM_MS) / MOST_SERVICES - performance.now()));
        const { status } = await connection.send(encode(url.host, pulseOf(i)));
        if (status !== 200) throw new Error(`a pulse was answered ${status}`);
      }
      connection.close();
    }),
  );
}
