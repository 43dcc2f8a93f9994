import { setTimeout as delay } from "node:timers/promises";
import { ulidTimeMs } from "../../src/domain/ulid.ts";
import { Client } from "./client.ts";
import { Crowd } from "./crowd.ts";
import { readTables } from "./database.ts";
import type { Violation } from "./observed.ts";
import { DEFAULT_PATH } from "./plan.ts";
import { Provider } from "./provider.ts";
import { percentiles } from "./report.ts";
import { freePort, Tower } from "./tower.ts";

/** How large a mass death is. */
export interface MassSize {
  /** So many services have their deadline in the same second. */
  mass: number;
  /** Among so many that live on: fewer than those that die make it look like an outage of ours, and all are excused. */
  living: number;
  /** So many targets share the alerts. */
  targets: number;
}

/** Few, so that a pulse counts soon after it is sent. */
const CONNECTIONS = 8;
/** How long a birth takes is known by so many, which promise to come again in a day. */
const SAMPLE = 300;
const SAMPLE_PROMISE_SECONDS = 86_400;
/** A machine that does other things, too, may become slower by so much. */
const SLOWER = 3;
/** Without any news for so long, no more is awaited. */
const PATIENCE_MS = 120_000;
/** What comes twice comes within so long. */
const AFTERWARDS_MS = 20_000;

/** Lets many services die in the same second, and reports how they were told. */
export async function runMass({ mass, living, targets }: MassSize, print: (text: string) => void) {
  const paths = Array.from({ length: targets }, (_, i) => `/mass/${i}`);
  await using provider = await Provider.start([...paths, DEFAULT_PATH]);
  await using tower = new Tower(await freePort(), {
    DEFAULT_ALERT_TYPE: "webhook",
    DEFAULT_ALERT_TARGET: provider.url(DEFAULT_PATH),
  });
  tower.start();
  await tower.ready();
  const client = new Client(tower.port, tower.password, CONNECTIONS);
  const pathAt = (i: number) => paths[i % targets] as string;
  let tookMs = 0;
  const pulse = async (name: string, i: number, nextIn: (sentMs: number) => number) => {
    const sentMs = Date.now();
    const answer = await client.pulse(name, { nextIn: nextIn(sentMs), grace: 0, urls: [provider.url(pathAt(i))] });
    if (typeof answer === "string" || answer.status !== 200) {
      throw new Error(`${name} could not pulse: ${JSON.stringify(answer)}`);
    }
    tookMs = Date.now() - sentMs;
  };

  await using crowd = new Crowd(tower, living, (i) => provider.url(pathAt(i)));
  await crowd.gather();
  if (living > 0) print(`${living} that live on are born`);
  const beganMs = Date.now();
  await inParallel(SAMPLE, (i) => pulse(`sample ${i}`, i, () => SAMPLE_PROMISE_SECONDS));
  const bornMs = Date.now();
  const birthsMs = ((bornMs - beganMs) / SAMPLE) * mass;
  const deathMs = Math.ceil((bornMs + SLOWER * birthsMs + 20_000) / 1_000) * 1_000;
  // A deadline is a pulse's own moment and whole seconds: all of them fall in the second around this one.
  const nextIn = (sentMs: number) => Math.round((deathMs - sentMs - tookMs / 2) / 1_000);
  await inParallel(mass, (i) => pulse(`mortal ${i}`, i, nextIn));
  print(`${mass} that will die are born`);
  const spareMs = deathMs - 500 - Date.now();
  print(`They die in ${Math.round(spareMs / 1_000)} s`);
  if (spareMs < 0) throw new Error("The machine is too slow: they die before all is prepared.");

  const told = () => provider.attempts.flatMap(({ alerts, ...rest }) => alerts.map((alert) => ({ ...rest, alert })));
  const died = () => told().filter(({ alert }) => alert.kind === "dead");
  await delay(spareMs);
  // Who is not told for now may be excused, for as long as it promised.
  const patienceMs = PATIENCE_MS + deathMs - bornMs;
  for (let count = 0, newsMs = Date.now(); count < mass && Date.now() - newsMs < patienceMs; ) {
    await delay(1_000);
    const distinct = new Set(died().map(({ alert }) => alert.service)).size;
    if (distinct > count) newsMs = Date.now();
    if (distinct >> 11 > count >> 11) print(`${distinct} are told`);
    count = distinct;
  }
  await delay(AFTERWARDS_MS);
  client.close();

  // Until when each may not be told: its turn, or the end of its excuse, whichever is later.
  const waits = new Map<string, number>();
  for (const { service, atMs, forMs = 0 } of [...tower.holds, ...tower.excuses]) {
    waits.set(service, Math.max(waits.get(service) ?? 0, atMs + forMs));
  }
  const deaths = died();
  const lags = deaths.map(({ alert, atMs }) => {
    const deadMs = ulidTimeMs(alert.id);
    return { deadMs, sinceDeadMs: atMs - deadMs, sinceTellableMs: atMs - (waits.get(alert.service) ?? deadMs) };
  });
  const lagsWhere = (isWanted: (isDigest: boolean) => boolean) =>
    lags.flatMap(({ sinceDeadMs }, i) => (isWanted(deaths[i]?.isDigest ?? false) ? [sinceDeadMs] : []));
  const deadlines = lags.map(({ deadMs }) => deadMs);
  const messages = provider.attempts.filter(({ path }) => path !== DEFAULT_PATH);
  const violations = check(mass, deaths, readTables(tower.stateDir).alerts);
  return {
    violations,
    figures: {
      mass,
      living,
      targets,
      deadlinesSpreadMs: Math.max(...deadlines) - Math.min(...deadlines),
      told: new Set(deaths.map(({ alert }) => alert.service)).size,
      messages: messages.length,
      digests: messages.filter(({ isDigest }) => isDigest).length,
      held: new Set(tower.holds.map(({ service }) => service)).size,
      excused: new Set(tower.excuses.map(({ service }) => service)).size,
      lagAfterDeadlineMs: percentiles(lags.map(({ sinceDeadMs }) => sinceDeadMs)),
      lagByItselfMs: percentiles(lagsWhere((isDigest) => !isDigest)),
      lagInDigestMs: percentiles(lagsWhere((isDigest) => isDigest)),
      lagAfterTurnOrExcuseMs: percentiles(lags.map(({ sinceTellableMs }) => sinceTellableMs)),
      lagOfSinglesMs: percentiles(
        deaths.flatMap(({ isDigest }, i) => (isDigest ? [] : [lags[i]?.sinceTellableMs ?? Number.NaN])),
      ),
      log: Object.fromEntries([...tower.logged].sort()),
      violations: violations.length,
    },
  };
}

/** Each is told, none twice, nobody who lives, and the delivery log says so. */
function check(
  mass: number,
  deaths: readonly { alert: { id: string; service: string } }[],
  alerts: ReturnType<typeof readTables>["alerts"],
): Violation[] {
  const violations: Violation[] = [];
  const counts = new Map<string, number>();
  for (const { alert } of deaths) counts.set(alert.service, (counts.get(alert.service) ?? 0) + 1);
  const states = new Map(alerts.filter(({ kind }) => kind === "dead").map(({ service, state }) => [service, state]));
  for (let i = 0; i < mass; i++) {
    const subject = `mortal ${i}`;
    const count = counts.get(subject) ?? 0;
    counts.delete(subject);
    if (count === 0) violations.push({ rule: "missed alert", subject, detail: states.get(subject) ?? "not recorded" });
    if (count > 1) violations.push({ rule: "told twice", subject, detail: `${count} times` });
    if (count > 0 && states.get(subject) !== "delivered") {
      violations.push({ rule: "not settled", subject, detail: states.get(subject) ?? "not recorded" });
    }
  }
  for (const subject of counts.keys()) violations.push({ rule: "alert without a cause", subject, detail: "it lives" });
  return violations;
}

async function inParallel(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, run));
}
