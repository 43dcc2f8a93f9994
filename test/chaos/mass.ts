import { setTimeout as delay } from "node:timers/promises";
import { ulidTimeMs } from "../../src/domain/ulid.ts";
import { Client } from "./client.ts";
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
/** The living promise less than five minutes, so that they count as due. */
const LIVING_PROMISE_SECONDS = 290;
/** Where so many, and such a share of those that are due, fall silent at once, they are held (docs/decisions/0027). */
const FEWEST_HELD = 5;
const HELD_SHARE = 0.1;
const HOLD_MS = 20_000;
/** An excuse lasts as long as a promise, and no less than this. */
const SHORTEST_EXCUSE_MS = 60_000;
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
  const pulse = async (name: string, i: number, nextIn: () => number) => {
    const sentMs = Date.now();
    const answer = await client.pulse(name, { nextIn: nextIn(), grace: 0, urls: [provider.url(pathAt(i))] });
    if (typeof answer === "string" || answer.status !== 200) throw new Error(`${name} could not pulse`);
    tookMs = Date.now() - sentMs;
  };
  const livingPulse = () => inParallel(living, (i) => pulse(`living ${i}`, i, () => LIVING_PROMISE_SECONDS));

  const beganMs = Date.now();
  await livingPulse();
  const bornMs = Date.now() - beganMs;
  print(`${living} that live on are born in ${bornMs} ms`);
  const perBirthMs = living > 0 ? bornMs / living : 5;
  const deathMs = Math.ceil((Date.now() + 1.6 * perBirthMs * (mass + living) + 20_000) / 1_000) * 1_000;
  // A deadline is a pulse's own moment and whole seconds: all of them fall in the second around this one.
  await inParallel(mass, (i) => pulse(`mortal ${i}`, i, () => Math.round((deathMs - Date.now() - tookMs / 2) / 1_000)));
  print(`${mass} that will die are born`);
  await livingPulse();
  const spareMs = deathMs - 500 - Date.now();
  print(`They die in ${Math.round(spareMs / 1_000)} s`);
  if (spareMs < 0) throw new Error("The machine is too slow: they die before all is prepared.");

  const told = () => provider.attempts.flatMap(({ alerts, ...rest }) => alerts.map((alert) => ({ ...rest, alert })));
  const died = () => told().filter(({ alert }) => alert.kind === "dead");
  await delay(spareMs);
  for (let count = 0, newsMs = Date.now(); count < mass && Date.now() - newsMs < PATIENCE_MS + bornMs; ) {
    await delay(1_000);
    // Who is not told for now may be excused, for as long as it promised.
    const distinct = new Set(died().map(({ alert }) => alert.service)).size;
    if (distinct > count) newsMs = Date.now();
    if (distinct >> 11 > count >> 11) print(`${distinct} are told`);
    count = distinct;
  }
  await delay(AFTERWARDS_MS);
  client.close();

  const holdMs = mass >= FEWEST_HELD && mass >= (mass + living) * HELD_SHARE ? HOLD_MS : 0;
  const excusedMs = new Map(tower.excuses.map(({ service, atMs }) => [service, atMs]));
  const deaths = died();
  const lags = deaths.map(({ alert, atMs }) => {
    const deadMs = ulidTimeMs(alert.id);
    const excuse = excusedMs.get(alert.service);
    const promiseMs = deadMs - Date.parse(alert.lastPulse ?? "");
    const tellableMs = excuse === undefined ? deadMs + holdMs : excuse + Math.max(SHORTEST_EXCUSE_MS, promiseMs);
    return { deadMs, sinceDeadMs: atMs - deadMs, sinceTellableMs: atMs - tellableMs };
  });
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
      heldForMs: holdMs,
      excused: excusedMs.size,
      lagAfterDeadlineMs: percentiles(lags.map(({ sinceDeadMs }) => sinceDeadMs)),
      lagAfterHoldOrExcuseMs: percentiles(lags.map(({ sinceTellableMs }) => sinceTellableMs)),
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
