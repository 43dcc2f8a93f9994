import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { bundleWorker } from "../scripts/local/bundle.ts";
import { findD1File } from "../scripts/local/d1-file.ts";
import { applyMigrations } from "../scripts/local/migrations.ts";
import { type Runtime, startRuntime } from "../scripts/local/runtime.ts";
import { readWorkerConfig } from "../scripts/local/wrangler-config.ts";
import type { Event } from "../src/domain/event.ts";
import { DAY_MS } from "../src/domain/time.ts";
import { ulid } from "../src/domain/ulid.ts";
import { openDatabase } from "../src/storage/database.ts";
import { meteredD1 } from "../src/storage/metered-d1.ts";

/** What every request to a watchTower that is filled carries. */
export const PASSWORD = "bench";

const ROOT = resolve(import.meta.dirname, "..");
/** So many of the events are of the last day, the others of the 29 days before. */
const LAST_DAY = 100_000;

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
  const nowMs = Date.now();
  fill(findD1File(stateDir) as string, count, nowMs);
  const script = await bundleWorker(config.main);
  const variables = { PASSWORD, PLAN: "paid" };
  const runtime = await startRuntime({ config, script, variables }, { host: "127.0.0.1", port: 0, stateDir });
  const d1 = (await runtime.miniflare.getD1Database("DB")) as unknown as D1Database;
  let spent: Spent = { ms: 0, rows: 0 };
  const note = ({ duration, rows_read }: D1Meta) => {
    spent = { ms: spent.ms + duration, rows: spent.rows + rows_read };
  };
  const db = openDatabase(meteredD1(d1, note));
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

/** Puts events into the database's file, before anything else has it open. */
function fill(file: string, count: number, nowMs: number): void {
  using db = new DatabaseSync(file);
  // What a crash would lose is made anew; the index by service is written all over.
  db.exec("pragma synchronous = off; pragma cache_size = -500000; begin");
  const insert = db.prepare(
    "insert into events (id, service, level, message, alert, fields) values (?, ?, ?, ?, 0, ?) on conflict do nothing",
  );
  for (let i = 0; i < count; i++) {
    const { id, service, level, message, fields } = eventOf(i, count, nowMs);
    insert.run(id, service, level, message, fields ? JSON.stringify(fields) : null);
  }
  db.exec("commit; pragma wal_checkpoint(truncate)");
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
