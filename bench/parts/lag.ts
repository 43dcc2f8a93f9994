import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type MassSize, runMass } from "../../test/chaos/mass.ts";
import type { Figures, Run, Table } from "../figures.ts";
import { quantile, sendLoad } from "../load.ts";
import { startLocal } from "../local.ts";
import { startProvider } from "../provider.ts";
import { HEADERS, ROOTS, VARIABLES } from "../worker.ts";

const SINGLES = 30;
/** So far apart are their deadlines, about. */
const APART_MS = 350;
/**
 * So many live on, with promises short enough to count as due: those who fall silent within ten seconds must stay less
 * than a tenth of all, or they are held, since it may be an outage of ours.
 */
const LIVING = 500;
const LONGEST_MS = 60_000;

const MASS: MassSize = { mass: 1_000, living: 1_100, targets: 20 };
/** What docs/reliability.md tells of, too: as nothing lives on, it looks like an outage of ours, and all are excused. */
const LARGEST: MassSize = { mass: 10_000, living: 0, targets: 100 };

/** How long after its deadline a death reaches its provider: one by one, and many in the same second. */
export async function lag(run: Run): Promise<Figures> {
  const title = `From the deadline to the provider, ${MASS.mass.toLocaleString("en")} at once`;
  return { tables: [await singles(run), await massTable(title, MASS, run)], ratios: {} };
}

/** The same of ten thousand, which takes longer than all the rest of the bench. */
export async function lagOfTenThousand(run: Run): Promise<Figures> {
  return { tables: [await massTable("From the deadline to the provider, 10,000 at once", LARGEST, run)], ratios: {} };
}

/** Services that die one after the other, each with a target of its own. */
async function singles({ dir, print }: Run): Promise<Table> {
  await using provider = await startProvider();
  const variables = { ...VARIABLES, DEFAULT_ALERT_TARGET: `${provider.url}/default` };
  const worker = await startLocal({ root: ROOTS.product, stateDir: join(dir, "singles"), variables });
  const pulse = (service: string, nextIn: number, path: string) => ({
    headers: HEADERS,
    body: JSON.stringify({ service, nextIn, grace: 0, alertType: "webhook", alertTarget: provider.url + path }),
  });
  try {
    const requests = { url: worker.url, connections: 4, requests: LIVING };
    await sendLoad({ ...requests, request: (i) => pulse(`living ${i}`, 290, "/living") });
    for (let i = 0; i < SINGLES; i++) {
      const sent = { url: worker.url, connections: 1, requests: 1 };
      await sendLoad({ ...sent, request: () => pulse(`single ${i}`, 3, `/single/${i}`) });
      await delay(APART_MS);
    }
    await provider.told(SINGLES, LONGEST_MS);
  } finally {
    await worker.stop();
  }
  if (provider.deaths.some(({ isDigest }) => isDigest)) throw new Error("Deaths that should be single came together");
  const lags = provider.deaths.map(({ receivedMs, deadlineMs }) => receivedMs - deadlineMs);
  print(`  ${SINGLES} single deaths: ${quantile(lags, 0.5)} ms, ${Math.max(...lags)} ms at most`);
  return {
    title: "From the deadline to the provider, one by one",
    columns: ["deaths", "that live on", "p50 ms", "worst ms"],
    rows: [[String(SINGLES), String(LIVING), String(quantile(lags, 0.5)), String(Math.max(...lags))]],
  };
}

/** Many that die in the same second, and of which moment each is told. */
async function massTable(title: string, size: MassSize, { print }: Run): Promise<Table> {
  const { figures, violations } = await runMass(size, (text) => print(`  ${text}`));
  if (violations.length > 0)
    throw new Error(`Not all were told as they must: ${JSON.stringify(violations.slice(0, 5))}`);
  const lines: [what: string, lag: typeof figures.lagAfterDeadlineMs][] = [
    ["all", figures.lagAfterDeadlineMs],
    ["told one by one", figures.lagByItselfMs],
    ["told in digests", figures.lagInDigestMs],
    ["all, after the end of their turn or excuse", figures.lagAfterTurnOrExcuseMs],
  ];
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  const of = (count: number) => count.toLocaleString("en");
  print(`  ${figures.held} held, ${figures.excused} excused, ${figures.messages} messages, ${figures.digests} digests`);
  return {
    title: `${title}: ${of(size.living)} live on, ${of(figures.held)} held, ${of(figures.excused)} excused, ${of(figures.messages)} messages to ${size.targets} targets, ${of(figures.digests)} of them digests`,
    columns: ["", "deaths", "p50 s", "p99 s", "worst s"],
    rows: lines.map(([what, { count, p50, p99, max }]) => [what, of(count), seconds(p50), seconds(p99), seconds(max)]),
  };
}
