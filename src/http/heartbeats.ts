import type { Hono } from "hono";
import * as z from "zod/mini";
import { type Config, configOf, LONGEST_GRACE_SECONDS } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { Pulse, Target } from "../domain/service.ts";
import { expectedOf, type Snapshot } from "../domain/snapshot.ts";
import { SECOND_MS, toSeconds } from "../domain/time.ts";
import { refuseTarget, warnOfTarget } from "../providers/index.ts";
import { openDatabase } from "../storage/database.ts";
import { findService } from "../storage/directory.ts";
import { readFields } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { type DateWriter, dateWriter } from "./dates.ts";
import { boolean, humanDates, number, parseFields, readQuery, serviceName, text } from "./fields.ts";
import { listHeartbeats } from "./heartbeat-list.ts";
import { callMonitor } from "./monitors.ts";
import { route } from "./route.ts";

/** 366 days, in seconds. */
const LONGEST_NEXT_IN_SECONDS = 31_622_400;
/** How far ahead a pause may end, in seconds: 30 days. */
const LONGEST_PAUSE_SECONDS = 2_592_000;
const MOST_FURTHER_TARGETS = 10;
/** What a target may have at most: mail addresses of a whole team, or a long URL. */
const MOST_TARGET_CHARACTERS = 2_000;

const NEXT_IN_HINT = `nextIn must be a number of seconds from 1 to ${LONGEST_NEXT_IN_SECONDS}.`;
const GRACE_HINT = `grace must be a number of seconds from 0 to ${LONGEST_GRACE_SECONDS}.`;
const REMIND_HINT = `remindEvery must be 0 or a number of seconds from 60 to ${LONGEST_NEXT_IN_SECONDS}.`;
const PAUSE_HINT = "pauseUntil must be a date in seconds since the epoch, at most 30 days ahead.";
const ALERTS_HINT = `alerts must be a list of at most ${MOST_FURTHER_TARGETS} targets, each {"type","target"}, both strings, target of 1 to ${MOST_TARGET_CHARACTERS} characters.`;
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

function targetText(hint: string) {
  return text(hint).check(z.minLength(1, hint), z.maxLength(MOST_TARGET_CHARACTERS, hint));
}

const pulseSchema = z.object({
  service: serviceName,
  nextIn: seconds(NEXT_IN_HINT, 1, LONGEST_NEXT_IN_SECONDS),
  grace: z.optional(seconds(GRACE_HINT, 0, LONGEST_GRACE_SECONDS)),
  remindEvery: z.optional(
    seconds(REMIND_HINT, 0, LONGEST_NEXT_IN_SECONDS).check(
      z.refine((value: number) => value === 0 || value >= 60, REMIND_HINT),
    ),
  ),
  pauseUntil: z.optional(seconds(PAUSE_HINT, 0, Number.MAX_SAFE_INTEGER)),
  alertType: z.optional(text(ALERT_TYPE_HINT)),
  alertTarget: z.optional(targetText(ALERT_TARGET_HINT)),
  alerts: z.optional(
    z
      .array(z.object({ type: text(ALERTS_HINT), target: targetText(ALERTS_HINT) }, ALERTS_HINT), ALERTS_HINT)
      .check(z.maxLength(MOST_FURTHER_TARGETS, ALERTS_HINT)),
  ),
});
const cancelSchema = z.object({
  service: serviceName,
  forget: z._default(z.optional(boolean("forget must be true or false.")), false),
});
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
  const pulse = pulseOf(said, config);
  const snapshot = await callMonitor(c.env, said.service, (monitor) => monitor.pulse(pulse));
  const warnings = warningsOf(snapshot, config);
  return c.json({
    result: 200,
    action: "pulse",
    heartBeat: heartBeat(snapshot, (seconds) => seconds),
    ...(warnings.length > 0 ? { warnings } : {}),
  });
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

function pulseOf(said: z.output<typeof pulseSchema>, config: Config): Pulse {
  const pulse: Pulse = { nextInSeconds: said.nextIn, target: targetOf(said, config) };
  if (said.grace !== undefined) pulse.graceSeconds = said.grace;
  if (said.remindEvery !== undefined) pulse.remindEverySeconds = said.remindEvery;
  if (said.pauseUntil !== undefined) {
    const latest = toSeconds(Date.now()) + LONGEST_PAUSE_SECONDS;
    if (said.pauseUntil > latest) throw new AppError("invalid_input", PAUSE_HINT);
    pulse.pauseUntilMs = said.pauseUntil * SECOND_MS;
  }
  if (said.alerts !== undefined) {
    pulse.furtherTargets = said.alerts.map((target, i) => accepted(target, config, (hint) => ofFurther(i, hint)));
  }
  return pulse;
}

function accepted(target: Target, config: Config, hintOf = (refusal: string) => refusal): Target {
  const refusal = refuseTarget(target, config);
  if (refusal) throw new AppError("invalid_input", hintOf(refusal));
  return target;
}

/** Where a pulse's alerts go: both fields are given, or neither, and then there is a default. */
function targetOf(said: { alertType?: string | undefined; alertTarget?: string | undefined }, config: Config): Target {
  const { alertType: type, alertTarget: target } = said;
  if (type !== undefined && target !== undefined) return accepted({ type, target }, config);
  if (type !== undefined || target !== undefined) {
    throw new AppError("invalid_input", "alertType and alertTarget must be given together.");
  }
  if (config.defaultTarget) return config.defaultTarget;
  throw new AppError("invalid_input", "alertType and alertTarget are missing, and no default alert is configured.");
}

async function deleteHeartbeat(c: AppContext): Promise<Response> {
  const { service, forget } = parseFields(cancelSchema, await readFields(c.req.raw));
  const snapshot = await callMonitor(c.env, service, (monitor) => (forget ? monitor.forget() : monitor.cancel()));
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
  const { service, status, since, last, nextIn, grace, graceIsOwn, remindEvery, pauseUntil, targets, asOf } = snapshot;
  const [main, ...alerts] = targets;
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
