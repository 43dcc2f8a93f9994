import { DurableObject } from "cloudflare:workers";
import { configOf, type Env } from "../config.ts";
import { type Budget, budgetMessage, type Resting, restUntilMs, type Spent, spend } from "../domain/budget.ts";
import type { Event } from "../domain/event.ts";
import { ERROR_LEVEL, WARNING_LEVEL } from "../domain/level.ts";
import {
  isBurst,
  judgeSilence,
  LATEST_ALARM_MS,
  type OutageSign,
  outageMessage,
  SILENCE_WINDOW_MS,
  type SilenceAnswer,
  waitOf,
} from "../domain/outage.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { formatDate, HOUR_MS, MINUTE_MS, SECOND_MS, toSeconds } from "../domain/time.ts";
import { ulid } from "../domain/ulid.ts";
import { errorText, log } from "../log.ts";
import { countStuckOnCredentials, listOwing } from "../storage/alert-log.ts";
import { type Database, openDatabase } from "../storage/database.ts";
import { countDue, listUntrusted } from "../storage/directory.ts";
import { insertEvents } from "../storage/event-log.ts";
import { askServices } from "./ask-services.ts";
import { wakeBuffers } from "./buffers.ts";
import { callMonitor } from "./call-monitor.ts";
import { Silences } from "./silences.ts";

/** There is one for all services. */
export const SENTINEL_NAME = "sentinel";
/** The service in whose name watchTower speaks of itself. */
const OWN_SERVICE = "watchTower";

/** Signs that are no further apart than this are of one outage, of which is told once. */
const SAME_OUTAGE_MS = 30 * MINUTE_MS;
/** One that goes on is told again after so long. */
const TOLD_AGAIN_MS = HOUR_MS;
/** How many services are due changes slowly, and to count them reads the whole directory. */
const COUNT_FOR_MS = 30 * SECOND_MS;
/** A crash forgets the silences of so long. */
const SAVE_AFTER_MS = SECOND_MS;
/** So many rows does a sweep ask about; the next one goes on. */
const MOST_SWEPT = 200;
/** An alert is tried once an hour at least: one that was not for so long may have lost its alarm. */
const OWING_FOR_MS = 2 * HOUR_MS;
/** So many objects are asked at once. */
const MOST_AT_ONCE = 50;
/** After a sweep an alarm is set so far ahead: it proves to the next one that alarms work. */
const PROOF_AFTER_MS = MINUTE_MS;
const WATCHDOG_TIMEOUT_MS = 10 * SECOND_MS;
const MOST_NAMED = 20;

/** What is known of an outage of ours. */
interface Outage {
  sinceMs: number;
  /** The latest sign of it. */
  lastMs: number;
  /** When it was told last. */
  toldMs: number;
}

/** An alarm that was set to see whether it comes. */
interface Proof {
  dueMs: number;
  firedMs?: number;
}

/**
 * Sees what no service's object can see alone: that many fall silent together, that rows of the directory can't be
 * believed, that watchTower itself works. It decides about no service: it says what it sees, and the objects decide.
 */
export class Sentinel extends DurableObject<Env> {
  readonly #db: Database;
  readonly #silences: Silences;
  #isSaving = false;
  /** How many had to pulse, at a moment: those that were alive, and those that had died within the window. */
  #due: { atMs: number; count: Promise<number> } | undefined;
  #outage: Outage | undefined;
  #budget: Budget | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#db = openDatabase(env.DB);
    this.#silences = new Silences(ctx.storage.kv.get<[number, number][]>("silences"));
    this.#outage = ctx.storage.kv.get<Outage>("outage");
    this.#budget = ctx.storage.kv.get<Budget>("budget");
  }

  /**
   * A service is about to die. Returns whose silence it is, and how long it waits, in its turn where they are very many.
   * @param mayWait whether it may be told to wait: who has waited is told "perhaps" no more, and has had its turn
   */
  async fallsSilent(service: string, sinceMs: number, mayWait: boolean): Promise<SilenceAnswer> {
    const nowMs = Date.now();
    const silent = this.#silences.note(service, nowMs);
    this.#saveSoon();
    // Few are not many, however few were due; without the count it is not known what is half.
    if (judgeSilence(silent, 0) === "own") return { verdict: "own", waitMs: 0 };
    const verdict = judgeSilence(silent, await this.#countDue(nowMs));
    if (verdict === "ours") {
      const noticed = this.noticeOutage("silence", sinceMs);
      this.ctx.waitUntil(noticed.catch((error) => log("error", "outage.failed", { error: errorText(error) })));
    }
    if (verdict === "own" || !mayWait) return { verdict: verdict === "ours" ? verdict : "own", waitMs: 0 };
    const turnMs = isBurst(silent) ? this.#silences.turnMs(service, nowMs) : 0;
    return { verdict, waitMs: waitOf(verdict, silent, turnMs) };
  }

  /** An object has excused its service. Of an outage is told once, at its first sign. */
  async noticeOutage(sign: OutageSign, sinceMs: number): Promise<void> {
    const nowMs = Date.now();
    const before = this.#outage;
    if (before && nowMs - before.lastMs <= SAME_OUTAGE_MS && nowMs - before.toldMs < TOLD_AGAIN_MS) {
      // Not each sign is stored: there may be thousands.
      if (nowMs - before.lastMs > MINUTE_MS) this.#keepOutage({ ...before, lastMs: nowMs });
      return;
    }
    // Signs that come while this one is told must not be told, too.
    this.#outage = { sinceMs, lastMs: nowMs, toldMs: nowMs };
    try {
      const { timeZone } = configOf(this.env);
      await this.#tell(outageMessage(sign, `${formatDate(sinceMs, timeZone)} ${timeZone}`), nowMs);
    } catch (error) {
      this.#outage = before;
      throw error;
    }
    this.#keepOutage({ sinceMs, lastMs: nowMs, toldMs: nowMs });
    log("error", "outage.noticed", { sign });
  }

  /**
   * Repairs what the directory says of services that should have been heard of, which also sets alarms again that the
   * platform has lost; then, if everything works from end to end, calls the watchdog.
   */
  async sweep(): Promise<void> {
    const nowMs = Date.now();
    const problems: string[] = [];
    const check = async (what: string, isWell: () => Promise<boolean>) => {
      const verdict = await isWell().catch((error) => {
        log("error", "sweep.failed", { what, error: errorText(error) });
        return false;
      });
      if (!verdict) problems.push(what);
    };
    await check("directory", async () => this.#repairDirectory(nowMs));
    await check("alerts", async () => this.#wakeOwing(nowMs));
    await check("object", async () => {
      await callMonitor(this.env, OWN_SERVICE, (own) => own.snapshot());
      return true;
    });
    await check("buffers", () => wakeBuffers(this.env));
    await check("credentials", async () => (await countStuckOnCredentials(this.#db)) === 0);
    await check("alarm", async () => this.#proveAlarms(nowMs));
    const { watchdogUrl } = configOf(this.env);
    if (watchdogUrl === undefined) return;
    if (problems.length > 0) log("warn", "watchdog.withheld", { problems: problems.join(", ") });
    else await callWatchdog(watchdogUrl);
  }

  /** Adds to what was used today of the free plan's quotas, and tells when it is much. */
  async spent(report: Spent): Promise<void> {
    const nowMs = Date.now();
    // This very report costs, too.
    const own = { objectRequests: (report.objectRequests ?? 0) + 1, objectRows: (report.objectRows ?? 0) + 1 };
    const { budget, news } = spend(this.#budget, { ...report, ...own }, nowMs);
    this.#keepBudget(budget);
    for (const { quota, share, toldBefore } of news) {
      try {
        await this.#tell(budgetMessage(quota, share), nowMs);
        log("warn", "budget.told", { quota, share });
      } catch (error) {
        // The next report tells it.
        if (this.#budget?.day === budget.day) {
          this.#keepBudget({ ...this.#budget, told: { ...this.#budget.told, [quota]: toldBefore } });
        }
        log("warn", "budget.failed", { error: errorText(error) });
      }
    }
  }

  /** Until when what only looks has to wait, in milliseconds since the epoch, so that pulses don't; undefined for no. */
  restUntilMs(what: Resting = "looks"): number | undefined {
    return restUntilMs(this.#budget, what, Date.now());
  }

  /** The alarm proves itself. */
  override async alarm(): Promise<void> {
    const proof = this.ctx.storage.kv.get<Proof>("proof");
    if (proof) this.ctx.storage.kv.put("proof", { ...proof, firedMs: Date.now() } satisfies Proof);
  }

  /** Whether the alarm of the last sweep came in time; sets the one for the next. */
  async #proveAlarms(nowMs: number): Promise<boolean> {
    const { storage } = this.ctx;
    const last = storage.kv.get<Proof>("proof");
    const dueMs = nowMs + PROOF_AFTER_MS;
    storage.kv.put("proof", { dueMs } satisfies Proof);
    await storage.setAlarm(dueMs);
    return last?.firedMs !== undefined && last.firedMs - last.dueMs <= LATEST_ALARM_MS;
  }

  /** Asks the objects of rows that can't be trusted, a bounded number; the next sweep goes on where this one ended. */
  async #repairDirectory(nowMs: number): Promise<boolean> {
    const { kv } = this.ctx.storage;
    const after = kv.get<string>("swept") ?? "";
    const rows = await listUntrusted(this.#db, toSeconds(nowMs), after, MOST_SWEPT);
    const end = rows.length < MOST_SWEPT ? "" : (rows.at(-1)?.service ?? "");
    const repaired: string[] = [];
    let answered = 0;
    for (let i = 0; i < rows.length; i += MOST_AT_ONCE) {
      const asked = rows.slice(i, i + MOST_AT_ONCE);
      const answers = await askServices(this.env, asked);
      answered += answers.size;
      repaired.push(...asked.flatMap((row) => repairOf(row, answers.get(row.service))));
    }
    if (end !== after) kv.put("swept", end);
    if (repaired.length > 0) {
      log("warn", "sweep.repaired", { rows: repaired.length });
      await insertEvents(this.#db, [eventOf(WARNING_LEVEL, repairMessage(repaired), nowMs)]);
    }
    return answered === rows.length;
  }

  /** Asks the objects that should have tried an alert long ago: to be asked sets an alarm again that was lost. */
  async #wakeOwing(nowMs: number): Promise<boolean> {
    const names = await listOwing(this.#db, toSeconds(nowMs - OWING_FOR_MS), MOST_AT_ONCE);
    const asked = names.map((name) => callMonitor(this.env, name, (monitor) => monitor.snapshot()));
    return (await Promise.allSettled(asked)).every(({ status }) => status === "fulfilled");
  }

  /** How many services had to pulse within the window, those included that have been silent. */
  async #countDue(nowMs: number): Promise<number> {
    if (!this.#due || nowMs - this.#due.atMs > COUNT_FOR_MS) {
      const count = countDue(this.#db, toSeconds(nowMs), SILENCE_WINDOW_MS / SECOND_MS);
      this.#due = { atMs: nowMs, count };
    }
    try {
      return await this.#due.count;
    } catch (error) {
      this.#due = undefined;
      throw error;
    }
  }

  #keepBudget(budget: Budget): void {
    this.#budget = budget;
    this.ctx.storage.kv.put("budget", budget);
  }

  #saveSoon(): void {
    if (this.#isSaving) return;
    this.#isSaving = true;
    setTimeout(() => {
      this.#isSaving = false;
      this.ctx.storage.kv.put("silences", this.#silences.saved);
    }, SAVE_AFTER_MS);
  }

  #keepOutage(outage: Outage): void {
    this.#outage = outage;
    this.ctx.storage.kv.put("outage", outage);
  }

  /** An event that the default target is told of; durable when it returns. */
  async #tell(message: string, nowMs: number): Promise<void> {
    const event = { ...eventOf(ERROR_LEVEL, message, nowMs), alert: true };
    await callMonitor(this.env, OWN_SERVICE, (own) => own.alert(event));
  }
}

function eventOf(level: number, message: string, nowMs: number): Event {
  return { id: ulid(nowMs), service: OWN_SERVICE, level, message, alert: false };
}

/** What has changed of a row by asking its object, if anything. */
function repairOf(row: Snapshot, answer: Snapshot | null | undefined): string[] {
  if (answer === undefined) return [];
  if (answer === null) return [`${row.service} (was forgotten)`];
  if (answer.status !== row.status) return [`${row.service} (is ${answer.status})`];
  return answer.last === row.last ? [] : [`${row.service} (has pulsed since)`];
}

function repairMessage(repaired: readonly string[]): string {
  const more = repaired.length > MOST_NAMED ? `, and ${repaired.length - MOST_NAMED} more` : "";
  const services = repaired.length === 1 ? "1 service" : `${repaired.length} services`;
  return `The directory was wrong about ${services}, and was repaired: ${repaired.slice(0, MOST_NAMED).join(", ")}${more}`;
}

async function callWatchdog(url: string): Promise<void> {
  // Not AbortSignal.timeout, whose timer can't be cleared.
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), WATCHDOG_TIMEOUT_MS);
  try {
    const answer = await fetch(url, { signal: controller.signal });
    await answer.body?.cancel();
    if (!answer.ok) log("warn", "watchdog.failed", { error: `HTTP ${answer.status}` });
  } catch (error) {
    log("warn", "watchdog.failed", { error: errorText(error) });
  } finally {
    clearTimeout(timer);
  }
}
