import type { Env } from "../config.ts";
import type { Event } from "../domain/event.ts";
import { exampleOf, isNews, type Matches, newestOf, type Rule } from "../domain/rule.ts";
import { matchesSearch, parseSearch, type Search } from "../domain/search.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { listsOf } from "../storage/add-events.ts";
import { openDatabase } from "../storage/database.ts";
import { listRules } from "../storage/rules.ts";
import { bufferCalls } from "./buffers.ts";
import { within } from "./within.ts";

/** The rules are believed for so long: a change elsewhere is followed within this time. */
const BELIEVED_FOR_MS = 45 * SECOND_MS;
/** Where D1 fails, it is asked again after so long; until then the last known rules hold. */
const AGAIN_AFTER_MS = 10 * SECOND_MS;
/** So long do events wait at the most for the rules to be read, and for the object of one. */
const LONGEST_WAIT_MS = 2 * SECOND_MS;
/** So often is a rule's object tried. */
const MOST_TRIES = 2;
const PAUSE_MS = 50;

interface ReadRule {
  rule: Rule;
  search: Search;
}

interface Known {
  askAgainMs: number;
  /** Undefined until they were read once. */
  rules: ReadRule[] | undefined;
  /** Whether they were read when they should have been, and were not changed here since. */
  isFresh: boolean;
}

/** A rule, and what it is to be told. */
export interface Matched {
  rule: Rule;
  matches: Matches;
}

/** What is known of the rules, and the way to their objects. */
export class RuleBook {
  #known: Known = { askAgainMs: 0, rules: undefined, isFresh: false };
  /** How often they were changed here: what was asked for before a change is not believed after it. */
  #changes = 0;

  /** The rules were changed here: they are read again before the next event. */
  changed(): void {
    this.#changes++;
    this.#known = { ...this.#known, askAgainMs: 0, isFresh: false };
  }

  /** Lets the object of a rule that was deleted forget it. Never rejects: one that was not reached looks before it tells. */
  async forget(env: Env, name: string): Promise<void> {
    this.changed();
    try {
      await env.RULE_MONITOR.getByName(name).forget();
    } catch (error) {
      log("warn", "rule.not-forgotten", { rule: name, error: errorText(error) });
    }
  }

  /**
   * Tells the rules' objects which of some events match them; durable when it returns. Never rejects: where that is
   * impossible it is logged, and the events are stored all the same.
   */
  async tell(env: Env, events: readonly Event[]): Promise<void> {
    const nowMs = Date.now();
    const rules = await this.#rules(env, nowMs);
    if (rules) await Promise.all(matchedOf(rules, events, nowMs).map((matched) => tellRule(env, matched)));
    else await tellLater(env, events, nowMs);
  }

  /**
   * What rules are to be told of events that came before, when they were not known. Rejects where they can't be read now:
   * there is time, and those that were known last may be old.
   * @param atMs when the events came, in milliseconds since the epoch
   */
  async matchedBefore(env: Env, events: readonly Event[], atMs: number): Promise<Matched[]> {
    const rules = await this.#rules(env, Date.now());
    if (!rules || !this.#known.isFresh) throw new Error("the rules can't be read");
    return matchedOf(rules, events, atMs).map(({ rule, matches }) => ({ rule, matches: { ...matches, atMs } }));
  }

  /** The rules as they were last read; undefined where they never could be. */
  async #rules(env: Env, nowMs: number): Promise<ReadRule[] | undefined> {
    // A clock that has stepped back must not make them hold for ever.
    const { askAgainMs, rules: lastKnown } = this.#known;
    if (nowMs < askAgainMs && askAgainMs - nowMs <= BELIEVED_FOR_MS) return lastKnown;
    // Others go on with what is known meanwhile.
    const isFirst = askAgainMs === 0;
    const before = this.#changes;
    if (!isFirst) this.#known = { ...this.#known, askAgainMs: nowMs + AGAIN_AFTER_MS, isFresh: false };
    try {
      const rules = await within(LONGEST_WAIT_MS, listRules(openDatabase(env.DB)));
      if (this.#changes === before)
        this.#known = { askAgainMs: nowMs + BELIEVED_FOR_MS, rules: rules.flatMap(readable), isFresh: true };
    } catch (error) {
      log("warn", "rules.unknown", { known: this.#known.rules?.length ?? 0, error: errorText(error) });
      if (this.#changes === before)
        this.#known = { ...this.#known, askAgainMs: nowMs + AGAIN_AFTER_MS, isFresh: false };
    }
    return this.#known.rules;
  }
}

/** What this isolate knows of the rules. */
export const ruleBook = new RuleBook();

function matchedOf(rules: readonly ReadRule[], events: readonly Event[], atMs: number): Matched[] {
  if (rules.length === 0) return [];
  const news = events.filter(({ id }) => isNews(id, atMs));
  return rules.flatMap(({ rule, search }) => {
    const matching = news.filter((event) => matchesSearch(search, event));
    if (matching.length === 0) return [];
    return [{ rule, matches: { ids: matching.map(({ id }) => id), examples: newestOf(matching).map(exampleOf) } }];
  });
}

function readable(rule: Rule): ReadRule[] {
  try {
    return [{ rule, search: parseSearch(rule.q) }];
  } catch (error) {
    // Only the console writes such a rule.
    log("warn", "rule.unreadable", { rule: rule.name, error: errorText(error) });
    return [];
  }
}

/** Where the rules are not known, a buffer compares the events with them later; where that fails, too, no rule hears of them. */
async function tellLater(env: Env, events: readonly Event[], atMs: number): Promise<void> {
  const news = events.filter(({ id }) => isNews(id, atMs));
  if (news.length === 0) return;
  const owed = listsOf(news).map((list) => ({ kind: "unmatched" as const, atMs, events: list }));
  const isOwed = await bufferCalls(env, owed);
  log(isOwed ? "warn" : "error", isOwed ? "rules.queued" : "rules.missed", { events: news.length });
}

/** Where the object can't be reached, a buffer owes it the matches; where that fails, too, they are lost, and that is logged. */
async function tellRule(env: Env, { rule, matches }: Matched): Promise<void> {
  const about = { rule: rule.name, events: matches.ids.length };
  for (let tries = 1; ; tries++) {
    try {
      return await within(LONGEST_WAIT_MS, env.RULE_MONITOR.getByName(rule.name).observe(rule, matches));
    } catch (error) {
      if (tries < MOST_TRIES) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        continue;
      }
      const owed = { kind: "matches" as const, rule, matches: { ...matches, atMs: Date.now() } };
      const isOwed = await bufferCalls(env, [owed]);
      log(isOwed ? "warn" : "error", isOwed ? "rule.queued" : "rule.missed", { ...about, error: errorText(error) });
      return;
    }
  }
}
