import { runMass } from "../../test/chaos/mass.ts";
import type { Figures, Run } from "../figures.ts";

const SIZES = [
  { mass: 1, living: 20, targets: 1 },
  { mass: 1_000, living: 1_100, targets: 20 },
];

/** How long after its deadline a death reaches its provider: one, and many in the same second. */
export async function lag({ print }: Run): Promise<Figures> {
  const rows: string[][] = [];
  for (const size of SIZES) {
    const { figures, violations } = await runMass(size, (text) => print(`  ${text}`));
    if (violations.length > 0)
      throw new Error(`Not all were told as they must: ${JSON.stringify(violations.slice(0, 5))}`);
    const { lagAfterDeadlineMs: lag } = figures;
    rows.push([
      size.mass.toLocaleString("en"),
      size.living.toLocaleString("en"),
      String(size.targets),
      String(figures.messages),
      ...[lag.p50, lag.p99, lag.max].map((ms) => (ms / 1_000).toFixed(1)),
    ]);
  }
  return {
    tables: [
      {
        title: "From the deadline to the provider, in seconds",
        columns: ["deaths", "that live on", "targets", "messages", "p50", "p99", "worst"],
        rows,
      },
    ],
    ratios: {},
  };
}
