import type { Hono } from "hono";
import * as z from "zod/mini";
import { type Config, configOf, LONGEST_GRACE_SECONDS } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { Pulse, Target } from "../domain/service.ts";
import { expectedOf, type Snapshot } from "../domain/snapshot.ts";
import { refuseTarget, warnOfTarget } from "../providers/index.ts";
import { openDatabase } from "../storage/database.ts";
import { findService } from "../storage/directory.ts";
import { readFields } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { type DateWriter, dateWriter } from "./dates.ts";
import { humanDates, number, parseFields, readQuery, serviceName, text } from "./fields.ts";
import { listHeartbeats } from "./heartbeat-list.ts";
import { callMonitor } from "./monitors.ts";
import { route } from "./route.ts";

/** 366 days, in seconds. */
const LONGEST_NEXT_IN_SECONDS = 31_622_400;
/** What a target may have at most: mail addresses of a whole team, or a long URL. */
const MOST_TARGET_CHARACTERS = 2_000;

const NEXT_IN_HINT = `nextIn must be a number of seconds from 1 to ${LONGEST_NEXT_IN_SECONDS}.`;
const GRACE_HINT = `grace must be a number of seconds from 0 to ${LONGEST_GRACE_SECONDS}.`;
const ALERT_TYPE_HINT = "alertType must be a string.";
const ALERT_TARGET_HINT = `alertTarget must be a string of 1 to ${MOST_TARGET_CHARACTERS} characters.`;

/** Seconds are rounded up: who promises 1.5 s shall not be dead before. */
function seconds(hint: string, least: number, most: number) {
  const rounded = z.pipe(
    number(hint).check(z.gte(0, hint)),
    z.transform((seconds: number) => Math.ceil(seconds)),
  );
  return z.pipe(rounded, z.number(hint).check(z.gte(least, hint), z.lte(most, hint)));
}

const pulseSchema = z.object({
  service: serviceName,
  nextIn: seconds(NEXT_IN_HINT, 1, LONGEST_NEXT_IN_SECONDS),
  grace: z.optional(seconds(GRACE_HINT, 0, LONGEST_GRACE_SECONDS)),
  alertType: z.optional(text(ALERT_TYPE_HINT)),
  alertTarget: z.optional(
    text(ALERT_TARGET_HINT).check(
      z.minLength(1, ALERT_TARGET_HINT),
      z.maxLength(MOST_TARGET_CHARACTERS, ALERT_TARGET_HINT),
    ),
  ),
});
const cancelSchema = z.object({ service: serviceName });
const oneSchema = z.object({ service: serviceName, humanDates });
const listSchema = z.object({ humanDates });

/** Pulse, cancel, list and one, in all the spellings of the original. */
export function heartbeatRoutes(app: Hono<AppEnv>): void {
  route(app, "/", { GET: listOrGui, POST: postPulse, DELETE: deleteHeartbeat });
  route(app, "/heartbeat", { GET: getByQuery, POST: postPulse, DELETE: deleteHeartbeat });
  route(app, "/heartbeats", { GET: getList });
  // Not `.+`, which stops at the line separators that a name may hold.
  route(app, "/heartbeat/:name{[^]+}", { GET: getByPath });
  route(app, "/get/:name{[^]+}", { GET: getByPath });
}

async function postPulse(c: AppContext): Promise<Response> {
  const config = configOf(c.env);
  const said = parseFields(pulseSchema, await readFields(c.req.raw));
  const target = targetOf(said, config);
  const pulse: Pulse = { nextInSeconds: said.nextIn, targets: [target] };
  if (said.grace !== undefined) pulse.graceSeconds = said.grace;
  const snapshot = await callMonitor(c.env, said.service, (monitor) => monitor.pulse(pulse));
  const warnings = warnOfTarget(target, config);
  return c.json({
    result: 200,
    action: "pulse",
    heartBeat: heartBeat(snapshot, (seconds) => seconds),
    ...(warnings.length > 0 ? { warnings } : {}),
  });
}

/** Where a pulse's alerts go: both fields are given, or neither, and then there is a default. */
function targetOf(said: { alertType?: string | undefined; alertTarget?: string | undefined }, config: Config): Target {
  const { alertType: type, alertTarget: target } = said;
  if (type !== undefined && target !== undefined) {
    const refusal = refuseTarget({ type, target }, config);
    if (refusal) throw new AppError("invalid_input", refusal);
    return { type, target };
  }
  if (type !== undefined || target !== undefined) {
    throw new AppError("invalid_input", "alertType and alertTarget must be given together.");
  }
  if (config.defaultTarget) return config.defaultTarget;
  throw new AppError("invalid_input", "alertType and alertTarget are missing, and no default alert is configured.");
}

async function deleteHeartbeat(c: AppContext): Promise<Response> {
  const { service } = parseFields(cancelSchema, await readFields(c.req.raw));
  const snapshot = await callMonitor(c.env, service, (monitor) => monitor.cancel());
  const shown = snapshot ? heartBeat(snapshot, (seconds) => seconds) : service;
  return c.json({ result: 200, action: "cancel", heartBeat: shown });
}

async function getList(c: AppContext): Promise<Response> {
  const { humanDates } = parseFields(listSchema, readQuery(c.req.url));
  const writeDate = dateWriter(humanDates, configOf(c.env));
  const snapshots = await listHeartbeats(c.env, Date.now());
  return c.json({ result: 200, heartBeats: snapshots.map((snapshot) => heartBeat(snapshot, writeDate)) });
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
  const { service, humanDates } = parseFields(oneSchema, fields);
  // Asked first whether there is one, so that reading never makes an object.
  const isKnown = await findService(openDatabase(c.env.DB), service);
  const snapshot = isKnown && (await callMonitor(c.env, service, (monitor) => monitor.snapshot()));
  if (!snapshot) throw new AppError("not_found", "There is no service of this name.");
  return c.json({ result: 200, heartBeat: heartBeat(snapshot, dateWriter(humanDates, configOf(c.env))) });
}

/** A service as the wire has it. */
function heartBeat(snapshot: Snapshot, writeDate: DateWriter) {
  const { service, status, since, last, nextIn, grace, graceIsOwn, targets, asOf } = snapshot;
  return {
    service,
    alertType: targets[0]?.type,
    alertTarget: targets[0]?.target,
    nextIn,
    last: writeDate(last),
    expected: writeDate(expectedOf(snapshot)),
    alerted: status === "dead",
    cancelled: status === "cancelled",
    status,
    since: writeDate(since),
    asOf: writeDate(asOf),
    ...(graceIsOwn ? { grace } : {}),
  };
}
