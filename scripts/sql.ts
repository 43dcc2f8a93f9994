import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { findD1File } from "./local/d1-file.ts";
import { Refusal, runProgram } from "./local/refusal.ts";
import { readSettings } from "./local/settings.ts";
import { lockState } from "./local/state-lock.ts";
import { formatTable } from "./local/table.ts";

const ROOT = resolve(import.meta.dirname, "..");

// The service locks its database for a moment when it starts and when it ends.
const BUSY_TIMEOUT_MS = 5_000;

/** Runs one SQL statement on the local D1 database and prints what it gives. */
async function sql(): Promise<void> {
  const statement = process.argv.slice(2).join(" ").trim();
  if (statement === "") throw new Refusal('Usage: npm run sql -- "select * from services_now"');
  const { stateDir } = readSettings(ROOT, process.env);
  const file = findD1File(stateDir);
  if (file === undefined) throw new Refusal(`There is no database in ${stateDir} yet: run npm start first.`);

  // Beside a running service it reads only: the runtime waits for no lock, so that its own writes would fail meanwhile.
  const lock = lockState(stateDir);
  const database = new DatabaseSync(file, { readOnly: lock === undefined, timeout: BUSY_TIMEOUT_MS });
  try {
    console.log(run(database, statement));
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(explain(error as Error));
  } finally {
    database.close();
    lock?.release();
  }
}

function run(database: DatabaseSync, text: string): string {
  const statement = database.prepare(text);
  // SQLite takes the first statement and leaves the rest alone.
  if (holdsStatement(database, text.slice(statement.sourceSQL.length))) throw new Refusal("One statement at a time.");
  // Integers beyond 2^53 as they are, and columns of the same name side by side.
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  const columns = statement.columns().map(({ name }) => name);
  if (columns.length === 0) return `${rowCount(Number(statement.run().changes))} changed`;
  const rows = statement.all() as unknown as unknown[][];
  return `${formatTable(columns, rows)}\n\n${rowCount(rows.length)}`;
}

function holdsStatement(database: DatabaseSync, text: string): boolean {
  try {
    database.prepare(text);
    return true;
  } catch (error) {
    return !(error as Error).message.includes("no statements");
  }
}

function rowCount(rows: number): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

function explain({ message }: Error): string {
  if (!message.includes("readonly database")) return message;
  return `${message}: watchTower is running, and beside it only reading is possible. Stop it to write.`;
}

await runProgram(sql);
