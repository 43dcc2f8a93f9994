import { type Random, randomFrom } from "./random.ts";

/** How large a run is; everything else of its plan follows from the seed. */
export interface RunSize {
  seed: number;
  kills: number;
  services: number;
  /** So many events have to be acknowledged. */
  events: number;
}

/** Something a client does, at a moment counted from the start of the run. */
export type Step = {
  atMs: number;
  /** Whether the client tries until it is answered; otherwise it tries once. */
  insists: boolean;
} & ({ kind: "pulse"; nextInSeconds: number; graceSeconds: number } | { kind: "cancel" | "forget" });

/** The life of a service. */
export interface ServicePlan {
  name: string;
  /** Who is told of it: paths of the provider stub. */
  paths: string[];
  steps: Step[];
  /** After its steps it pulses so often until the end of the run; undefined where it falls silent. */
  steadyEveryMs?: number;
}

/** What a provider does wrong; `late`: takes the message and answers after the time-out; `garbage`: answers no HTTP. */
export type ProviderFault = "error" | "hang" | "reset" | "garbage" | "busy" | "slow" | "late" | "refuse";

/** A time in which a path of the provider stub misbehaves. */
export interface ProviderWindow {
  path: string;
  fromMs: number;
  toMs: number;
  fault: ProviderFault;
}

/** How the database is made to refuse: its file is locked against writers, or a table is away for a while. */
export type DatabaseFault = "lock" | "events" | "alerts" | "services" | "transitions";

/** A time in which the database refuses. */
export interface DatabaseWindow {
  fromMs: number;
  toMs: number;
  fault: DatabaseFault;
}

/** When to kill, and for how long it stays down. */
export interface KillPlan {
  /** `starting`: so long after the start of the process, which may not be ready then; `ready`: after it is. */
  phase: "starting" | "ready";
  afterMs: number;
  downMs: number;
}

/** An event that a client sends; its message is unlike all others. */
export interface EventPlan {
  service: string;
  level: number;
  message: string;
  alert: boolean;
}

/** What is going to be done to the system, all of it known beforehand. */
export interface Plan {
  /** How long the clients are busy, by the plan; kills may take longer. */
  durationMs: number;
  services: ServicePlan[];
  kills: KillPlan[];
  providerWindows: ProviderWindow[];
  databaseWindows: DatabaseWindow[];
  /** The n-th event of the run. */
  eventAt(index: number): EventPlan;
}

/** The path of the provider stub that is the default target. */
export const DEFAULT_PATH = "/default";

/** What a kill, being down and starting again take in all, about. */
const KILL_CYCLE_MS = 4_700;
/** From so many kills on a few of the downtimes are longer than a minute, which excuses services. */
const KILLS_WITH_LONG_DOWNTIMES = 100;
const LONG_DOWNTIME_MS = 66_000;

/** Makes the plan of a run. */
export function makePlan({ seed, kills, services }: RunSize): Plan {
  const random = randomFrom(seed);
  const killPlans = planKills(random.fork("kills"), kills);
  const durationMs = Math.max(30_000, kills * KILL_CYCLE_MS);
  const paths = Array.from({ length: Math.max(4, Math.ceil(services / 60)) }, (_, i) => `/target/${i}`);
  return {
    durationMs,
    kills: killPlans,
    services: planServices(random.fork("services"), services, paths, durationMs),
    providerWindows: planProviderWindows(random.fork("providers"), paths, durationMs),
    databaseWindows: planDatabaseWindows(random.fork("database"), durationMs),
    eventAt: (index) => planEvent(random.fork(`event ${index}`), index),
  };
}

function planKills(random: Random, count: number): KillPlan[] {
  return Array.from({ length: count }, (_, i): KillPlan => {
    const isLong = count >= KILLS_WITH_LONG_DOWNTIMES && i % 90 === 45;
    const downMs = isLong ? LONG_DOWNTIME_MS : random.chance(0.2) ? random.between(500, 3_000) : random.between(0, 200);
    if (random.chance(0.12)) return { phase: "starting", afterMs: random.between(0, 1_500), downMs };
    const afterMs = random.chance(0.25) ? random.between(0, 300) : random.between(300, 9_000);
    return { phase: "ready", afterMs, downMs };
  });
}

/** Of few services more have to live, since all who fall silent do so within five minutes. */
const FEW = 200;

/*
 * More than a third pulse steadily from the start: many that live keep the silence of the others from looking like an
 * outage of ours. All promise less than five minutes, so that they count for that.
 */
function planServices(random: Random, count: number, paths: string[], durationMs: number): ServicePlan[] {
  return Array.from({ length: count }, (_, i) => {
    const own = random.fork(`service ${i}`);
    const first = own.pick(paths);
    const second = own.pick(paths);
    const name = `${own.pick(["service", "job/é", "🗼", "a b"])} ${i}`;
    const told = own.chance(0.3) && second !== first ? [first, second] : [first];
    const steady = i < count * (count < FEW ? 0.6 : 0.4);
    return { name, paths: told, ...(steady ? planSteady(own, durationMs) : planMortal(own, durationMs)) };
  });
}

function planSteady(random: Random, durationMs: number): Pick<ServicePlan, "steps" | "steadyEveryMs"> {
  const nextInSeconds = random.whole(60, 240);
  const graceSeconds = random.whole(0, 10);
  const atMs = random.between(0, Math.min(60_000, durationMs / 8));
  return {
    steps: [{ kind: "pulse", atMs, insists: true, nextInSeconds, graceSeconds }],
    steadyEveryMs: nextInSeconds * 1_000 * random.between(0.3, 0.5),
  };
}

/** Who lives on does not flap: it promises more than the system is ever down for. */
const LIVES_ON_SECONDS = 200;

/** Pulses a few times and falls silent; may be late, come back, be cancelled or forgotten. It dies three times at most. */
function planMortal(random: Random, durationMs: number): Pick<ServicePlan, "steps" | "steadyEveryMs"> {
  const steps: Step[] = [];
  const short = durationMs < 120_000;
  const nextInSeconds = random.whole(3, short ? 15 : 40);
  const graceSeconds = random.pick([0, 0, 1, 5]);
  const promiseMs = (nextInSeconds + graceSeconds) * 1_000;
  let atMs = random.between(short ? 5_000 : 60_000, durationMs * 0.9);
  const pulse = (afterMs: number) => {
    atMs += afterMs;
    steps.push({ kind: "pulse", atMs, insists: random.chance(0.9), nextInSeconds, graceSeconds });
  };
  const pulses = (times: number) => {
    for (let i = 0; i < times; i++) pulse(promiseMs * random.between(0.2, 0.7));
  };
  const livesOn = () => {
    pulse(promiseMs * 0.4);
    steps.push({ ...(steps.pop() as Step), kind: "pulse", nextInSeconds: LIVES_ON_SECONDS, graceSeconds });
    return { steps, steadyEveryMs: LIVES_ON_SECONDS * 1_000 * random.between(0.2, 0.4) };
  };
  const end = (kind: "cancel" | "forget", afterMs: number) =>
    steps.push({ kind, atMs: atMs + afterMs, insists: random.chance(0.9) });

  pulse(0);
  pulses(random.whole(0, 2));
  const fate = random.between(0, 1);
  if (fate < 0.35) return { steps };
  if (fate < 0.6) {
    // Comes back, some after the death is told, some in the very moment.
    pulse(promiseMs + (random.chance(0.3) ? random.between(-200, 400) : random.between(500, short ? 10_000 : 40_000)));
    pulses(random.whole(0, 1));
    return random.chance(0.5) ? { steps } : livesOn();
  }
  if (fate < 0.75) {
    // A race with the deadline, twice.
    pulse(promiseMs + random.between(-300, 300));
    pulse(promiseMs + random.between(-300, 300));
    return { steps };
  }
  if (fate < 0.85) {
    end("cancel", promiseMs * random.between(0.1, 1.2));
    if (random.chance(0.4)) pulse(promiseMs * 2);
    return { steps };
  }
  if (fate < 0.93) {
    end("forget", promiseMs * random.between(0.1, 1.5));
    if (random.chance(0.4)) pulse(promiseMs * 2.5);
    return { steps };
  }
  return livesOn();
}

const PROVIDER_FAULTS = ["error", "error", "hang", "reset", "garbage", "busy", "slow", "late", "refuse"] as const;

function planProviderWindows(random: Random, paths: string[], durationMs: number): ProviderWindow[] {
  return [...paths, DEFAULT_PATH].flatMap((path) => {
    const own = random.fork(path);
    const windows: ProviderWindow[] = [];
    let atMs = own.between(0, durationMs / 4);
    while (atMs < durationMs) {
      const fault = own.pick(PROVIDER_FAULTS);
      const toMs = Math.min(durationMs, atMs + own.between(3_000, 25_000));
      // What the default target refuses is told to nobody.
      if (fault !== "refuse" || path !== DEFAULT_PATH) windows.push({ path, fromMs: atMs, toMs, fault });
      atMs = toMs + own.between(20_000, 90_000);
    }
    return windows;
  });
}

function planDatabaseWindows(random: Random, durationMs: number): DatabaseWindow[] {
  const windows: DatabaseWindow[] = [];
  let atMs = random.between(3_000, 15_000);
  while (atMs < durationMs - 5_000) {
    const toMs = Math.min(durationMs, atMs + random.between(1_000, 6_000));
    windows.push({
      fromMs: atMs,
      toMs,
      fault: random.pick(["lock", "lock", "events", "alerts", "services", "transitions"]),
    });
    atMs = toMs + random.between(15_000, 45_000);
  }
  return windows;
}

function planEvent(random: Random, index: number): EventPlan {
  const alert = random.chance(0.015);
  const padding = random.chance(0.02) ? "x".repeat(random.whole(1_000, 20_000)) : random.pick(["", "é", "🗼", "'\"\\"]);
  return {
    service: `sender ${random.whole(0, 40)}`,
    level: random.whole(0, 7),
    message: `event ${index} ${padding}`,
    alert,
  };
}
