import type { Alert } from "./alert.ts";
import { levelName } from "./level.ts";
import type { Target } from "./service.ts";
import { formatDate, formatDuration, HOUR_MS, MINUTE_MS, SECOND_MS } from "./time.ts";
import { ulidTimeMs } from "./ulid.ts";

/*
 * An alert rule: `count` events that match within `seconds` raise one alert, and then it is quiet for a while.
 */

/** Who is told of which events, and how often. */
export interface Rule {
  name: string;
  /** In the search language. */
  q: string;
  target: Target;
  /** So many matches within so many seconds raise an alert. */
  count: number;
  seconds: number;
  /** So long after an alert there is no other. */
  quietSeconds: number;
  /** When it was written, in milliseconds since the epoch: of two that differ the later one holds. */
  writtenMs: number;
}

/** An event that matched, as an alert shows it. */
export interface Example {
  id: string;
  service: string;
  level: number;
  message: string;
}

/** Events that matched, told together. */
export interface Matches {
  ids: string[];
  /** The newest of them, in any order. */
  examples: Example[];
  /** When they came, where that is not now, but was before. */
  atMs?: number;
}

/** An alert that is to be handed to a service's object, under an id that stays the same. */
export interface Raised {
  alert: Alert;
  failures: number;
  /** Not before this is it tried (again). */
  nextMs: number;
}

/** What is remembered for a rule. */
export interface Watch {
  version: 1;
  rule: Rule;
  /** When the matches came that may still count, oldest first: those since the last alert, of the rule's last seconds. */
  recentMs: number[];
  /** The matches that came last, by their ids: one that is told again is not counted again. */
  seenIds: string[];
  /** The newest since the last alert, newest first. */
  examples: Example[];
  /** When the last match came. */
  lastMs: number;
  /** After an alert: until when it is quiet, how many matched meanwhile, and whether they would have raised another. */
  quiet?: { sinceMs: number; untilMs: number; matched: number; isReached: boolean };
  raised?: Raised;
}

/** What a rule may ask for, and what it gets where it does not say. */
export const RULE_LIMITS = {
  rules: 100,
  count: { least: 1, most: 1_000, fallback: 1 },
  seconds: { least: 1, most: 86_400, fallback: 60 },
  quietSeconds: { least: 60, most: 604_800, fallback: 900 },
} as const;

/** So many examples are shown. */
export const MOST_EXAMPLES = 3;
/** So much of a message is shown of an example, in characters. */
export const MOST_EXAMPLE_CHARACTERS = 200;
/** So many ids are remembered: five of the largest batches may come between an event and its repetition. */
const MOST_SEEN = 5_000;
/** An event that is told so much later than it is dated is no news. */
const NEWS_FOR_MS = HOUR_MS;
/** A rule that nothing matches is forgotten after so long, or after its own seconds. */
const KEPT_FOR_MS = HOUR_MS;
const FIRST_DELAY_MS = 2 * SECOND_MS;
const LONGEST_DELAY_MS = 10 * MINUTE_MS;

/** What an alert depends on besides the matches. */
export interface Circumstances {
  timeZone: string;
  /** Makes a new ULID of a time. */
  newId: (ms: number) => string;
}

/** Whether an event is recent enough to be news: what is imported from last month alarms nobody. */
export function isNews(id: string, nowMs: number): boolean {
  return nowMs - ulidTimeMs(id) <= NEWS_FOR_MS;
}

/** An event, as much of it as an alert shows. */
export function exampleOf({ id, service, level, message }: Example): Example {
  const characters = [...message];
  const isLong = characters.length > MOST_EXAMPLE_CHARACTERS;
  return {
    id,
    service,
    level,
    message: isLong ? `${characters.slice(0, MOST_EXAMPLE_CHARACTERS).join("")}…` : message,
  };
}

/** The newest of some examples, newest first, each once. */
export function newestOf(examples: readonly Example[]): Example[] {
  const byId = new Map(examples.map((example) => [example.id, example]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, MOST_EXAMPLES);
}

/**
 * What is remembered, once the rule is known as given. Who is told may change at any time; a rule that looks for other
 * events starts anew, and what it was about to tell is not told.
 * @returns undefined where a later rule is known, which looks for others: what matched this one is of no interest
 */
export function follow(watch: Watch | undefined, rule: Rule): Watch | undefined {
  if (watch && watch.rule.writtenMs >= rule.writtenMs) return watch.rule.q === rule.q ? watch : undefined;
  if (watch?.rule.q === rule.q) return { ...watch, rule };
  return { version: 1, rule, recentMs: [], seenIds: [], examples: [], lastMs: 0 };
}

/** Counts matches; raises an alert where they are enough and it is not quiet. */
export function observe(
  watch: Watch,
  { ids, examples, atMs: cameMs }: Matches,
  circumstances: Circumstances,
  nowMs: number,
): Watch {
  const before = expire(watch, circumstances, nowMs);
  const seen = new Set(before.seenIds);
  const fresh = new Set(ids.filter((id) => !seen.has(id)));
  if (fresh.size === 0) return before;
  // The clock may have stepped back: what came later is not older.
  const atMs = Math.max(Math.min(cameMs ?? nowMs, nowMs), before.lastMs);
  const recentMs = [...within(before, atMs), ...Array.from(fresh, () => atMs)];
  const after: Watch = {
    ...before,
    recentMs: recentMs.slice(-RULE_LIMITS.count.most),
    seenIds: [...before.seenIds, ...fresh].slice(-MOST_SEEN),
    examples: newestOf([...before.examples, ...examples.filter(({ id }) => fresh.has(id))]),
    lastMs: atMs,
  };
  const isReached = recentMs.length >= before.rule.count;
  const { quiet } = before;
  if (quiet) {
    const matched = quiet.matched + fresh.size;
    return { ...after, quiet: { ...quiet, matched, isReached: quiet.isReached || isReached } };
  }
  if (!isReached) return after;
  return raise(after, { matched: recentMs.length, withinMs: before.rule.seconds * SECOND_MS }, circumstances, nowMs);
}

/**
 * Applies what time alone has done: the end of the quiet time, at which one alert tells of what has matched in it, if that
 * was enough for one. It does not end before the last alert has been handed over: so there is never more than one to hand.
 */
export function expire(watch: Watch, circumstances: Circumstances, nowMs: number): Watch {
  const { quiet, raised } = watch;
  if (!quiet || raised || quiet.untilMs > nowMs) return watch;
  if (quiet.isReached) {
    return raise(watch, { matched: quiet.matched, withinMs: nowMs - quiet.sinceMs }, circumstances, nowMs);
  }
  const { quiet: _, ...rest } = watch;
  // What matched last may be the beginning of more; nothing that is too old for that is kept.
  return { ...rest, recentMs: within(watch, nowMs) };
}

function within({ recentMs, rule }: Watch, nowMs: number): number[] {
  return recentMs.filter((ms) => ms > nowMs - rule.seconds * SECOND_MS);
}

function raise(
  watch: Watch,
  { matched, withinMs }: { matched: number; withinMs: number },
  { timeZone, newId }: Circumstances,
  nowMs: number,
): Watch {
  const { rule, examples } = watch;
  const events = matched === 1 ? "1 event" : `${matched} events`;
  const more = watch.quiet ? ", since the last alert" : "";
  const shown = examples.map(
    ({ id, service, level, message }) =>
      `${formatDate(ulidTimeMs(id), timeZone)} ${timeZone} ${service}, ${levelName(level)}: ${message}`,
  );
  const alert: Alert = {
    id: newId(nowMs),
    kind: "event",
    service: examples[0]?.service ?? rule.name,
    dateMs: nowMs,
    title: `Rule ${rule.name}: ${events}`,
    message: `${events} matched the rule ${rule.name} within ${formatDuration(withinMs)}${more}. ${
      matched > shown.length ? "The newest" : "Namely"
    }:\n${shown.join("\n")}`,
  };
  const quiet = { sinceMs: nowMs, untilMs: nowMs + rule.quietSeconds * SECOND_MS, matched: 0, isReached: false };
  return { ...watch, recentMs: [], examples: [], quiet, raised: { alert, failures: 0, nextMs: nowMs } };
}

/** The name of the rule that an alert of this title is of; undefined where it is of none. */
export function ruleOfTitle(title: string): string | undefined {
  return /^Rule (.+): \d+ events?$/s.exec(title)?.[1];
}

/** The alert is about to be handed over: until a moment it is not tried again. */
export function claim(watch: Watch, untilMs: number): Watch {
  return watch.raised ? { ...watch, raised: { ...watch.raised, nextMs: untilMs } } : watch;
}

/** The alert of an id has been handed over. */
export function handed(watch: Watch, alertId: string): Watch {
  if (watch.raised?.alert.id !== alertId) return watch;
  const { raised: _, ...rest } = watch;
  return rest;
}

/** The alert of an id could not be handed over: it is tried again, after 2 s, 4 s and so on, at most every ten minutes. */
export function postponed(watch: Watch, alertId: string, nowMs: number): Watch {
  const { raised } = watch;
  if (raised?.alert.id !== alertId) return watch;
  const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(raised.failures, 20));
  return { ...watch, raised: { ...raised, failures: raised.failures + 1, nextMs: nowMs + delayMs } };
}

/** When something is to be done by itself; what is only to be forgotten may also be looked at earlier. */
export function nextWatchMs({ raised, quiet, lastMs, rule }: Watch): { atMs: number; isOnlyTidying: boolean } {
  if (raised) return { atMs: raised.nextMs, isOnlyTidying: false };
  if (quiet) return { atMs: quiet.untilMs, isOnlyTidying: false };
  return { atMs: lastMs + Math.max(KEPT_FOR_MS, rule.seconds * SECOND_MS), isOnlyTidying: true };
}

/** Whether nothing of this can matter any more. */
export function isOver(watch: Watch, nowMs: number): boolean {
  const { atMs, isOnlyTidying } = nextWatchMs(watch);
  return isOnlyTidying && atMs <= nowMs;
}
