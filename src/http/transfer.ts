import type { Hono } from "hono";
import type * as z from "zod/mini";
import { type Config, configOf, type Env } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { Event } from "../domain/event.ts";
import { CLOCK_SLACK_SECONDS } from "../domain/limits.ts";
import type { KeyGrant } from "../domain/pulse-key.ts";
import type { Service, Target } from "../domain/service.ts";
import { SECOND_MS } from "../domain/time.ts";
import { lowestUlid } from "../domain/ulid.ts";
import { callMonitor } from "../monitor/call-monitor.ts";
import { refuseTarget } from "../providers/index.ts";
import { type Database, openDatabase } from "../storage/database.ts";
import { insertEvents, listEvents } from "../storage/event-log.ts";
import {
  namesAfter,
  type RuleRow,
  rulesAfter,
  storeRules,
  storeTransitions,
  type TransitionRow,
  transitionsAfter,
} from "../storage/transfer.ts";
import { readText } from "./body.ts";
import { handOver } from "./bulk.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { LATEST_SECONDS, parseFields, readQuery } from "./fields.ts";
import { route } from "./route.ts";
import { isAdmin } from "./sight.ts";
import { type ExportedKind, exportSchema, lineSchemas } from "./transfer-schemas.ts";

/** So many services are on a page: each is asked at its object. */
const SERVICES_ON_A_PAGE = 200;
const ROWS_ON_A_PAGE = 2_000;
/** So many objects are asked at once. */
const MOST_AT_ONCE = 50;
const MOST_LINES = 1_000;
const MOST_BYTES = 1_048_576;
const MOST_SECONDS = LATEST_SECONDS;

/** What is on a page, and after what the next one begins. */
interface Page {
  lines: object[];
  next: string | undefined;
}

/** Moving to another watchTower: what is stored comes out in pages, and goes in again, as often as one likes. */
export function transferRoutes(app: Hono<AppEnv>): void {
  route(app, "/export", { GET: getExport });
  route(app, "/import", { POST: postImport });
}

async function getExport(c: AppContext): Promise<Response> {
  if (!isAdmin(c))
    throw new AppError("forbidden", "This password only reads, and an export tells where people are reached.");
  const { kind, after = "" } = parseFields(exportSchema, readQuery(c.req.url));
  if (c.env.BULK_READER) return handOver(c);
  const { lines, next } = await PAGES[kind](c.env, after);
  // The last line says that the page is whole.
  const end = { kind: "end", ...(next === undefined ? {} : { next }) };
  const body = [...lines, end].map((line) => `${JSON.stringify(line)}\n`).join("");
  return c.body(body, 200, { "Content-Type": "application/x-ndjson" });
}

const PAGES: Record<ExportedKind, (env: Env, after: string) => Promise<Page>> = {
  async services(env, after) {
    const names = await namesAfter(openDatabase(env.DB), after, SERVICES_ON_A_PAGE);
    const lines = await inWaves(names, async (service) => {
      const held = await callMonitor<Held | null>(env, service, async (monitor) => monitor.held());
      return held ? [{ kind: "service", service, ...held }] : [];
    });
    return { lines: lines.flat(), next: names.length < SERVICES_ON_A_PAGE ? undefined : names.at(-1) };
  },
  async transitions(env, after) {
    const rows = await transitionsAfter(openDatabase(env.DB), after, ROWS_ON_A_PAGE);
    return pageOf("transition", rows, rows.at(-1)?.id);
  },
  async events(env, after) {
    const range = { fromSeconds: 0, toSeconds: MOST_SECONDS };
    const request = { limit: ROWS_ON_A_PAGE, afterId: after === "" ? lowestUlid(0) : after };
    const { rows, nextId } = await listEvents(openDatabase(env.DB), range, request);
    return { lines: rows.map((row) => ({ kind: "event", ...row })), next: nextId };
  },
  async rules(env, after) {
    const rows = await rulesAfter(openDatabase(env.DB), after, ROWS_ON_A_PAGE);
    return pageOf("rule", rows, rows.at(-1)?.name);
  },
};

/** What a service's object holds of it. */
interface Held {
  state: Service;
  key?: KeyGrant;
}

function pageOf(kind: string, rows: object[], last: string | undefined): Page {
  return { lines: rows.map((row) => ({ kind, ...row })), next: rows.length < ROWS_ON_A_PAGE ? undefined : last };
}

type AnyLineSchema = (typeof lineSchemas)[keyof typeof lineSchemas];

/** The lines of an import, by their kind. */
interface Lines {
  service: ({ service: string } & Held)[];
  transition: TransitionRow[];
  event: Event[];
  rule: RuleRow[];
}

async function postImport(c: AppContext): Promise<Response> {
  if (c.env.BULK_READER) return handOver(c);
  const { lines, refused } = readLines(await readText(c.req.raw, MOST_BYTES), configOf(c.env));
  const db = openDatabase(c.env.DB);
  // The services come last: when they begin to be waited for, their past is there.
  const stored = await storeRows(db, lines);
  const adopted = await inWaves(lines.service, ({ service, state, key }) =>
    callMonitor(c.env, service, (monitor) => monitor.adopt(state, key)),
  );
  return c.json({ result: 200, news: stored + adopted.filter(Boolean).length, refused });
}

/** @returns how many rows were not there yet, or older */
async function storeRows(db: Database, { event, transition, rule }: Lines): Promise<number> {
  const [first, ...rest] = [
    ...(event.length > 0 ? [insertEvents(db, event)] : []),
    ...(transition.length > 0 ? [storeTransitions(db, transition)] : []),
    ...(rule.length > 0 ? [storeRules(db, rule)] : []),
  ];
  if (!first) return 0;
  const results = await db.batch([first, ...rest]);
  return results.reduce((sum, { meta }) => sum + meta.changes, 0);
}

function readLines(text: string, config: Config): { lines: Lines; refused: { index: number; hint: string }[] } {
  const given = text.split("\n").filter((line) => line.trim() !== "");
  if (given.length > MOST_LINES) throw new AppError("too_large", `There must not be more than ${MOST_LINES} lines.`);
  const lines: Lines = { service: [], transition: [], event: [], rule: [] };
  const refused: { index: number; hint: string }[] = [];
  given.forEach((line, index) => {
    try {
      const parsed = parseLine(line);
      for (const target of targetsOf(parsed)) {
        const refusal = refuseTarget(target, config);
        if (refusal) throw new AppError("invalid_input", refusal);
      }
      refuseFuture(parsed);
      (lines[parsed.kind] as unknown[]).push(parsed);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refused.push({ index, hint: error.message });
    }
  });
  return { lines, refused };
}

function parseLine(line: string) {
  let fields: { kind?: unknown };
  try {
    fields = JSON.parse(line);
  } catch {
    throw new AppError("invalid_input", "The line is not valid JSON.");
  }
  const kind = fields?.kind;
  if (typeof kind !== "string" || !Object.hasOwn(lineSchemas, kind)) {
    throw new AppError("invalid_input", `kind must be one of ${Object.keys(lineSchemas).join(", ")}.`);
  }
  return parseFields(lineSchemas[kind as keyof Lines] as z.ZodMiniType<z.output<AnyLineSchema>>, fields);
}

/** A pulse that is still to come would keep a service alive until then. */
function refuseFuture(line: z.output<AnyLineSchema>): void {
  if (line.kind !== "service") return;
  const latestMs = Date.now() + CLOCK_SLACK_SECONDS * SECOND_MS;
  for (const name of ["lastMs", "sinceMs"] as const) {
    if (line.state[name] > latestMs) {
      throw new AppError("invalid_input", `${name} must be at most ${CLOCK_SLACK_SECONDS / 60} minutes ahead.`);
    }
  }
}

/** Whom a line has told: where that is refused to a pulse it is refused here. */
function targetsOf(line: z.output<AnyLineSchema>): Target[] {
  if (line.kind === "service") return line.state.targets;
  return line.kind === "rule" ? [{ type: line.alertType, target: line.alertTarget }] : [];
}

/** Does something for each of many, not for all at once. */
async function inWaves<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += MOST_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(i, i + MOST_AT_ONCE).map(work))));
  }
  return results;
}
