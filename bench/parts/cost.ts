import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startBare } from "../bare.ts";
import { billTable, costOf, freePlanTable } from "../bill.ts";
import type { Said } from "../client.ts";
import type { Figures, Run, Table } from "../figures.ts";
import { sendLoad } from "../load.ts";
import { hotFunctions, profileWhile } from "../profile.ts";
import { cpuMs, diskBytes, HEADERS, ROOTS, VARIABLES } from "../worker.ts";
import { pulseOf } from "./pulses.ts";

const SERVICES = 1_000;
const MORTALS = 90;
/** What a pulse causes goes on after its answer. */
const AFTERWARDS_MS = 3_000;
const LONGEST_DYING_MS = 90_000;

/** What of a steady pulse is looked at in its profile: the names of the functions that do it, and what that is. */
const STEPS: [what: string, ...names: string[]][] = [
  ["the password", "requirePassword", "callerOf", "passwordOf"],
  ["the body", "readFields"],
  ["the schema", "parseFields"],
  ["the call of the object", "callMonitor"],
  ["the object: all", "pulse"],
  ["the object: setAlarm", "setAlarm"],
  ["the answer", "json"],
];

/** What pulses cost: rows, queries and calls by the tests' table, CPU time by measurement; and what that costs in dollars. */
export async function cost({ dir, print }: Run): Promise<Figures> {
  await using provider = await startProvider();
  const stateDir = join(dir, "product");
  const variables = { ...VARIABLES, DEFAULT_ALERT_TARGET: provider.url };
  const worker = await startBare({ root: ROOTS.product, stateDir, variables }, { inspector: true });
  const used = async (requests: number, request: (i: number) => Said) => {
    const beforeMs = cpuMs(worker.pid);
    const { p50Ms } = await sendLoad({ url: worker.url, connections: 4, requests, request });
    await delay(AFTERWARDS_MS);
    return { cpuMs: (cpuMs(worker.pid) - beforeMs) / requests, p50Ms };
  };
  try {
    const emptyBytes = diskBytes(join(stateDir, "objects"));
    // What runs for the first time is compiled.
    await used(300, (i) => said(`warm ${i}`, 3_600));
    const first = await used(SERVICES, pulseOf);
    const bytes = (diskBytes(join(stateDir, "objects")) - emptyBytes) / (SERVICES + 300);
    const steady = await used(20 * SERVICES, (i) => pulseOf(i % SERVICES));
    const alone = await sendLoad({
      url: worker.url,
      connections: 1,
      durationMs: 3_000,
      request: (i) => pulseOf(i % 200),
    });
    print(`  a steady pulse: ${steady.cpuMs.toFixed(2)} ms of CPU time`);
    const profile = await profileWhile(worker.inspectorUrl as URL, () =>
      sendLoad({ url: worker.url, connections: 16, durationMs: 5_000, request: (i) => pulseOf(i % 200) }),
    );
    const otherTime = await used(SERVICES, (i) => said(`service-${i}`, 3_601));
    const otherTarget = await used(SERVICES, (i) => said(`service-${i}`, 3_601, `${provider.url}/other`));
    // Those that live on must be seen to do so, or it would be taken for an outage of ours.
    await used(SERVICES, (i) => said(`service-${i}`, 290));
    await used(MORTALS, (i) => said(`mortal ${i}`, 1));
    await provider.told(MORTALS, LONGEST_DYING_MS);
    await delay(AFTERWARDS_MS);
    const revived = await used(MORTALS, (i) => said(`mortal ${i}`, 3_600));
    const kinds: [what: string, when: string, used: { cpuMs: number; p50Ms: number }][] = [
      ["a steady one", "a pulse as promised", steady],
      ["the first of a service", "the first of a service", first],
      ["one that promises another time", "it promises another time", otherTime],
      ["one that changes its target", "it changes 11 targets", otherTarget],
      ["one that revives, with its alert", "it revives, 1 target", revived],
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
            "p50 ms",
          ],
          rows: kinds.map(([what, when, { cpuMs, p50Ms }]) => {
            const { queries, rowsWritten, objectCalls, objectRows } = costOf("`POST /`", when);
            return [what, ...[queries, rowsWritten, objectCalls, objectRows].map(String), cpuMs, p50Ms];
          }),
        },
        profileTable(profile, steady.cpuMs),
        billTable({ cpuMs: steady.cpuMs, objectMs: alone.p50Ms, diskBytes: bytes }),
        freePlanTable(),
      ],
      ratios: {},
    };
  } finally {
    await worker.stop();
  }
}

function said(service: string, nextIn: number, target?: string): Said {
  const alert = target === undefined ? {} : { alertType: "webhook", alertTarget: target };
  return { headers: HEADERS, body: JSON.stringify({ service, nextIn, grace: 0, ...alert }) };
}

/** Where the CPU time of a steady pulse goes, as far as it is JavaScript. */
function profileTable(profile: Parameters<typeof hotFunctions>[0], cpuMs: number): Table {
  const hot = hotFunctions(profile);
  const shareOf = (wanted: (name: string) => boolean, by: "self" | "total") =>
    hot.filter(({ name }) => wanted(name)).reduce((most, one) => Math.max(most, one[by]), 0);
  const busy = 1 - shareOf((name) => name.startsWith("(idle)"), "self");
  const usOf = (share: number) => String(Math.round((share / busy) * cpuMs * 1_000));
  const rows = STEPS.map(([what, ...names]) => [
    what,
    usOf(shareOf((name) => names.includes(name.replace(/:\d+$/, "")), "total")),
  ]);
  for (const [name, what] of [
    ["(program)", "the runtime outside of JavaScript"],
    ["(garbage collector)", "garbage"],
  ] as const) {
    rows.push([what, usOf(shareOf((found) => found.startsWith(name), "self"))]);
  }
  return { title: "Where it goes in a steady pulse, by a profile", columns: ["step, with what it calls", "µs"], rows };
}

/** A provider that takes every alert, and counts the deaths. */
async function startProvider() {
  let deaths = 0;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { kind, alerts } = JSON.parse(body) as { kind: string; alerts?: { kind: string }[] };
    deaths += (alerts ?? [{ kind }]).filter((alert) => alert.kind === "dead").length;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async told(count: number, withinMs: number) {
      for (const endMs = Date.now() + withinMs; deaths < count; await delay(100)) {
        if (Date.now() > endMs) throw new Error(`Only ${deaths} of ${count} deaths were told.`);
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
