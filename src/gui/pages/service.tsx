import { configOf } from "../../config.ts";
import { AppError } from "../../domain/errors.ts";
import { uptimeOf } from "../../domain/history.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { formatDuration, SECOND_MS, toSeconds } from "../../domain/time.ts";
import type { AppContext } from "../../http/context.ts";
import { LATEST_SECONDS, parseFields, readQuery } from "../../http/fields.ts";
import { isAdmin, seenAlert, seenAnswers, seenService } from "../../http/sight.ts";
import { callMonitor } from "../../monitor/call-monitor.ts";
import { pathOfEvents, pathOfService } from "../../paths.ts";
import { answersOf, listAlerts } from "../../storage/alert-log.ts";
import { openDatabase } from "../../storage/database.ts";
import { findService } from "../../storage/directory.ts";
import { listEvents } from "../../storage/event-log.ts";
import { pageOfTransitions, type TransitionRow } from "../../storage/transition-log.ts";
import { addressOf } from "../address.ts";
import { dueText, stateOf, usedUp } from "../deadline.ts";
import { notice } from "../done.ts";
import { examplesOf } from "../examples.ts";
import { DAYS, lastDays, type Past, readPasts } from "../histories.ts";
import { Actions } from "../parts/actions.tsx";
import { AlertList } from "../parts/alert-list.tsx";
import { Ago, Exact, LargeStrip, percentText, ServiceName, StateSign } from "../parts/elements.tsx";
import { EventList } from "../parts/event-list.tsx";
import { answerPage } from "../parts/layout.tsx";
import { Settings } from "../parts/service-row.tsx";
import { addQuery, queryOf } from "../query.ts";
import { servicePageSchema } from "../schemas.ts";

const DAY_SECONDS = 86_400;
const SHOWN_EVENTS = 20;
const SHOWN_ALERTS = 20;
const SHOWN_CHANGES = 50;

/** The service that a path names. */
export function serviceInPath(c: AppContext): Record<string, unknown> {
  const encoded = new URL(c.req.url).pathname.replace(/^\/gui\/services\/?/, "");
  if (encoded === "") return {};
  try {
    return { service: decodeURIComponent(encoded) };
  } catch {
    throw new AppError("invalid_input", "The service's name must be percent-encoded UTF-8 in the path.");
  }
}

/** All about one service. */
export async function getServicePage(c: AppContext): Promise<Response> {
  const {
    service: name,
    before,
    done,
  } = parseFields(servicePageSchema, { ...readQuery(c.req.url), ...serviceInPath(c) });
  const db = openDatabase(c.env.DB);
  // Asked first whether there is one, so that looking never makes an object.
  const isKnown = await findService(db, name);
  const snapshot = isKnown && (await callMonitor(c.env, name, (monitor) => monitor.snapshot()));
  if (!snapshot) throw new AppError("not_found", "There is no service of this name.");
  const service = seenService(c, snapshot);
  const now = toSeconds(Date.now());
  const always = { fromSeconds: 0, toSeconds: LATEST_SECONDS, service: name };
  const [pasts, changes, events, alerts] = await Promise.all([
    readPasts(db, [service], now, false),
    pageOfTransitions(db, name, { limit: SHOWN_CHANGES, beforeId: before }),
    listEvents(db, always, { limit: SHOWN_EVENTS }),
    listAlerts(db, always, { limit: SHOWN_ALERTS }),
  ]);
  const answers = await answersOf(
    db,
    alerts.rows.map(({ id }) => id),
  );
  const { timeZone } = configOf(c.env);
  const state = stateOf(service, now);
  const said = notice(done);
  return answerPage(c, {
    title: `${name}: ${state} · watchTower`,
    at: "/gui",
    children: (
      <>
        <nav class="crumbs" aria-label="Way back">
          <a href="/gui">Services</a>
        </nav>
        {said !== undefined && (
          <p class="banner done" role="status">
            {said}
          </p>
        )}
        <div data-live="service">
          <Standing service={service} now={now} timeZone={timeZone} />
          <Uptime past={pasts.get(name)} now={now} timeZone={timeZone} />
        </div>
        {isAdmin(c) && (
          <div data-live="actions">
            <Actions service={service} now={now} />
          </div>
        )}
        <section id="history">
          <h2>History</h2>
          <div data-live="history">
            <Timeline changes={changes.rows} now={now} timeZone={timeZone} />
            <PagesOfChanges name={name} before={before} nextId={changes.nextId} />
          </div>
        </section>
        <section>
          <h2>Alerts</h2>
          <div data-live="alerts">
            <AlertList
              alerts={alerts.rows.map((row) => seenAlert(c, row))}
              answers={seenAnswers(c, alerts.rows, answers)}
              now={now}
              timeZone={timeZone}
              hasServices={false}
              isAdmin={isAdmin(c)}
            />
          </div>
          {alerts.nextId !== undefined && <a href={`/gui/alerts${queryOf({ service: name })}`}>All its alerts</a>}
        </section>
        <section>
          <h2>Events</h2>
          <div data-live="events">
            <EventList
              events={events.rows}
              timeZone={timeZone}
              linkOf={(wanted) => ("term" in wanted ? addQuery(pathOfEvents(name), { q: wanted.term }) : undefined)}
              hasServices={false}
            />
          </div>
          <a href={pathOfEvents(name)}>Search its events</a>
        </section>
        {isAdmin(c) && <Examples service={service} address={addressOf(c)} />}
      </>
    ),
  });
}

interface Props {
  service: Snapshot;
  now: number;
  timeZone: string;
}

function Standing({ service, now, timeZone }: Props) {
  const state = stateOf(service, now);
  const { service: name, status, since, last, nextIn, grace, asOf } = service;
  return (
    <section
      class={`card standing service ${state}`}
      id="standing"
      data-status={status}
      data-last={last}
      data-next-in={nextIn}
      data-grace={grace}
      data-as-of={asOf}
    >
      <h1>
        <ServiceName name={name} />
      </h1>
      <p class="now">
        <StateSign state={state} /> since <Exact date={since} timeZone={timeZone} /> (
        <Ago date={since} now={now} timeZone={timeZone} />)
      </p>
      <div class="due">
        <span class="due-text">{dueText(service, now)}</span>
        <progress value={usedUp(service, now).toFixed(3)} aria-label="time used up until the deadline" />
      </div>
      <p>
        Last pulse <Ago date={last} now={now} timeZone={timeZone} />, at <Exact date={last} timeZone={timeZone} />. It
        promised the next within {formatDuration(nextIn * SECOND_MS)}, by{" "}
        <Exact date={last + nextIn} timeZone={timeZone} />.
      </p>
      <Settings service={service} now={now} timeZone={timeZone} />
      <ul class="targets">
        {service.targets.map(({ type, target }) => (
          <li>
            <span class="tag">{type}</span> <bdi>{target}</bdi>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Uptime({ past, now, timeZone }: { past: Past | undefined; now: number; timeZone: string }) {
  const { spans = [], knownFrom } = past ?? {};
  const uptime = (days: number) => percentText(uptimeOf(spans, { from: now - days * DAY_SECONDS, to: now }));
  return (
    <section class="card uptimes" id="uptime" aria-label="Uptime">
      <LargeStrip spans={spans} window={lastDays(now)} days={DAYS} timeZone={timeZone} />
      <dl>
        <dt>last day</dt>
        <dd>{uptime(1)}</dd>
        <dt>last week</dt>
        <dd>{uptime(7)}</dd>
        <dt>last {DAYS} days</dt>
        <dd>{uptime(DAYS)}</dd>
      </dl>
      {knownFrom !== undefined && (
        <p class="empty">
          All of this is since <Exact date={knownFrom} timeZone={timeZone} />: it changed too often for more.
        </p>
      )}
    </section>
  );
}

const WORDS: Record<TransitionRow["status"], string> = {
  alive: "alive",
  dead: "dead",
  cancelled: "cancelled",
  forgotten: "forgotten",
};

/** What happened to the service, newest first; a return says how long it was missed. */
function Timeline({ changes, now, timeZone }: { changes: readonly TransitionRow[]; now: number; timeZone: string }) {
  if (changes.length === 0) return <p class="empty">Nothing is recorded.</p>;
  return (
    <ol class="timeline">
      {changes.map(({ id, status, at, expected }) => (
        <li class={status} id={`change-${id}`}>
          <span class={`state ${status === "forgotten" ? "cancelled" : status}`}>
            <span class="sign" aria-hidden="true">
              {status === "dead" ? "✖" : status === "alive" ? "●" : "○"}
            </span>{" "}
            <span class="word">{WORDS[status]}</span>
          </span>
          <Exact date={at} timeZone={timeZone} />
          <span>
            <Ago date={at} now={now} timeZone={timeZone} />
          </span>
          {expected !== null && (
            <span>
              {status === "alive" ? (
                `after ${formatDuration((at - expected) * SECOND_MS)} of downtime`
              ) : (
                <>
                  the pulse of <Exact date={expected} timeZone={timeZone} /> didn't come
                </>
              )}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

function PagesOfChanges(props: { name: string; before: string | undefined; nextId: string | undefined }) {
  const { name, before, nextId } = props;
  if (before === undefined && nextId === undefined) return null;
  const link = (id: string | undefined) => `${addQuery(pathOfService(name), { before: id })}#history`;
  return (
    <nav class="pages" aria-label="Pages of changes">
      {before === undefined ? <span>The newest {SHOWN_CHANGES} changes.</span> : <a href={link(undefined)}>Newest</a>}
      {nextId !== undefined && (
        <a rel="next" href={link(nextId)}>
          Older
        </a>
      )}
    </nav>
  );
}

function Examples({ service, address }: { service: Snapshot; address: string }) {
  const { service: name, nextIn, targets } = service;
  return (
    <section>
      <h2>How to pulse</h2>
      <p>
        With the password in the environment variable <code>WATCHTOWER_PASSWORD</code>:
      </p>
      <div class="examples">
        {examplesOf({ address, service: name, nextIn, target: targets[0] }).map(({ id, name, says, code }, i) => (
          <details id={`example-${id}`} name="example" open={i === 0}>
            <summary>{name}</summary>
            <p>{says}</p>
            <pre data-copy="">
              <code>{code}</code>
            </pre>
          </details>
        ))}
      </div>
    </section>
  );
}
