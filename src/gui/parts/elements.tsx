import { hashOf } from "../../domain/hash.ts";
import {
  type Condition,
  conditionIn,
  partsOf,
  type Span,
  secondsOf,
  uptimeOf,
  type Window,
} from "../../domain/history.ts";
import { levelName } from "../../domain/level.ts";
import { formatDate, formatDuration, SECOND_MS } from "../../domain/time.ts";
import { pathOfService } from "../../paths.ts";
import { agoText, SIGNS, type State } from "../deadline.ts";

const HUES = 16;

/** A name in a colour of its own, by which it is found again everywhere. */
export function ServiceName({ name, href = pathOfService(name) }: { name: string; href?: string }) {
  return (
    <a class={`name hue-${hashOf(name) % HUES}`} href={href} aria-label={labelOf(name)}>
      <bdi>{name}</bdi>
    </a>
  );
}

/** What is read out of a name of which nothing is seen; undefined of any other. */
function labelOf(name: string): string | undefined {
  if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(name)) return undefined;
  const codes = [...name].slice(0, 8).map((one) => one.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0"));
  return `a name of U+${codes.join(" U+")}`;
}

/** A state by shape, colour and word. */
export function StateSign({ state }: { state: State }) {
  return (
    <span class={`state ${state}`}>
      <span class="sign" aria-hidden="true">
        {SIGNS[state]}
      </span>{" "}
      <span class="word">{state}</span>
    </span>
  );
}

interface DateProps {
  /** Seconds since the epoch. */
  date: number;
  timeZone: string;
}

/** A date as the browser's script understands it, which turns it into the viewer's own zone. */
export function iso(date: number): string {
  return new Date(date * SECOND_MS).toISOString().replace(".000", "");
}

/** A date; the browser's script turns it into the viewer's own zone. */
export function Exact({ date, timeZone }: DateProps) {
  return <time datetime={iso(date)}>{formatDate(date * SECOND_MS, timeZone)}</time>;
}

/** How long ago a date was; the date itself on hover. */
export function Ago({ date, timeZone, now }: DateProps & { now: number }) {
  return (
    <time datetime={iso(date)} data-ago="" title={formatDate(date * SECOND_MS, timeZone)}>
      {agoText(date, now)}
    </time>
  );
}

/** A share as people read it: what is not all is never shown as 100 %. */
export function percentText(share: number | undefined): string {
  if (share === undefined) return "–";
  const percent = Math.floor(share * 10_000) / 100;
  return `${percent === 100 ? "100" : percent.toFixed(2)} %`;
}

/** The days of a history as a strip, each day one bar: down is red and taller, unknown is grey and flat. */
export function Strip({ spans, window, days }: { spans: readonly Span[]; window: Window; days: number }) {
  const conditions = partsOf(window, days).map((day) => conditionIn(spans, day));
  const count = (condition: string) => conditions.filter((of) => of === condition).length;
  return (
    <svg
      class="strip"
      viewBox={`0 0 ${days} 8`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`last ${days} days: ${count("up")} up, ${count("down")} with downtime, ${count("unknown")} unknown`}
    >
      <path class="unknown" d={barsOf(conditions, "unknown", 6)} />
      <path class="up" d={barsOf(conditions, "up", 2)} />
      <path class="down" d={barsOf(conditions, "down", 0)} />
    </svg>
  );
}

/** The bars of one condition as a path; those side by side as one, since most days are like the day before. */
function barsOf(conditions: readonly Condition[], wanted: Condition, top: number): string {
  let path = "";
  for (let start = 0; start < conditions.length; start++) {
    if (conditions[start] !== wanted) continue;
    let end = start + 1;
    while (conditions[end] === wanted) end++;
    path += `M${start} ${top}h${end - start}V8h${start - end}z`;
    start = end;
  }
  return path;
}

/** The strip of one service, each day with what it was like. */
export function LargeStrip({
  spans,
  window,
  days,
  timeZone,
}: {
  spans: readonly Span[];
  window: Window;
  days: number;
  timeZone: string;
}) {
  return (
    <ol class="days" aria-label={`The last ${days} days`}>
      {partsOf(window, days).map((day) => {
        const condition = conditionIn(spans, day);
        const { up, down } = secondsOf(spans, day);
        const said =
          condition === "down"
            ? `down for ${formatDuration(down * SECOND_MS)}, up ${percentText(uptimeOf(spans, day))}`
            : up > 0
              ? "up"
              : "not watched";
        const text = `24 hours from ${formatDate(day.from * SECOND_MS, timeZone).slice(0, 16)}: ${said}`;
        return (
          <li class={condition} title={text} data-date={iso(day.from)}>
            <span class="hidden" data-date={iso(day.from)}>
              {text}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** The class of a level: what people tell apart at a glance. */
export function classOfLevel(level: number): "error" | "warning" | "plain" {
  if (level >= 4) return "error";
  return level === 3 ? "warning" : "plain";
}

/** A level by word and colour. */
export function Level({ level, href }: { level: number; href?: string }) {
  const label = <span class={`level ${classOfLevel(level)}`}>{levelName(level)}</span>;
  return href === undefined ? label : <a href={href}>{label}</a>;
}

const FOLDED_CHARACTERS = 240;
const FOLDED_LINES = 3;
/** What people take for one character has hardly more than this. */
const LONGEST_CHARACTER = 40;
const characters = new Intl.Segmenter("en");

/** The start of a text; what people take for one character is not cut. */
function startOf(text: string): string {
  const lines = text.split("\n", FOLDED_LINES).join("\n");
  if (lines.length <= FOLDED_CHARACTERS) return lines.toWellFormed();
  const from = FOLDED_CHARACTERS - LONGEST_CHARACTER;
  const around = lines.slice(from, FOLDED_CHARACTERS + LONGEST_CHARACTER);
  const ends = [...characters.segment(around)].map(({ index }) => from + index);
  return lines
    .slice(
      0,
      ends.findLast((end) => end <= FOLDED_CHARACTERS),
    )
    .toWellFormed();
}

/** A message; a long one is folded. */
export function Message({ text }: { text: string }) {
  const start = startOf(text);
  if (start === text) {
    return (
      <span class="message">
        <bdi>{text}</bdi>
      </span>
    );
  }
  return (
    <details class="message">
      <summary>
        <span class="start">
          <bdi>{start}</bdi>…
        </span>
        <span class="less">Less</span>
      </summary>
      <pre dir="auto">{text}</pre>
    </details>
  );
}
