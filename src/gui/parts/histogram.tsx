import { formatDate, SECOND_MS } from "../../domain/time.ts";
import type { EventCount } from "../../storage/event-counts.ts";
import { classOfLevel, Exact, iso } from "./elements.tsx";

/** How many bars a range has. */
export const BARS = 60;

const CLASSES = ["error", "warning", "plain"] as const;
const HEIGHT = 20;

interface HistogramProps {
  counts: readonly EventCount[];
  range: { fromSeconds: number; toSeconds: number };
  /** Since when events were counted, where they were too many to count all. */
  countedFrom: number | undefined;
  timeZone: string;
  /** Where a click on a bar leads. */
  linkOf: (range: { from: number; to: number }) => string;
}

/** How many events there were, over a range: each bar leads to its part of it. */
export function Histogram({ counts, range, countedFrom, timeZone, linkOf }: HistogramProps) {
  const bars = Array.from({ length: BARS }, () => ({ error: 0, warning: 0, plain: 0 }));
  for (const { bucket, level, count } of counts) {
    const bar = bars[bucket];
    if (bar) bar[classOfLevel(level)] += count;
  }
  const totals = bars.map(({ error, warning, plain }) => error + warning + plain);
  const most = Math.max(1, ...totals);
  const total = totals.reduce((sum, count) => sum + count, 0);
  const seconds = (range.toSeconds + 1 - range.fromSeconds) / BARS;
  return (
    <figure class="histogram">
      <svg viewBox={`0 0 ${BARS} ${HEIGHT}`} preserveAspectRatio="none" aria-label="Events over time">
        {bars.map((bar, i) => {
          if (totals[i] === 0) return null;
          const from = Math.floor(range.fromSeconds + i * seconds);
          const to = Math.max(from, Math.ceil(from + seconds) - 1);
          const text = `${formatDate(from * SECOND_MS, timeZone)}: ${counted(totals[i] ?? 0, "event")}, ${counted(bar.error, "error")}, ${counted(bar.warning, "warning")}`;
          let top = HEIGHT;
          return (
            <a href={linkOf({ from, to })} aria-label={text} data-date={iso(from)}>
              <title data-date={iso(from)}>{text}</title>
              {CLASSES.map((of) => {
                const height = (bar[of] / most) * HEIGHT;
                top -= height;
                return (
                  height > 0 && (
                    <rect class={of} x={i + 0.1} width="0.8" y={top.toFixed(2)} height={height.toFixed(2)} />
                  )
                );
              })}
            </a>
          );
        })}
      </svg>
      <figcaption>
        <span>
          <Exact date={range.fromSeconds} timeZone={timeZone} />
        </span>
        <span>
          {counted(total, "event")}
          {countedFrom !== undefined && (
            <>
              , counted since <Exact date={countedFrom} timeZone={timeZone} />: before that there are too many
            </>
          )}
        </span>
        <span>
          <Exact date={range.toSeconds} timeZone={timeZone} />
        </span>
      </figcaption>
    </figure>
  );
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
