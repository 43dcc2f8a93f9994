import type { Env } from "../config.ts";
import type { Event } from "../domain/event.ts";
import { exampleOf, isNews, type Matches, newestOf, type Rule } from "../domain/rule.ts";
import { matchesSearch, parseSearch, type Search } from "../domain/search.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../log.ts";
import { openDatabase } from "../storage/database.ts";
import { listRules } from "../storage/rules.ts";
import { bufferMatches } from "./buffers.ts";
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

interface Known {
  askAgainMs: number;
  rules: { rule: Rule; search: Search }[];
}

/** What this isolate knows of the rules. */
let known: Known = { askAgainMs: 0, rules: [] };
/** How often they were changed here: what was asked for before a change is not believed after it. */
let changes = 0;

/** The rules were changed here: they are read again before the next event. */
export function rulesChanged(): void {
  changes++;
  known = { ...known, askAgainMs: 0 };
}

/** Lets the object of a rule that was deleted forget it. Never rejects: one that was not reached looks before it tells. */
export async function forgetRule(env: Env, name: string): Promise<void> {
  rulesChanged();
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
export async function tellRules(env: Env, events: readonly Event[]): Promise<void> {
  const nowMs = Date.now();
  const rules = await knownRules(env, nowMs);
  if (rules.length === 0) return;
  const news = events.filter(({ id }) => isNews(id, nowMs));
  await Promise.all(
    rules.map(async ({ rule, search }) => {
      const matching = news.filter((event) => matchesSearch(search, event));
      if (matching.length === 0) return;
      const examples = newestOf(matching).map(exampleOf);
      await tellRule(env, rule, { ids: matching.map(({ id }) => id), examples });
    }),
  );
}

async function knownRules(env: Env, nowMs: number): Promise<Known["rules"]> {
  // A clock that has stepped back must not make them hold for ever.
  if (nowMs < known.askAgainMs && known.askAgainMs - nowMs <= BELIEVED_FOR_MS) return known.rules;
  // Others go on with what is known meanwhile.
  const isFirst = known.askAgainMs === 0;
  const before = changes;
  if (!isFirst) known = { ...known, askAgainMs: nowMs + AGAIN_AFTER_MS };
  try {
    const rules = await within(LONGEST_WAIT_MS, listRules(openDatabase(env.DB)));
    if (changes === before) known = { askAgainMs: nowMs + BELIEVED_FOR_MS, rules: rules.flatMap(readable) };
  } catch (error) {
    log("warn", "rules.unknown", { known: known.rules.length, error: errorText(error) });
    if (changes === before) known = { ...known, askAgainMs: nowMs + AGAIN_AFTER_MS };
  }
  return known.rules;
}

function readable(rule: Rule): Known["rules"] {
  try {
    return [{ rule, search: parseSearch(rule.q) }];
  } catch (error) {
    // Only the console writes such a rule.
    log("warn", "rule.unreadable", { rule: rule.name, error: errorText(error) });
    return [];
  }
}

/** Where the object can't be reached, a buffer owes it the matches; where that fails, too, they are lost, and that is logged. */
async function tellRule(env: Env, rule: Rule, matches: Matches): Promise<void> {
  const about = { rule: rule.name, events: matches.ids.length };
  for (let tries = 1; ; tries++) {
    try {
      return await within(LONGEST_WAIT_MS, env.RULE_MONITOR.getByName(rule.name).observe(rule, matches));
    } catch (error) {
      if (tries < MOST_TRIES) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        continue;
      }
      const isOwed = await bufferMatches(env, rule, { ...matches, atMs: Date.now() });
      log(isOwed ? "warn" : "error", isOwed ? "rule.queued" : "rule.missed", { ...about, error: errorText(error) });
      return;
    }
  }
}
