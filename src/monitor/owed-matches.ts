import type { Env } from "../config.ts";
import { databaseDelayMs } from "../domain/retry.ts";
import type { Matches, Rule } from "../domain/rule.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { within } from "./within.ts";

const LONGEST_WAIT_MS = 10 * SECOND_MS;
/** A run tells so many; the next one goes on at once. */
const MOST_AT_ONCE = 40;

/** Matches of a rule whose object could not be reached. */
interface Owed {
  rule: Rule;
  matches: Matches;
}

/** What rules' objects are still to be told, oldest first, in the storage of the object that owes it. */
export class OwedMatches {
  readonly #sql: SqlStorage;
  readonly #env: Env;
  #tableExists: boolean;
  #failures = 0;

  constructor(sql: SqlStorage, env: Env) {
    this.#sql = sql;
    this.#env = env;
    // The table is made with the first row: to be asked must not store anything.
    this.#tableExists = sql.exec("select 1 from sqlite_master where name = 'matches'").toArray().length > 0;
  }

  /** Owes matches; durable with what the caller writes before its next await. */
  add(owed: Owed): void {
    if (!this.#tableExists)
      this.#sql.exec("create table matches (id integer primary key, rule text not null, text text not null)");
    this.#tableExists = true;
    this.#sql.exec("insert into matches (rule, text) values (?, ?)", owed.rule.name, JSON.stringify(owed));
  }

  /** Whether anything is owed. */
  any(): boolean {
    return this.#next([]) !== undefined;
  }

  /**
   * Tells what is owed; a rule counts each event once, however often it is told. Never rejects.
   * @returns when to go on, in milliseconds from now; undefined where nothing is left
   */
  async tell(): Promise<number | undefined> {
    // The others of a rule that can't be reached wait, and hold up nobody.
    const failed: string[] = [];
    for (let told = 0; told < MOST_AT_ONCE; told++) {
      const row = this.#next(failed);
      if (!row) break;
      const { rule, matches } = JSON.parse(row.text) as Owed;
      try {
        await within(LONGEST_WAIT_MS, this.#env.RULE_MONITOR.getByName(rule.name).observe(rule, matches));
        this.#sql.exec("delete from matches where id = ?", row.id);
      } catch (error) {
        failed.push(rule.name);
        log("warn", "rule.queued", { rule: rule.name, events: matches.ids.length, error: errorText(error) });
      }
    }
    this.#failures = failed.length > 0 ? this.#failures + 1 : 0;
    if (failed.length > 0) return databaseDelayMs(this.#failures);
    return this.any() ? 1 : undefined;
  }

  /** The oldest that is owed to any but some rules. */
  #next(others: string[]): { id: number; text: string } | undefined {
    if (!this.#tableExists) return undefined;
    const query = "select id, text from matches where rule not in (select value from json_each(?)) order by id limit 1";
    return this.#sql.exec<{ id: number; text: string }>(query, JSON.stringify(others)).toArray()[0];
  }
}
