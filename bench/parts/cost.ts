import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type BareWorker, startBare } from "../bare.ts";
import { billTable, costOf, freePlanTable } from "../bill.ts";
import type { Said } from "../client.ts";
import type { Figures, Run, Table } from "../figures.ts";
import { median, sendLoad } from "../load.ts";
import { type Frame, microsecondsOf, profileWhile } from "../profile.ts";
import { startProvider } from "../provider.ts";
import { cpuMs, diskBytes, HEADERS, ROOTS, VARIABLES } from "../worker.ts";
import { pulseOf } from "./pulses.ts";

const SERVICES = 1_000;
const WARMING = 300;
/** So often does each of them do what is measured: a few seconds of CPU time, of which single moments are no part. */
const PASSES = { steady: 10, otherTime: 3, otherTargets: 2 };
/** As many as take a second of CPU time when they revive. */
const MORTALS = 300;
/** What a pulse causes goes on after its answer. */
const AFTERWARDS_MS = 3_000;
const LONGEST_DYING_MS = 120_000;
const PROFILE_MS = 6_000;

const CALL = /^src\/monitor\/call-monitor\./;
const CALLED = "the call of the object: its arguments and its answer";
const OBJECT = "the object: what the pulse means, and its state";
const OTHERWISE = "other JavaScript";

/** The steps of a pulse: which files they are in, of those that run within it. */
const STEPS: [step: string, files: RegExp][] = [
  ["the password", /^src\/http\/(auth|wrong-password)\./],
  ["the body: read, and parsed as JSON", /^src\/http\/(body|gunzip|form)\./],
  [CALLED, CALL],
  [OBJECT, /^src\/(monitor|storage)\//],
  // Together, since V8 makes one function of them as they get hot, and says one name.
  [
    "the handler: the schema's check, targets, the answer",
    /^(src\/(http\/(heartbeats|target|dates|sight|device|fields|schemas)\.|providers\/)|node_modules\/(zod\/|hono\/dist\/context\.))/,
  ],
  ["the way to the handler", /^(node_modules\/hono\/|src\/(app|index|config)\.|src\/http\/)/],
];

/** What pulses cost: rows, queries and calls by the tests' table, CPU time by measurement; and what that costs in dollars. */
export async function cost({ dir, print }: Run): Promise<Figures> {
  await using provider = await startProvider();
  const stateDir = join(dir, "product");
  const variables = { ...VARIABLES, DEFAULT_ALERT_TARGET: provider.url };
  const setup = { root: ROOTS.product, stateDir, variables };
  let worker = await startBare(setup);
  const send = (requests: number, request: (i: number) => Said) =>
    sendLoad({ url: worker.url, connections: 4, requests, request });
  const used = async (requests: number, request: (i: number) => Said) => {
    const beforeMs = cpuMs(worker.pid);
    const { p50Ms } = await send(requests, request);
    await delay(AFTERWARDS_MS);
    return { sumMs: cpuMs(worker.pid) - beforeMs, requests, p50Ms };
  };
  /** What changes are measured of, pass by pass: before each one all services pulse as in the pass before. */
  const usedBy = async (passes: number, request: (pass: number, i: number) => Said) => {
    const found = [];
    for (let pass = 1; pass <= passes; pass++) {
      // An object that nobody has called for a while is made anew, which costs more than what is measured here.
      await send(SERVICES, (i) => request(pass - 1, i));
      found.push(await used(SERVICES, (i) => request(pass, i)));
    }
    return {
      sumMs: found.reduce((sum, { sumMs }) => sum + sumMs, 0),
      requests: passes * SERVICES,
      p50Ms: median(found.map(({ p50Ms }) => p50Ms)),
    };
  };
  try {
    // What runs for the first time is compiled.
    await send(WARMING, (i) => said(`warm ${i}`, 3_600));
    const first = await used(SERVICES, pulseOf);
    // What is open has logs of its own beside it.
    await worker.stop();
    const bytesOf = (folder: string) => diskBytes(join(stateDir, "objects", folder)) / (WARMING + SERVICES);
    const bytes = { objectBytes: bytesOf("watchtower-ServiceMonitor"), d1Bytes: bytesOf("Database") };
    worker = await startBare(setup, { inspector: true, isMigrated: true });
    await send(SERVICES, pulseOf);
    const steady = await used(PASSES.steady * SERVICES, (i) => pulseOf(i % SERVICES));
    const alone = await sendLoad({
      url: worker.url,
      connections: 1,
      durationMs: 3_000,
      request: (i) => pulseOf(i % 200),
    });
    print(`  a steady pulse: ${(steady.sumMs / steady.requests).toFixed(2)} ms of CPU time`);
    const profile = await profileTable(worker, readFileSync(join(stateDir, "main.js"), "utf8"));
    const otherTime = await usedBy(PASSES.otherTime, (pass, i) => said(`service-${i}`, 3_600 + pass));
    const targets = (pass: number) =>
      Array.from({ length: 11 }, (_, i) => ({ type: "webhook", target: `${provider.url}/pass-${pass}/${i}` }));
    const otherTargets = await usedBy(PASSES.otherTargets, (pass, i) =>
      said(`service-${i}`, 3_600 + PASSES.otherTime, targets(pass)),
    );
    // Those that live on must be seen to do so, or it would be taken for an outage of ours.
    await send(SERVICES, (i) => said(`service-${i}`, 290));
    // Each has its own target: more than ten alerts of a minute would be kept back for a digest.
    const mortal = (i: number, nextIn: number) =>
      said(`mortal ${i}`, nextIn, [{ type: "webhook", target: `${provider.url}/mortal/${i}` }]);
    await send(MORTALS, (i) => mortal(i, 1));
    await provider.told(MORTALS, LONGEST_DYING_MS);
    await delay(AFTERWARDS_MS);
    await send(MORTALS, (i) => ({ method: "GET", path: `/heartbeat?service=mortal%20${i}`, headers: HEADERS }));
    const revived = await used(MORTALS, (i) => mortal(i, 3_600));
    const kinds: [what: string, when: string, used: typeof steady][] = [
      ["a steady one", "a pulse as promised", steady],
      ["the first of a service", "the first of a service", first],
      ["one that promises another time", "it promises another time", otherTime],
      ["one that changes all its 11 targets", "it changes 11 targets", otherTargets],
      ["one that revives, with the alert to its target", "it revives, 1 target", revived],
    ];
    return {
      tables: [
        {
          title: "What a pulse costs",
          columns: [
            "pulse",
            "D1 queries",
            "D1 rows written",
            "object calls",
            "object rows written",
            "CPU ms",
            "of so many pulses, seconds of CPU in all",
            "p50 ms",
          ],
          rows: kinds.map(([what, when, { sumMs, requests, p50Ms }]) => {
            const { queries, rowsWritten, objectCalls, objectRows } = costOf("`POST /`", when);
            const counts = [queries, rowsWritten, objectCalls, objectRows].map(String);
            const measured = `${requests.toLocaleString("en")}: ${(sumMs / 1_000).toFixed(1)}`;
            return [what, ...counts, sumMs / requests, measured, p50Ms];
          }),
        },
        profile,
        {
          title: "What a service takes on disk after its first pulse, for the bill",
          columns: ["KiB in its object", "KiB in D1"],
          rows: [[bytes.objectBytes / 1_024, bytes.d1Bytes / 1_024]],
        },
        billTable({ cpuMs: steady.sumMs / steady.requests, objectMs: alone.p50Ms, ...bytes }),
        freePlanTable(),
      ],
      ratios: {},
    };
  } finally {
    await worker.stop();
  }
}

function said(service: string, nextIn: number, targets: { type: string; target: string }[] = []): Said {
  const [main, ...alerts] = targets;
  const alert = main === undefined ? {} : { alertType: main.type, alertTarget: main.target };
  return { headers: HEADERS, body: JSON.stringify({ service, nextIn, grace: 0, ...alert, alerts }) };
}

/** Where the CPU time of a steady pulse goes: by the JavaScript that runs, and what is left of workerd's CPU time. */
async function profileTable({ url, pid, inspectorUrl }: BareWorker, script: string): Promise<Table> {
  const load = (durationMs: number) => sendLoad({ url, connections: 16, durationMs, request: (i) => pulseOf(i % 200) });
  await load(1_000);
  let [pulses, usedMs] = [0, 0];
  const profile = await profileWhile(inspectorUrl as URL, async () => {
    const beforeMs = cpuMs(pid);
    const { requests } = await load(PROFILE_MS);
    [pulses, usedMs] = [requests, cpuMs(pid) - beforeMs];
  });
  const found = microsecondsOf(profile, script, stepOf, OTHERWISE);
  found.delete(IDLE);
  const names = [...STEPS.map(([step]) => step), SET_ALARM, BETWEEN, OTHERWISE, GARBAGE];
  const rows = names.map((name): [string, number] => [name, (found.get(name) ?? 0) / pulses]);
  const inScript = rows.reduce((sum, [, us]) => sum + us, 0);
  const allUs = (usedMs * 1_000) / pulses;
  rows.push(
    ["outside of JavaScript: HTTP, the disk, the kernel, the profiler", allUs - inScript],
    ["all of it", allUs],
  );
  return {
    title: "Where it goes in a steady pulse, by a profile",
    columns: ["step, without what it waits for", "µs", "of all"],
    rows: rows
      .toSorted(([, a], [, b]) => b - a)
      .map(([step, us]) => [step, String(Math.round(us)), `${((us / allUs) * 100).toFixed(1)} %`]),
  };
}

const SET_ALARM = "the object: setAlarm";
const BETWEEN = "between the steps: the runtime passes calls and answers on";
const GARBAGE = "garbage";
const IDLE = "(idle)";
const PROGRAM = "(program)";

/** The step that a function belongs to; what serves several, such as the domain, is its caller's. */
function stepOf({ name, file }: Frame, caller: Frame | undefined): string | undefined {
  if (file === undefined) {
    if (name === "setAlarm") return SET_ALARM;
    if (name === "(garbage collector)") return GARBAGE;
    // Not JavaScript: it is in what is left of the CPU time.
    if (name === IDLE || name === PROGRAM) return IDLE;
    return name === "(root)" ? BETWEEN : undefined;
  }
  // What callMonitor is given to call is a function of its caller's file.
  if (CALL.test(caller?.file ?? "")) return CALLED;
  return STEPS.find(([, files]) => files.test(file))?.[0];
}
