import { setTimeout as delay } from "node:timers/promises";
import { Client } from "./client.ts";
import { DatabaseFaults, readTables } from "./database.ts";
import type { HeartBeat, Observed } from "./observed.ts";
import { type Judgement, judge } from "./oracle/oracle.ts";
import { DEFAULT_PATH, type KillPlan, makePlan, type RunSize } from "./plan.ts";
import { Provider } from "./provider.ts";
import { freePort, Tower } from "./tower.ts";
import { World } from "./world.ts";

const SENDERS = 6;
/** What is owed at the end has to arrive within so long: a few of the longest pauses between attempts. */
const SETTLE_TIMEOUT_MS = 240_000;
const SETTLE_POLL_MS = 3_000;
/** A death is noticed within so long, where nothing disturbs. */
const LATEST_MS = 3_000;
/** So many services are asked at once. */
const MOST_AT_ONCE = 12;

/** A run that is over. */
export interface Run {
  size: RunSize;
  tookMs: number;
  observed: Observed;
  judgement: Judgement;
  /** How often D1 was made to refuse. */
  databaseFaults: number;
  /** How often each event of the log was seen. */
  logged: Map<string, number>;
}

/** Runs the real system under fire as planned, lets it settle, and judges what came of it. */
export async function runChaos(size: RunSize, print: (text: string) => void): Promise<Run> {
  const startMs = Date.now();
  const plan = makePlan(size);
  const paths = new Set([DEFAULT_PATH, ...plan.services.flatMap((service) => service.paths)]);
  await using provider = await Provider.start(paths);
  await using tower = new Tower(await freePort(), {
    DEFAULT_ALERT_TYPE: "webhook",
    DEFAULT_ALERT_TARGET: provider.url(DEFAULT_PATH),
  });
  tower.start();
  await tower.ready();
  const client = new Client(tower.port, tower.password);
  const faults = new DatabaseFaults(tower.stateDir, () => tower.isUp);
  const faultsOver = new AbortController();
  const beganMs = Date.now();
  const world = new World(client, beganMs, (path) => provider.url(path));
  provider.misbehave(plan.providerWindows, beganMs);
  const underFire = faults.run(plan.databaseWindows, beganMs, faultsOver.signal);
  const lives = plan.services.map((service) => ({ service, lived: world.live(service) }));
  const mortal = lives.flatMap(({ service, lived }) => (service.steadyEveryMs === undefined ? [lived] : []));
  const reported = sendEvents(world, size.events, plan.durationMs, plan.eventAt);

  await killAsPlanned(tower, faults, plan.kills, print);
  print("The kills are over.");
  await reported;
  print("The events are sent.");
  await Promise.all(mortal);
  faultsOver.abort();
  await underFire;
  provider.misbehave([], 0);
  print("Faults are over; what is owed has to arrive.");

  const observe = (): Observed => ({
    operations: [...world.operations],
    events: [...world.events],
    attempts: [...provider.attempts],
    troubles: plan.providerWindows.map(({ path, fromMs, toMs }) => ({
      path,
      fromMs: beganMs + fromMs,
      toMs: beganMs + toMs,
    })),
    uptimes: tower.uptimes,
    excuses: tower.excuses,
    holds: tower.holds,
    pathsOf: new Map(plan.services.map(({ name, paths: its }) => [name, its])),
    readMs: Date.now(),
    tables: readTables(tower.stateDir),
  });
  // Those who fell silent last have their time, too.
  const silent = new Set(
    plan.services.filter(({ steadyEveryMs }) => steadyEveryMs === undefined).map(({ name }) => name),
  );
  const deadlines = world.operations.map(({ service, doneMs, promiseMs }) =>
    silent.has(service) ? doneMs + promiseMs : 0,
  );
  const hasSettled = await settle(observe, Math.max(...deadlines) + LATEST_MS, print);
  world.end();
  await Promise.all(lives.map(({ lived }) => lived));
  // One that came back in its last moment is told so.
  if (hasSettled) await settle(observe, 0, print);
  const names = plan.services.map(({ name }) => name);
  const observed = { ...observe(), heartBeats: await askAll(client, names) };
  client.close();
  const judgement = judge(observed);
  return {
    size,
    tookMs: Date.now() - startMs,
    observed,
    judgement,
    databaseFaults: faults.count,
    logged: tower.logged,
  };
}

async function killAsPlanned(
  tower: Tower,
  faults: DatabaseFaults,
  kills: readonly KillPlan[],
  print: (text: string) => void,
): Promise<void> {
  for (const [i, { phase, afterMs, downMs }] of kills.entries()) {
    if (phase === "ready") await tower.ready();
    await delay(afterMs);
    await tower.kill();
    // It can't start while its database is locked or lacks a table.
    faults.mend();
    await delay(downMs);
    tower.start();
    if ((i + 1) % 20 === 0) print(`${i + 1} kills`);
  }
  await tower.ready();
}

/** Sends events from several clients at once, spread over the run, until enough are acknowledged. */
async function sendEvents(
  world: World,
  enough: number,
  durationMs: number,
  eventAt: ReturnType<typeof makePlan>["eventAt"],
): Promise<void> {
  let sent = 0;
  let acknowledged = 0;
  const next = () => (acknowledged < enough ? eventAt(sent++) : undefined);
  // About half of the time nobody answers.
  const everyMs = (durationMs * SENDERS * 0.45) / enough;
  await Promise.all(
    Array.from({ length: SENDERS }, () =>
      world.report(next, everyMs, () => {
        acknowledged++;
      }),
    ),
  );
}

/** Waits until nothing is wrong any more, or for so long that it will stay so; returns which. */
async function settle(
  observe: () => Observed,
  lastDeadlineMs: number,
  print: (text: string) => void,
): Promise<boolean> {
  const deadlineMs = Date.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const observed = observe();
    const { violations } = judge(observed);
    if (violations.length === 0 && Date.now() > lastDeadlineMs) return true;
    if (Date.now() > deadlineMs) {
      print("It did not settle in time.");
      return false;
    }
    await delay(SETTLE_POLL_MS);
  }
}

async function askAll(client: Client, names: readonly string[]): Promise<Map<string, HeartBeat | null>> {
  const answers = new Map<string, HeartBeat | null>();
  const left = [...names];
  const ask = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) answers.set(name, await client.heartBeat(name));
  };
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, ask));
  return answers;
}
