import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EventFilter } from "../../src/domain/event.ts";
import { roundBuckets } from "../../src/domain/histogram.ts";
import { parseSearch } from "../../src/domain/search.ts";
import { DAY_MS, toSeconds } from "../../src/domain/time.ts";
import { MOST_COUNTED, statsOfEvents } from "../../src/storage/event-counts.ts";
import { listEvents, MOST_SEARCHED } from "../../src/storage/event-log.ts";
import { digits, type Figures, inTurn, type Run, type Table } from "../figures.ts";
import { type Filled, PASSWORD, type Spent, startFilled } from "../filled.ts";

/*
 * What searching costs among 1,000,000 events: D1's own time and the rows that it counts, against queries that do
 * nothing but the least; and what an export of all of them takes of memory.
 */

const MANY = 1_000_000;
/** The same in a short run. */
const MANY_IN_SHORT = 100_000;
const FEW = 1_000;
/** How often a question is asked at least; one that is cheap, of which D1, which tells whole milliseconds, mostly tells 0. */
const ROUNDS = { least: 5, ofCheap: 200 };
const CHEAP_MS = 3;
/** For how long it is asked at least, in milliseconds; in a short run. */
const ASKED_MS = { long: 3_000, short: 1_500 };
/** The same for what is held to a bound and is cheap: it takes some hundreds of answers to know it by a sixth. */
const PAGES_ASKED_MS = { long: 10_000, short: 6_000 };
/** What must hold among {@link MANY}: how many times as long as a bare query, and how long statistics may take at most. */
const MOST = { page: 3, search: 1.5, statsMs: 300 };
const SAMPLE_MS = 250;

type Work = [on: Filled, work: () => Promise<unknown>];

/** The averages of what works spend that take turns for some time. */
async function averages<const W extends Work[]>(works: W, forMs: number): Promise<{ [I in keyof W]: Spent }> {
  const sums = works.map((): Spent => ({ ms: 0, rows: 0 }));
  const beganMs = performance.now();
  let rounds = 0;
  const isCheap = () => sums.every(({ ms }) => ms < CHEAP_MS * rounds);
  while (rounds < (isCheap() ? ROUNDS.ofCheap : ROUNDS.least) || performance.now() - beganMs < forMs) {
    for (const [i, [{ spentBy }, work]] of inTurn([...works.entries()], rounds++)) {
      const { ms, rows } = await spentBy(work);
      const sum = sums[i] as Spent;
      sum.ms += ms;
      sum.rows += rows;
    }
  }
  return sums.map(({ ms, rows }) => ({ ms: ms / rounds, rows: rows / rounds })) as { [I in keyof W]: Spent };
}

/** What was asked, and, where it is compared, what a bare query spent, and how many times as much it may take at most. */
interface Answered {
  what: string;
  spent: Spent;
  bare?: Spent;
  most?: number;
}

/** A line of the table. */
function lineOf({ what, spent: { ms, rows }, bare, most }: Answered): (string | number)[] {
  const compared = bare && most ? [digits(bare.ms), `${digits(ms / bare.ms)} (at most ${most})`] : ["", ""];
  return [what, digits(ms), Math.round(rows).toLocaleString("en"), ...compared];
}

/** What takes more times as long as a bare query than it may. */
function brokenBy(answered: readonly Answered[]): string[] {
  return answered.flatMap(({ what, spent, bare, most }) => {
    const times = bare ? spent.ms / bare.ms : 0;
    if (!most || times <= most) return [];
    return [`Search: ${what} takes ${times.toFixed(2)} times as long as a bare query; ${most} is allowed.`];
  });
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
async function pages(many: Filled, few: Filled, forMs: number): Promise<Answered[]> {
  const answered: Answered[] = [];
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
    const [bareFew, spent] = await averages(
      [
        [few, () => few.db.all(bare)],
        [many, () => listEvents(many.db, { ...everything(many), ...of }, page)],
      ],
      forMs,
    );
    answered.push({ what, spent, bare: bareFew, most: MOST.page });
  }
  return answered;
}

/** To search through everything must cost little more than to read everything. */
async function searches(many: Filled, forMs: number): Promise<Answered[]> {
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
    forMs,
  );
  const [bareAll, all] = await averages(
    [
      [many, () => many.db.all(scan(""))],
      [many, () => allPages(many, filter)],
    ],
    forMs,
  );
  const { message: _, ...range } = filter;
  const search = parseSearch("host:web-3 status:>=500 -timeout");
  const [ofFields] = await averages([[many, () => allPages(many, { ...range, search })]], forMs);
  return [
    { what: "`message`, one page, nothing found", spent: page, bare: barePage, most: MOST.search },
    { what: "`message`, all pages, nothing found", spent: all, bare: bareAll, most: MOST.search },
    { what: "`q=host:web-3 status:>=500 -timeout`, all pages", spent: ofFields },
  ];
}

/** How the cost of each kind of question grows with the number of events. */
async function growth(sizes: Filled[], forMs: number): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = [];
  for (const { what, ask } of QUESTIONS) {
    const spent = await averages(
      sizes.map((filled): Work => [filled, () => ask(filled)]),
      forMs,
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

async function stats(many: Filled, forMs: number): Promise<Answered[]> {
  const range = { fromSeconds: toSeconds(many.nowMs - DAY_MS), toSeconds: toSeconds(many.nowMs) + 600 };
  const answered: Answered[] = [];
  for (const q of [undefined, "answered", "status:>=500"]) {
    const filter = { ...range, ...(q !== undefined && { search: parseSearch(q) }) };
    const buckets = roundBuckets(filter, 60);
    const [spent] = await averages([[many, () => statsOfEvents(many.db, filter, buckets, MOST_COUNTED.paid)]], forMs);
    answered.push({ what: q === undefined ? "all" : `\`q=${q}\``, spent });
  }
  return answered;
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

/** What the bare queries took as a part of what ours took: for the ratios, which fall where ours take longer. */
function ratiosOf(answered: readonly Answered[]): Record<string, number> {
  return Object.fromEntries(
    answered.flatMap(({ what, spent, bare }) => (bare ? [[what.replaceAll("`", ""), bare.ms / spent.ms]] : [])),
  );
}

/** Searches, statistics and exports among 1,000,000 events; a short run looks only at what is compared, among fewer. */
export async function search({ dir, isShort, print }: Run): Promise<Figures> {
  const started: Filled[] = [];
  const filled = async (count: number) => {
    const one = await startFilled(join(dir, String(count)), count);
    started.push(one);
    print(`  ${count.toLocaleString("en")} events`);
    return one;
  };
  const costs = ["", "D1, ms", "rows read", "bare, ms", "times as long"];
  const forMs = isShort ? ASKED_MS.short : ASKED_MS.long;
  try {
    const many = await filled(isShort ? MANY_IN_SHORT : MANY);
    // Before the other ones are there, whose memory is not meant.
    const exportLine = isShort ? [] : await exported(many);
    const ofPages = await pages(many, await filled(FEW), isShort ? PAGES_ASKED_MS.short : PAGES_ASKED_MS.long);
    const ofSearches = await searches(many, forMs);
    const size = (isShort ? MANY_IN_SHORT : MANY).toLocaleString("en");
    const newest: Table = {
      title: `The newest 40 of ${size} events, against a bare query among ${FEW.toLocaleString("en")}`,
      columns: costs,
      rows: ofPages.map(lineOf),
    };
    const through: Table = {
      title: `Searches through ${size} events, against a bare scan`,
      columns: costs,
      rows: ofSearches.map(lineOf),
    };
    const ratios = ratiosOf([...ofPages, ...ofSearches]);
    if (isShort) return { tables: [newest, through], ratios };
    const ofStats = await stats(many, forMs);
    const tables: Table[] = [
      newest,
      {
        title: "How the cost grows with the number of events",
        columns: ["", ...["10,000", "100,000", "1,000,000"].flatMap((size) => [`${size}: ms`, "rows read"])],
        rows: await growth([await filled(10_000), await filled(100_000), many], forMs),
      },
      through,
      {
        title: `Statistics of the 100,000 events of a day, at most ${MOST.statsMs} ms`,
        columns: costs.slice(0, 3),
        rows: ofStats.map((one) => lineOf(one).slice(0, 3)),
      },
      {
        title: "An export, and the resident memory of workerd",
        columns: ["events", "MB", "seconds", "MB before", "MB in the second quarter", "MB in the last", "MB at most"],
        rows: [exportLine],
      },
    ];
    const slow = ofStats.filter(({ spent }) => spent.ms > MOST.statsMs);
    const broken = [
      ...brokenBy([...ofPages, ...ofSearches]),
      ...slow.map(
        ({ what, spent: { ms } }) => `Statistics, ${what}, take ${ms.toFixed(0)} ms; ${MOST.statsMs} are allowed.`,
      ),
    ];
    return { tables, ratios, broken };
  } finally {
    for (const { runtime } of started) await runtime.miniflare.dispose();
  }
}
