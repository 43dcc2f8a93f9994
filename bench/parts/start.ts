import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { startBare } from "../bare.ts";
import { Connection, encode } from "../client.ts";
import { type Figures, inTurn, type Run } from "../figures.ts";
import { median } from "../load.ts";
import { cpuMs, HEADERS, ROOTS, VARIABLES } from "../worker.ts";

const TIMES = 7;
const STARTUP_CHECKS = 3;
const NAMES = ["hono", "product"] as const;
type Name = (typeof NAMES)[number];

/** What a start costs, against an app of one route with the same router. */
export async function start({ dir }: Run): Promise<Figures> {
  const sides: Record<Name, { firstMs: number; cpuMs: number }[]> = { hono: [], product: [] };
  const dirOf = (name: Name) => join(dir, name);
  // The first start makes the database, which no later one does.
  for (const name of NAMES) await (await startBare({ ...setupOf(name), stateDir: dirOf(name) })).stop();
  for (let i = 0; i < TIMES; i++) {
    for (const name of inTurn(NAMES, i)) sides[name].push(await firstAnswer(name, dirOf(name)));
  }
  const rows = NAMES.map((name) => {
    const { kib, activeMs } = checkStartup(name, dir);
    const of = (key: "firstMs" | "cpuMs") => median(sides[name].map((one) => one[key]));
    return [name === "hono" ? "a Hono app of one route" : "watchTower", kib, activeMs, of("firstMs"), of("cpuMs")];
  });
  return {
    tables: [
      {
        title: "A cold start",
        columns: [
          "",
          "KiB compressed",
          "CPU ms to start the code",
          "ms from workerd's start to the first answer",
          "CPU ms for that",
        ],
        rows,
      },
    ],
    ratios: {},
  };
}

function setupOf(name: Name) {
  return { root: ROOTS[name], variables: VARIABLES };
}

/** Starts workerd in a folder that it knows, and asks at once. */
async function firstAnswer(name: Name, stateDir: string) {
  const worker = await startBare({ ...setupOf(name), stateDir }, { isMigrated: true });
  const connection = await Connection.open(worker.url);
  const { status } = await connection.send(
    encode(worker.url.host, { method: "GET", path: "/hello", headers: HEADERS }),
  );
  const figures = { firstMs: performance.now() - worker.startedMs, cpuMs: cpuMs(worker.pid) };
  connection.close();
  await worker.stop();
  if (status !== 200) throw new Error(`The first request was answered ${status}`);
  return figures;
}

/** What wrangler says of the bundle as it is deployed. */
function checkStartup(name: "hono" | "product", dir: string): { kib: number; activeMs: number } {
  const runs = Array.from({ length: STARTUP_CHECKS }, () => {
    const outfile = join(dir, `${name}.cpuprofile`);
    const { stdout } = spawnSync("wrangler", ["check", "startup", "--outfile", outfile], {
      cwd: ROOTS[name],
      encoding: "utf8",
    });
    return {
      kib: Number(stdout.match(/gzip: ([\d.]+) KiB/)?.[1]),
      activeMs: Number(stdout.match(/Active: ([\d.]+) ms/)?.[1]),
    };
  });
  return { kib: median(runs.map(({ kib }) => kib)), activeMs: median(runs.map(({ activeMs }) => activeMs)) };
}
