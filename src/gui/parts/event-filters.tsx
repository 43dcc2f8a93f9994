import type { Config } from "../../config.ts";
import type { EventFilter } from "../../domain/event.ts";
import { LEVEL_NAMES } from "../../domain/level.ts";
import { messageTerm } from "../../domain/search-text.ts";
import { formatDate, formatDuration, SECOND_MS } from "../../domain/time.ts";
import { type EventQuery, presetOf, type problemOf, RANGES } from "../event-filter.ts";
import { queryOf } from "../query.ts";
import { iso } from "./elements.tsx";

interface FiltersProps {
  query: EventQuery;
  filter: EventFilter;
  config: Config;
  /** Why the search can't be read, if so. */
  problem: ReturnType<typeof problemOf>;
}

/** The form that says which events are wanted. */
export function Filters({ query, filter, config, problem }: FiltersProps) {
  const { since, from, to, service, level, message, q, preset } = query;
  const zone = query.zone ?? config.timeZone;
  const isOwnRange = from !== undefined || to !== undefined;
  const presetMessage = presetOf(query, config)?.message;
  return (
    <search>
      <form class="filter fields" method="get" action="/gui/events" data-events-filter="">
        <label class="all">
          Search
          <input
            type="search"
            name="q"
            // What was asked for by `message` is a search, too.
            value={q ?? (message === undefined ? "" : messageTerm(message))}
            placeholder={presetMessage ? messageTerm(presetMessage) : "timeout level:>=error host:web-1"}
            autocapitalize="none"
            spellcheck={false}
            aria-invalid={problem && "true"}
            aria-describedby={problem && "search-problem"}
          />
        </label>
        {problem && <Problem {...problem} q={q ?? ""} />}
        {q !== undefined && message !== undefined && <input type="hidden" name="message" value={message} />}
        {config.eventsPresets.length > 0 && (
          <label>
            Preset
            <select name="preset">
              <option value="">none</option>
              {config.eventsPresets.map(({ name }) => (
                <option value={name} selected={name === preset}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          Since
          <select name="since">
            {isOwnRange && <option value="">as below</option>}
            {RANGES.map((range) => (
              <option value={range} selected={!isOwnRange && range === (since ?? 86_400)}>
                {formatDuration(range * SECOND_MS)}
              </option>
            ))}
          </select>
        </label>
        <label>
          Level
          <select name="level">
            <option value="">all</option>
            {LEVEL_NAMES.map((name, i) => (
              <option value={name} selected={i === level}>
                {name} and above
              </option>
            ))}
          </select>
        </label>
        <label>
          Service
          <input name="service" value={service ?? ""} />
        </label>
        <details class="range" open={isOwnRange}>
          <summary>From, to</summary>
          <Limit name="from" isGiven={from !== undefined} seconds={filter.fromSeconds} zone={zone} />
          <Limit name="to" isGiven={to !== undefined} seconds={filter.toSeconds} zone={zone} />
          <input type="hidden" name="zone" value={zone} data-zone-field="" />
        </details>
        {query.live !== undefined && <input type="hidden" name="live" value="1" />}
        <button type="submit" class="main">
          Filter
        </button>
        <a href="/gui/events">Reset</a>
      </form>
      <Help />
    </search>
  );
}

/** What is wrong with a search, and where. */
function Problem({ hint, at, q }: { hint: string; at: number | undefined; q: string }) {
  const characters = [...q];
  return (
    <p class="banner problem all" id="search-problem">
      {hint}
      {at !== undefined && (
        <code class="place" aria-hidden="true">
          <bdi>{characters.slice(0, at - 1).join("")}</bdi>
          <mark>
            <bdi>{characters.slice(at - 1).join("") || "…"}</bdi>
          </mark>
        </code>
      )}
    </p>
  );
}

const EXAMPLES: [q: string, says: string][] = [
  ["timeout", "the message contains the word, in capitals or not"],
  ['"disk full"', "the phrase"],
  ["timeout -retry", "the one, and not the other"],
  ['service:"nightly backup"', "of this service"],
  ["level:>=error", "of this level and above; also =, <, <=, >"],
  ["host:web-1", "the field has this value"],
  ["status:>=500", "numbers are compared, too"],
  ["level:>=error OR timeout", "either"],
];

/** What one can search for. */
function Help() {
  return (
    <details class="help">
      <summary>How to search</summary>
      <p>
        All terms have to hold; OR stands between alternatives. A click on a field of an event adds it to the search.
      </p>
      <dl>
        {EXAMPLES.map(([q, says]) => (
          <>
            <dt>
              <a href={`/gui/events${queryOf({ q })}`}>
                <code>{q}</code>
              </a>
            </dt>
            <dd>{says}</dd>
          </>
        ))}
      </dl>
      <p>
        Live shows events as they are stored. One that is stored later than a few seconds after its date, such as those
        that a client sends after an outage, is not among them: load the page again to see it.
      </p>
    </details>
  );
}

interface LimitProps {
  name: "from" | "to";
  isGiven: boolean;
  seconds: number;
  zone: string;
}

/** A limit of the range, as clocks in a zone show it; the browser's script turns it into the viewer's own. */
function Limit({ name, isGiven, seconds, zone }: LimitProps) {
  const value = isGiven ? formatDate(seconds * SECOND_MS, zone).replace(" ", "T") : "";
  return (
    <label>
      {name === "from" ? "From" : "To"}
      <input type="datetime-local" name={name} step="1" value={value} data-date={isGiven ? iso(seconds) : undefined} />
    </label>
  );
}
