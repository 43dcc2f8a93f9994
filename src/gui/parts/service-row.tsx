import { uptimeOf } from "../../domain/history.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { formatDuration, SECOND_MS } from "../../domain/time.ts";
import { dueText, stateOf, usedUp } from "../deadline.ts";
import { DAYS, lastDays, type Past } from "../histories.ts";
import { Ago, Exact, percentText, ServiceName, StateSign, Strip } from "./elements.tsx";

interface RowProps {
  service: Snapshot;
  past: Past | undefined;
  /** Seconds since the epoch. */
  now: number;
  timeZone: string;
  isHidden?: boolean;
}

/** A service in the overview. Its attributes are what the browser's script goes on from. */
export function ServiceRow({ service, past, now, timeZone, isHidden = false }: RowProps) {
  const { service: name, status, last, nextIn, grace, asOf } = service;
  const state = stateOf(service, now);
  const window = lastDays(now);
  const { spans = [], knownFrom } = past ?? {};
  return (
    <li
      class={`service ${state}`}
      data-service={name}
      data-status={status}
      data-last={last}
      data-next-in={nextIn}
      data-grace={grace}
      data-as-of={asOf}
      hidden={isHidden}
    >
      <StateSign state={state} />
      <div class="who">
        <ServiceName name={name} />
        <Settings service={service} now={now} timeZone={timeZone} />
      </div>
      <div class="due">
        <span class="due-text">{dueText(service, now)}</span>
        <progress value={usedUp(service, now).toFixed(3)} aria-label="time used up until the deadline" />
      </div>
      <div class="last">
        pulsed <Ago date={last} now={now} timeZone={timeZone} />
      </div>
      <div class="record">
        <Strip spans={spans} window={window} days={DAYS} />
        <span class="uptime">
          {percentText(uptimeOf(spans, window))}
          {knownFrom !== undefined && (
            <small>
              {" "}
              since <Ago date={knownFrom} now={now} timeZone={timeZone} />
            </small>
          )}
        </span>
      </div>
    </li>
  );
}

/** What is set for a service: who is told, and whatever is not as usual. */
export function Settings({ service, now, timeZone }: Pick<RowProps, "service" | "now" | "timeZone">) {
  const { targets, nextIn, grace, graceIsOwn, remindEvery, pauseUntil } = service;
  const duration = (seconds: number) => formatDuration(seconds * SECOND_MS);
  return (
    <span class="settings">
      {targets.map(({ type, target }) => (
        <span class="tag" title={target}>
          {type}
        </span>
      ))}
      <span>every {duration(nextIn)}</span>
      {graceIsOwn && <span>grace {duration(grace)}</span>}
      {remindEvery > 0 && <span>reminds every {duration(remindEvery)}</span>}
      {pauseUntil !== undefined && pauseUntil > now && (
        <span class="paused">
          paused until <Exact date={pauseUntil} timeZone={timeZone} />
        </span>
      )}
    </span>
  );
}
