import fc from "fast-check";
import { tells } from "../system/support/alerts.ts";
import { type ProviderStub, startProviderStub } from "../system/support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "../system/support/watchtower.ts";
import { judge } from "./judge.ts";
import { type Memory, memoryMeter } from "./memory.ts";
import type { Access, FuzzRequest } from "./request.ts";
import { fuzzRequests } from "./requests.ts";
import { Wire } from "./wire.ts";

/** What a run has found. */
export interface Report {
  requests: number;
  /** How often each status came, or none. */
  statuses: Record<string, number>;
  problems: string[];
  slowestMs: number;
  /** Of the Workers runtime, at every tenth of the run. */
  memory: Memory[];
}

const CONNECTIONS = 8;
const BATCH = 100;
const MOST_PROBLEMS = 20;
/** Many have fallen silent together, so that one more may be excused for a minute before it is told dead. */
const LIFE_TIMEOUT_MS = 90_000;
const PASSWORD = "fuzz-password";
const SETTINGS = {
  PASSWORD,
  PASSWORD_READ: "fuzz-reader-password",
  PULSE_KEY_SECRET: "fuzz-pulse-key-secret-fuzz-pulse-key-secret",
  PUSHOVER_TOKEN: "fuzz-pushover-token",
  MAILCHANNELS_API_KEY: "fuzz-mailchannels-key",
  MAIL_FROM: "tower@example.com",
  WEBHOOK_SECRET: "fuzz-webhook-secret",
  GRACE_SECONDS: "1",
};

/**
 * Starts a watchTower with a state of its own and sends it random requests, over several connections at once. The
 * requests are those of the seed; what they meet depends on which of them is faster.
 */
export async function fuzz(seed: number, count: number, say: (line: string) => void = () => {}): Promise<Report> {
  await using stub = await startProviderStub();
  const urls = { PUSHOVER_API_URL: `${stub.url}/pushover`, MAILCHANNELS_API_URL: `${stub.url}/mail` };
  const target = { DEFAULT_ALERT_TYPE: "webhook", DEFAULT_ALERT_TARGET: `${stub.url}/default` };
  using meter = await memoryMeter();
  await using tower = await startWatchTower({ env: { ...SETTINGS, ...urls, ...target, ...meter.env } });
  failOften(stub);
  const report: Report = { requests: 0, statuses: {}, problems: [], slowestMs: 0, memory: [] };
  const access: Access = { baseUrl: tower.baseUrl, password: PASSWORD, cookie: await logIn(tower), stubUrl: stub.url };
  const wire = new Wire(tower.baseUrl, CONNECTIONS);
  try {
    const requests = sequence(fuzzRequests(access), seed, count);
    const tenth = Math.ceil(count / 10);
    const lane = async () => {
      for (const [index, request] of requests) {
        if (report.problems.length >= MOST_PROBLEMS) return;
        await attempt(wire, request, index, report);
        if (report.requests % tenth !== 0) continue;
        const memory = await meter.measure(tower);
        report.memory.push(memory);
        say(`${report.requests} requests; ${memory.heap} MiB on heaps, ${memory.process} MiB in all`);
        // What was told is of no use any more.
        stub.requests.length = 0;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  } finally {
    wire.close();
  }
  report.problems.push(...unforeseen(tower), ...(await livesOn(tower, stub)));
  return report;
}

/** The requests of a seed, made as they are needed: some are large. */
function* sequence(requests: fc.Arbitrary<FuzzRequest>, seed: number, count: number): Generator<[number, FuzzRequest]> {
  for (let start = 0; start < count; start += BATCH) {
    const numRuns = Math.min(BATCH, count - start);
    yield* fc
      .sample(requests, { seed: seed + start, numRuns })
      .map((request, i): [number, FuzzRequest] => [start + i, request]);
  }
}

async function attempt(wire: Wire, request: FuzzRequest, index: number, report: Report): Promise<void> {
  const startedMs = performance.now();
  const result = await wire.send(request);
  const tookMs = performance.now() - startedMs;
  report.requests++;
  report.slowestMs = Math.max(report.slowestMs, Math.round(tookMs));
  const answer = result && "answer" in result ? result.answer : undefined;
  const status = answer?.status ?? "none";
  report.statuses[status] = (report.statuses[status] ?? 0) + 1;
  const found = answer ? judge(request, answer) : result && "problem" in result ? [result.problem] : [];
  if (found.length > 0)
    report.problems.push(`${found.join("; ")}\n${describe(index, request)}\n${answer?.text.slice(0, 300)}`);
}

/** A request, as somebody needs it who wants to send it again. */
function describe(index: number, { method, target, headers, body, sending }: FuzzRequest): string {
  const shown = headers.map(([name, value]) => `${name}: ${value.slice(0, 80)}`).slice(0, 12);
  const start = body && new TextDecoder().decode(body.subarray(0, 400));
  const sent = body ? `${sending}, ${body.byteLength} bytes: ${JSON.stringify(start)}` : "no body";
  return `#${index} ${method} ${target.slice(0, 400)} [${shown.join(", ")}] ${sent}`;
}

/** Providers that take only every other alert. */
function failOften(stub: ProviderStub): void {
  let count = 0;
  for (const path of ["/fuzz", "/default", "/pushover/1/messages.json", "/mail/tx/v1/send"]) {
    stub.answer(path, ({ body }) => {
      const status = [200, 400, 200, 401, 202, 302, 200, 500][count++ % 8] as number;
      return { status, body, headers: { location: `${stub.url}/followed`, "retry-after": "1" } };
    });
  }
}

async function logIn(tower: WatchTower): Promise<string> {
  const body = new URLSearchParams({ password: PASSWORD });
  const answer = await fetch(new URL("/gui/login", tower.baseUrl), { method: "POST", body, redirect: "manual" });
  return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** What the log says of failures that nobody foresaw, and secrets that it must not have. */
function unforeseen(tower: WatchTower): string[] {
  const output = tower.output();
  const failed =
    output.match(/^.*"event":"(request|alarm|prune|storage)\.failed".*$|^.*(Uncaught|uncaught).*$/gm) ?? [];
  const leaked = Object.entries(SETTINGS).filter(
    ([name, value]) => /PASSWORD|SECRET|TOKEN|KEY/.test(name) && inLog(output, value),
  );
  return [...failed.slice(0, 5), ...leaked.map(([name]) => `${name} is in the log`)];
}

/** Whether a line of the log has a text; what is said at the start has the password. */
function inLog(output: string, text: string): boolean {
  return output.split("\n").some((line) => line.startsWith("{") && line.includes(text));
}

/** A service pulses, dies and is told of: what is left of it otherwise. */
async function livesOn(tower: WatchTower, stub: ProviderStub): Promise<string[]> {
  const service = "after it all";
  stub.answer("/life", {});
  try {
    const pulse = { service, nextIn: 1, alertType: "webhook", alertTarget: `${stub.url}/life` };
    const pulsed = await tower.post("/", pulse);
    if (pulsed.status !== 200) return [`a pulse is answered ${pulsed.status} at the end`];
    await stub.waitFor(tells(service, "dead"), { timeoutMs: LIFE_TIMEOUT_MS });
    await tower.post("/", { ...pulse, nextIn: 600 });
    await stub.waitFor(tells(service, "alive"), { timeoutMs: LIFE_TIMEOUT_MS });
    if (stub.requests.some(({ path }) => path === "/followed")) return ["a redirect was followed"];
    return [];
  } catch (error) {
    return [`no alert at the end: ${String(error).slice(0, 300)}`];
  }
}
