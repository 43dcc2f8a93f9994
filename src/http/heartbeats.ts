import type { Hono } from "hono";
import type * as z from "zod/mini";
import { type Config, configOf } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { LONGEST_PAUSE_SECONDS } from "../domain/limits.ts";
import type { ByKey, DevicePulse } from "../domain/pulse-key.ts";
import type { Pulse } from "../domain/service.ts";
import { expectedOf, type Snapshot } from "../domain/snapshot.ts";
import { SECOND_MS, toSeconds } from "../domain/time.ts";
import { callMonitor } from "../monitor/call-monitor.ts";
import { warnOfTarget } from "../providers/index.ts";
import { openDatabase } from "../storage/database.ts";
import { findService } from "../storage/directory.ts";
import { readFields } from "./body.ts";
import { handOver, IN_A_REQUEST } from "./bulk.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { type DateWriter, dateWriter } from "./dates.ts";
import { deviceOn, outcomeOf, PULSES_ONLY } from "./device.ts";
import { parseFields, readQuery } from "./fields.ts";
import { listHeartbeats } from "./heartbeat-list.ts";
import { route } from "./route.ts";
import { cancelSchema, heartbeatSchema, heartbeatsSchema, PAUSE_HINT, pulseSchema } from "./schemas.ts";
import { seenService } from "./sight.ts";
import { acceptedTarget, defaultTarget, namedTarget } from "./target.ts";

/** Pulse, cancel, list and one, in all the spellings of the original. */
export function heartbeatRoutes(app: Hono<AppEnv>): void {
  route(app, "/", { GET: listOrGui, POST: postPulse, DELETE: deleteHeartbeat });
  route(app, "/heartbeat", { GET: getByQuery, POST: postPulse, DELETE: deleteHeartbeat });
  route(app, "/heartbeats", { GET: getList });
  // Not `.+`, which stops at the line separators that a name may hold.
  route(app, "/heartbeat/:name{[^]+}", { GET: getByPath });
  route(app, "/get/:name{[^]+}", { GET: getByPath });
}

/** Takes a pulse. */
export async function postPulse(c: AppContext): Promise<Response> {
  const config = configOf(c.env);
  const said = parseFields(pulseSchema, await readFields(c.req.raw));
  const snapshot = await pulse(c, said, config);
  const warnings = warningsOf(snapshot, config);
  return c.json({
    result: 200,
    action: "pulse",
    heartBeat: heartBeat(c, snapshot, (seconds) => seconds),
    ...(warnings.length > 0 ? { warnings } : {}),
  });
}

async function pulse(c: AppContext, said: z.output<typeof pulseSchema>, config: Config): Promise<Snapshot> {
  const { service } = said;
  const device = deviceOn(c, service);
  const target = namedTarget(said, config);
  const pulse: DevicePulse = { ...settingsOf(said, config), ...(target && { target }) };
  if (device) {
    const answer = await callMonitor<ByKey<Snapshot>>(c.env, service, async (monitor) =>
      monitor.pulseByKey(device.version, pulse),
    );
    return outcomeOf(c, answer);
  }
  const whole: Pulse = { ...pulse, target: target ?? defaultTarget(config) };
  return callMonitor(c.env, service, (monitor) => monitor.pulse(whole));
}

/** What is dubious about the targets, as sentences that name each as the answer does. */
function warningsOf({ targets: [main, ...further] }: Snapshot, config: Config): string[] {
  const warnings = [
    ...(main ? warnOfTarget(main, config) : []),
    ...further.flatMap((target, i) => warnOfTarget(target, config).map((warning) => ofFurther(i, warning))),
  ];
  return [...new Set(warnings)];
}

/** Says of a further target what was said of the main one. */
function ofFurther(index: number, sentence: string): string {
  return sentence.replaceAll("alertType", `alerts[${index}].type`).replaceAll("alertTarget", `alerts[${index}].target`);
}

function settingsOf(said: z.output<typeof pulseSchema>, config: Config): Omit<Pulse, "target"> {
  const pulse: Omit<Pulse, "target"> = { nextInSeconds: said.nextIn };
  if (said.grace !== undefined) pulse.graceSeconds = said.grace;
  if (said.remindEvery !== undefined) pulse.remindEverySeconds = said.remindEvery;
  if (said.pauseUntil !== undefined) {
    const latest = toSeconds(Date.now()) + LONGEST_PAUSE_SECONDS;
    if (said.pauseUntil > latest) throw new AppError("invalid_input", PAUSE_HINT);
    pulse.pauseUntilMs = said.pauseUntil * SECOND_MS;
  }
  if (said.alerts !== undefined) {
    pulse.furtherTargets = said.alerts.map((target, i) => acceptedTarget(target, config, (hint) => ofFurther(i, hint)));
  }
  return pulse;
}

async function deleteHeartbeat(c: AppContext): Promise<Response> {
  const { service, forget } = parseFields(cancelSchema, await readFields(c.req.raw));
  const snapshot = await cancel(c, service, forget);
  const shown = snapshot ? heartBeat(c, snapshot, (seconds) => seconds) : service;
  return c.json({ result: 200, action: "cancel", heartBeat: shown });
}

async function cancel(c: AppContext, service: string, forget: boolean): Promise<Snapshot | null> {
  const device = deviceOn(c, service);
  if (!device) return callMonitor(c.env, service, (monitor) => (forget ? monitor.forget() : monitor.cancel()));
  if (forget) throw new AppError("forbidden", PULSES_ONLY);
  const answer = await callMonitor<ByKey<Snapshot | null>>(c.env, service, async (monitor) =>
    monitor.cancelByKey(device.version),
  );
  return outcomeOf(c, answer);
}

async function getList(c: AppContext): Promise<Response> {
  const { humanDates } = parseFields(heartbeatsSchema, readQuery(c.req.url));
  const writeDate = dateWriter(humanDates, configOf(c.env));
  const snapshots = await listHeartbeats(c.env, Date.now(), IN_A_REQUEST.services);
  if (!snapshots) return handOver(c);
  return c.json({ result: 200, heartBeats: snapshots.map((snapshot) => heartBeat(c, snapshot, writeDate)) });
}

/** A browser without the password was let through to here only to be shown the way. */
async function listOrGui(c: AppContext): Promise<Response> {
  return isBrowserVisit(c) ? c.redirect("/gui") : getList(c);
}

/** Whether somebody typed our address into a browser. */
export function isBrowserVisit(c: AppContext): boolean {
  const { path, method } = c.req;
  if (path !== "/" || (method !== "GET" && method !== "HEAD")) return false;
  if (c.req.header("password") !== undefined || c.req.header("authorization") !== undefined) return false;
  return c.req.header("accept")?.includes("text/html") ?? false;
}

function getByQuery(c: AppContext): Promise<Response> {
  return getOne(c, readQuery(c.req.url));
}

function getByPath(c: AppContext): Promise<Response> {
  // The raw path: a router's own decoding may not tell `%2F` from `/`, or `%2541` from `%41`.
  const encoded = new URL(c.req.url).pathname.replace(/^\/[^/]*\//, "");
  let service: string;
  try {
    service = decodeURIComponent(encoded);
  } catch {
    throw new AppError("invalid_input", "service must be percent-encoded UTF-8 in the path.");
  }
  return getOne(c, { ...readQuery(c.req.url), service });
}

async function getOne(c: AppContext, fields: Record<string, unknown>): Promise<Response> {
  const { service, humanDates } = parseFields(heartbeatSchema, fields);
  // Asked first whether there is one, so that reading never makes an object.
  const isKnown = await findService(openDatabase(c.env.DB), service);
  const snapshot = isKnown && (await callMonitor(c.env, service, (monitor) => monitor.snapshot()));
  if (!snapshot) throw new AppError("not_found", "There is no service of this name.");
  return c.json({ result: 200, heartBeat: heartBeat(c, snapshot, dateWriter(humanDates, configOf(c.env))) });
}

/** A service as the wire has it. */
function heartBeat(c: AppContext, snapshot: Snapshot, writeDate: DateWriter) {
  const { service, status, since, last, nextIn, grace, graceIsOwn, remindEvery, pauseUntil, asOf } = snapshot;
  const [main, ...alerts] = seenService(c, snapshot).targets;
  return {
    service,
    alertType: main?.type,
    alertTarget: main?.target,
    nextIn,
    last: writeDate(last),
    expected: writeDate(expectedOf(snapshot)),
    alerted: status === "dead",
    cancelled: status === "cancelled",
    status,
    since: writeDate(since),
    asOf: writeDate(asOf),
    ...(graceIsOwn ? { grace } : {}),
    ...(remindEvery > 0 ? { remindEvery } : {}),
    ...(pauseUntil !== undefined && pauseUntil > asOf ? { pauseUntil: writeDate(pauseUntil) } : {}),
    ...(alerts.length > 0 ? { alerts } : {}),
  };
}
