import { median, type Throughput } from "./load.ts";
import { cpuMs } from "./worker.ts";

/** A table of figures, as the page shows it. */
export interface Table {
  title: string;
  columns: string[];
  rows: (string | number)[][];
}

/** What a part of the bench has found. */
export interface Figures {
  tables: Table[];
  /** What was measured side by side: the product's part of what the floor can do. These are held to, by their names. */
  ratios: Record<string, number>;
  /** What is over a bound that must hold, one sentence each. */
  broken?: string[];
}

/** How the parts are run. */
export interface Run {
  /** An empty folder for this part. */
  dir: string;
  /** Fewer sizes and shorter rounds, for CI: the ratios have the names of the long run's. */
  isShort: boolean;
  print: (text: string) => void;
}

/** A number with as many digits as are worth reading. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const decimals = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: decimals, minimumFractionDigits: decimals });
}

/** A table as Markdown. */
export function markdownOf({ title, columns, rows }: Table): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(cellOf).join(" | ")} |`;
  return [`**${title}**`, "", line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

function cellOf(cell: string | number): string {
  return typeof cell === "number" ? digits(cell) : cell;
}

/** What one side did in a round. */
export interface Round extends Throughput {
  /** CPU time of workerd for each request, in milliseconds. */
  cpuMs: number;
}

/** Two sides of a comparison. */
export interface Compared {
  floor: Round;
  product: Round;
  /** The product's throughput as a part of the floor's: the median of the rounds. */
  ratio: number;
}

/** One side of a comparison: a load for some milliseconds, on a process. */
export interface Side {
  pid: number;
  load: (durationMs: number) => Promise<Throughput>;
}

/** Two or more that take turns, in the order of a round: each round begins with another one than the round before. */
export function inTurn<T>(sides: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...sides] : sides.toReversed();
}

/** Lets two sides alternate, so that whatever else the machine does meets both, and takes medians. */
export async function compare(
  sides: { floor: Side; product: Side },
  { rounds, durationMs, warmUpMs }: { rounds: number; durationMs: number; warmUpMs: number },
): Promise<Compared> {
  const names = ["floor", "product"] as const;
  const done: Record<(typeof names)[number], Round[]> = { floor: [], product: [] };
  for (const name of names) await sides[name].load(warmUpMs);
  for (let round = 0; round < rounds; round++) {
    for (const name of inTurn(names, round)) {
      const { pid, load } = sides[name];
      const beforeMs = cpuMs(pid);
      const throughput = await load(durationMs);
      done[name].push({ ...throughput, cpuMs: (cpuMs(pid) - beforeMs) / throughput.requests });
    }
  }
  const middle = (of: Round[]): Round => ({
    requests: median(of.map(({ requests }) => requests)),
    perSecond: median(of.map(({ perSecond }) => perSecond)),
    p50Ms: median(of.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(of.map(({ p99Ms }) => p99Ms)),
    cpuMs: median(of.map((round) => round.cpuMs)),
  });
  const ratios = done.product.map(({ perSecond }, i) => perSecond / (done.floor[i]?.perSecond ?? Number.NaN));
  return { floor: middle(done.floor), product: middle(done.product), ratio: median(ratios) };
}
