import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bundleWorker } from "../../scripts/local/bundle.ts";
import { applyMigrations } from "../../scripts/local/migrations.ts";
import { type Runtime, startRuntime } from "../../scripts/local/runtime.ts";
import { readWorkerConfig } from "../../scripts/local/wrangler-config.ts";
import type { Event, EventFilter } from "../../src/domain/event.ts";
import { roundBuckets } from "../../src/domain/histogram.ts";
import { parseSearch } from "../../src/domain/search.ts";
import { DAY_MS, toSeconds } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { MOST_COUNTED, statsOfEvents } from "../../src/storage/event-counts.ts";
import { insertEvents, listEvents, MOST_SEARCHED } from "../../src/storage/event-log.ts";
import { digits, type Figures, type Run, type Table } from "../figures.ts";

/*
 * What searching costs among 1,000,000 events: D1's own time and the rows that it counts, against queries that do
 * nothing but the least; and what an export of all of them takes of memory.
 */

const ROOT = resolve(import.meta.dirname, "../..");
const PASSWORD = "bench";
const MANY = 1_000_000;
const FEW = 1_000;
/** So many of them are of the last day, the others of the 29 days before. */
const LAST_DAY = 100_000;
const ROUNDS = 21;
const FEW_ROUNDS = 5;
const SAMPLE_MS = 250;

/** What D1 says of some queries: its own time, and the rows that it read. */
export interface Spent {
  ms: number;
  rows: number;
}

/** A watchTower with events, as `npm start` runs it. */
export interface Filled {
  runtime: Runtime;
  db: ReturnType<typeof openDatabase>;
  nowMs: number;
  /** Does some work, and says what D1 spent on it. */
  spentBy(work: () => Promise<unknown>): Promise<Spent>;
}

/** Starts a watchTower in a folder, and fills it with so many events. */
export async function startFilled(stateDir: string, count: number): Promise<Filled> {
  const config = readWorkerConfig(ROOT);
  await applyMigrations(config, stateDir);
  const script = await bundleWorker(config.main);
  const variables = { PASSWORD, PLAN: "paid" };
  const runtime = await startRuntime({ config, script, variables }, { host: "127.0.0.1", port: 0, stateDir });
  const d1 = (await runtime.miniflare.getD1Database("DB")) as unknown as D1Database;
  let spent: Spent = { ms: 0, rows: 0 };
  const db = openDatabase(timed(d1, ({ ms, rows }) => (spent = { ms: spent.ms + ms, rows: spent.rows + rows })));
  const nowMs = Date.now();
  for (let i = 0; i < count; i += 5_000) {
    const length = Math.min(5_000, count - i);
    await insertEvents(
      db,
      Array.from({ length }, (_, j) => eventOf(i + j, count, nowMs)),
    );
  }
  return {
    runtime,
    db,
    nowMs,
    async spentBy(work) {
      spent = { ms: 0, rows: 0 };
      await work();
      return spent;
    },
  };
}

/** Events as programs write them: a hundred events of each of up to a hundred services, and more, one of twenty an error, half of them with fields. */
function eventOf(i: number, count: number, nowMs: number): Event {
  const lastDay = Math.min(LAST_DAY, count / 10);
  const older = count - lastDay;
  const ageMs = i < older ? DAY_MS + 29 * DAY_MS * (1 - i / older) : DAY_MS * (1 - (i - older) / lastDay);
  const chance = (of: number) => Math.floor(Math.random() * of);
  const status = chance(20) === 0 ? 500 : 200;
  return {
    id: ulid(nowMs - ageMs),
    service: `service ${chance(Math.min(100, count / 100))}`,
    level: chance(20) === 0 ? 4 + chance(2) : chance(4),
    message: `GET /items/${chance(1e9)} answered ${status} in ${chance(900)} ms for user ${chance(1e5)} of tenant ${chance(50)}`,
    alert: false,
    ...(i % 2 === 0 && { fields: { host: `web-${chance(10)}`, status, duration: chance(90_000) / 100 } }),
  };
}

/** Tells what D1 says of each of its answers. */
function timed(d1: D1Database, note: (spent: Spent) => void): D1Database {
  function wrapped(statement: D1PreparedStatement): D1PreparedStatement {
    const counted = async () => {
      const result = await statement.all<Record<string, unknown>>();
      note({ ms: result.meta.duration, rows: result.meta.rows_read });
      return result;
    };
    return {
      bind: (...values: unknown[]) => wrapped(statement.bind(...values)),
      all: counted,
      run: counted,
      raw: async () => (await counted()).results.map(Object.values),
    } as unknown as D1PreparedStatement;
  }
  return { prepare: (query: string) => wrapped(d1.prepare(query)) } as unknown as D1Database;
}

type Work = [on: Filled, work: () => Promise<unknown>];

/** The averages of what works spend that take turns, so often that it counts although D1 tells whole milliseconds. */
async function averages<const W extends Work[]>(works: W, rounds = 500): Promise<{ [I in keyof W]: Spent }> {
  const sums = works.map((): Spent => ({ ms: 0, rows: 0 }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, [{ spentBy }, work]] of works.entries()) {
      const { ms, rows } = await spentBy(work);
      const sum = sums[i] as Spent;
      sum.ms += ms;
      sum.rows += rows;
    }
  }
  return sums.map(({ ms, rows }) => ({ ms: ms / rounds, rows: rows / rounds })) as { [I in keyof W]: Spent };
}

/** A line of the table: what was done, and, where it is compared, how many times as much time that may take at most. */
function line(what: string, { ms, rows }: Spent, bare?: Spent, most?: number): (string | number)[] {
  const compared = bare && most ? [digits(bare.ms), `${digits(ms / bare.ms)} (at most ${most})`] : ["", ""];
  return [what, digits(ms), Math.round(rows).toLocaleString("en"), ...compared];
}

/** All pages of a list together. */
async function allPages({ db }: Filled, filter: EventFilter): Promise<void> {
  let beforeId: string | undefined;
  do {
    const page = await listEvents(db, filter, { limit: 1_000, beforeId });
    beforeId = page.nextId;
  } while (beforeId !== undefined);
}

/** The newest page must not cost more because there are more events. */
async function pages(many: Filled, few: Filled): Promise<(string | number)[][]> {
  const lines: (string | number)[][] = [];
  // Few have as many, too: otherwise the bare queries would give less.
  const page = { limit: 40 };
  const everything = (of: Filled) => ({ fromSeconds: 0, toSeconds: toSeconds(of.nowMs) + 600 });
  const cases = [
    { what: "newest page", of: {}, bare: "select * from events order by id desc limit 40" },
    {
      what: "newest page of a service",
      of: { service: "service 1" },
      bare: "select * from events where service = 'service 1' order by id desc limit 40",
    },
    {
      what: "newest page from level error on",
      of: { level: 4 },
      bare: "select * from events where level >= 4 order by id desc limit 40",
    },
    {
      what: "newest page of q=level:>=warning",
      of: { search: parseSearch("level:>=warning") },
      bare: "select * from events where level >= 3 order by id desc limit 40",
    },
  ];
  for (const { what, of, bare } of cases) {
    // Side by side, so that whatever else the machine does meets both.
    const [bareFew, spent] = await averages([
      [few, () => few.db.all(bare)],
      [many, () => listEvents(many.db, { ...everything(many), ...of }, page)],
    ]);
    lines.push(line(what, spent, bareFew, 3));
  }
  return lines;
}

/** To search through everything must cost little more than to read everything. */
async function searches(many: Filled): Promise<(string | number)[][]> {
  const filter = { fromSeconds: 0, toSeconds: toSeconds(many.nowMs) + 600, message: "nowhere" };
  const scan = (from: string) =>
    `select * from events where id >= '${from}' and instr(lower(message), lower('nowhere')) > 0 order by id desc limit 1001`;
  const [row] = await many.db.all<{ id: string }>(
    `select id from events order by id desc limit 1 offset ${MOST_SEARCHED - 1}`,
  );
  const [barePage, page] = await averages(
    [
      [many, () => many.db.all(scan(row?.id ?? ""))],
      [many, () => listEvents(many.db, filter, { limit: 1_000 })],
    ],
    ROUNDS,
  );
  const [bareAll, all] = await averages(
    [
      [many, () => many.db.all(scan(""))],
      [many, () => allPages(many, filter)],
    ],
    FEW_ROUNDS,
  );
  const { message: _, ...range } = filter;
  const search = parseSearch("host:web-3 status:>=500 -timeout");
  const [ofFields] = await averages([[many, () => allPages(many, { ...range, search })]], FEW_ROUNDS);
  return [
    line("`message`, one page, nothing found", page, barePage, 1.5),
    line("`message`, all pages, nothing found", all, bareAll, 1.5),
    line("`q=host:web-3 status:>=500 -timeout`, all pages", ofFields),
  ];
}

/** How the cost of each kind of question grows with the number of events. */
async function growth(sizes: Filled[]): Promise<(string | number)[][]> {
  const rounds = 15;
  const rows: (string | number)[][] = [];
  for (const { what, ask } of QUESTIONS) {
    const spent = await averages(
      sizes.map((filled): Work => [filled, () => ask(filled)]),
      rounds,
    );
    rows.push([what, ...spent.flatMap(({ ms, rows }) => [digits(ms), Math.round(rows).toLocaleString("en")])]);
  }
  return rows;
}

const QUESTIONS: { what: string; ask: (of: Filled) => Promise<unknown> }[] = [
  { what: "newest page", ask: (of) => listEvents(of.db, rangeOf(of), { limit: 40 }) },
  {
    what: "newest page of a service",
    ask: (of) => listEvents(of.db, { ...rangeOf(of), service: "service 1" }, { limit: 40 }),
  },
  {
    what: "newest page from level error on",
    ask: (of) => listEvents(of.db, { ...rangeOf(of), level: 4 }, { limit: 40 }),
  },
  {
    what: "newest page of `q=answered 500`",
    ask: (of) => listEvents(of.db, { ...rangeOf(of), search: parseSearch("answered 500") }, { limit: 40 }),
  },
  {
    what: "`message`, one page, nothing found",
    ask: (of) => listEvents(of.db, { ...rangeOf(of), message: "nowhere" }, { limit: 40 }),
  },
  {
    what: "statistics of a day",
    ask: (of) => {
      const filter = { ...rangeOf(of), fromSeconds: toSeconds(of.nowMs - DAY_MS) };
      return statsOfEvents(of.db, filter, roundBuckets(filter, 60), MOST_COUNTED.paid);
    },
  },
];

function rangeOf({ nowMs }: Filled): { fromSeconds: number; toSeconds: number } {
  return { fromSeconds: 0, toSeconds: toSeconds(nowMs) + 600 };
}

async function stats(many: Filled): Promise<(string | number)[][]> {
  const range = { fromSeconds: toSeconds(many.nowMs - DAY_MS), toSeconds: toSeconds(many.nowMs) + 600 };
  const lines: (string | number)[][] = [];
  for (const q of [undefined, "answered", "status:>=500"]) {
    const filter = { ...range, ...(q !== undefined && { search: parseSearch(q) }) };
    const buckets = roundBuckets(filter, 60);
    const [spent] = await averages([[many, () => statsOfEvents(many.db, filter, buckets, MOST_COUNTED.paid)]], ROUNDS);
    lines.push(line(q === undefined ? "all" : `\`q=${q}\``, spent));
  }
  return lines;
}

/** Exports everything, and looks at the memory of workerd meanwhile. */
async function exported({ runtime }: Filled): Promise<(string | number)[]> {
  const pids = workerds();
  const before = residentMb(pids);
  const samples: number[] = [];
  const sampler = setInterval(() => samples.push(residentMb(pids)), SAMPLE_MS);
  const startedMs = performance.now();
  let lines = 0;
  let bytes = 0;
  try {
    const response = await fetch(new URL("/events/export", runtime.url), { headers: { password: PASSWORD } });
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      for (const byte of chunk) if (byte === 10) lines++;
    }
  } finally {
    clearInterval(sampler);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const quarter = Math.floor(samples.length / 4);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [
    lines.toLocaleString("en"),
    bytes / 1e6,
    seconds,
    before,
    mean(samples.slice(quarter, 2 * quarter)),
    mean(samples.slice(-quarter)),
    Math.max(...samples),
  ];
}

/** The processes of workerd that this one has started. */
function workerds(): number[] {
  const found = execFileSync("pgrep", ["-P", String(process.pid), "workerd"], { encoding: "utf8" });
  return found.trim().split("\n").map(Number);
}

function residentMb(pids: number[]): number {
  const kilobytes = pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]));
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1_024;
}

/** Searches, statistics and exports among 1,000,000 events. */
export async function search({ dir, print }: Run): Promise<Figures> {
  const started: Filled[] = [];
  const costs = ["", "D1, ms", "rows read", "bare, ms", "times as long"];
  try {
    const many = await startFilled(join(dir, "many"), MANY);
    started.push(many);
    print(`  ${MANY.toLocaleString("en")} events`);
    // Before the other one is there, whose memory is not meant.
    const exportLine = await exported(many);
    print("  exported");
    const few = await startFilled(join(dir, "few"), FEW);
    started.push(few);
    const between: Filled[] = [];
    for (const count of [10_000, 100_000]) {
      const filled = await startFilled(join(dir, String(count)), count);
      started.push(filled);
      between.push(filled);
    }
    const tables: Table[] = [
      {
        title: "The newest 40 of 1,000,000 events, against a bare query among 1,000",
        columns: costs,
        rows: await pages(many, few),
      },
      {
        title: "How the cost grows with the number of events",
        columns: ["", ...["10,000", "100,000", "1,000,000"].flatMap((size) => [`${size}: ms`, "rows read"])],
        rows: await growth([...between, many]),
      },
      { title: "Searches through 1,000,000 events, against a bare scan", columns: costs, rows: await searches(many) },
      {
        title: "Statistics of the 100,000 events of a day",
        columns: costs.slice(0, 3),
        rows: (await stats(many)).map((row) => row.slice(0, 3)),
      },
      {
        title: "An export, and the resident memory of workerd",
        columns: ["events", "MB", "seconds", "MB before", "MB in the second quarter", "MB in the last", "MB at most"],
        rows: [exportLine],
      },
    ];
    return { tables, ratios: {} };
  } finally {
    for (const { runtime } of started) await runtime.miniflare.dispose();
  }
}
