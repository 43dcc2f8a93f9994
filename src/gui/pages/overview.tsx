import { configOf } from "../../config.ts";
import type { Span } from "../../domain/history.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { toSeconds } from "../../domain/time.ts";
import { handOver, IN_A_REQUEST } from "../../http/bulk.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields, readQuery } from "../../http/fields.ts";
import { listHeartbeats } from "../../http/heartbeat-list.ts";
import { isAdmin, seenService } from "../../http/sight.ts";
import { openDatabase } from "../../storage/database.ts";
import { addressOf } from "../address.ts";
import {
  byUrgency,
  type Counts,
  countStates,
  headline,
  SIGNS,
  STATES,
  type State,
  stateOf,
  titleOf,
  worstOf,
} from "../deadline.ts";
import { notice } from "../done.ts";
import { curlExample } from "../examples.ts";
import { readHistories } from "../histories.ts";
import { answerPage } from "../parts/layout.tsx";
import { ServiceRow } from "../parts/service-row.tsx";
import { overviewSchema } from "../schemas.ts";

/** The clocks of D1 and of this Worker may differ by so much: what is read twice does no harm. */
const CLOCK_SLACK_MS = 10_000;

/** All services, the most urgent first. */
export async function getOverview(c: AppContext): Promise<Response> {
  const { q = "", state, done } = parseFields(overviewSchema, readQuery(c.req.url));
  const nowMs = Date.now();
  const now = toSeconds(nowMs);
  const services = await listHeartbeats(c.env, nowMs, IN_A_REQUEST.shownServices);
  if (!services) return handOver(c);
  const histories = await readHistories(openDatabase(c.env.DB), services, now, true);
  const counts = countStates(services, now);
  return answerPage(c, {
    title: titleOf(counts),
    at: "/gui",
    isDead: counts.dead > 0,
    reloadEvery: 60,
    children: (
      <Overview
        services={services.map((service) => seenService(c, service)).sort(byUrgency(now))}
        histories={histories}
        counts={counts}
        filter={{ q, state }}
        now={now}
        cursorMs={nowMs - CLOCK_SLACK_MS}
        timeZone={configOf(c.env).timeZone}
        address={addressOf(c)}
        said={notice(done)}
        isAdmin={isAdmin(c)}
      />
    ),
  });
}

interface OverviewProps {
  services: Snapshot[];
  histories: ReadonlyMap<string, Span[]>;
  counts: Counts;
  filter: { q: string; state: State | undefined };
  now: number;
  cursorMs: number;
  timeZone: string;
  address: string;
  said: string | undefined;
  isAdmin: boolean;
}

function Overview(props: OverviewProps) {
  const { services, histories, counts, filter, now, cursorMs, timeZone, address, said, isAdmin } = props;
  const isShown = (service: Snapshot) =>
    (filter.state === undefined || stateOf(service, now) === filter.state) &&
    service.service.toLowerCase().includes(filter.q.toLowerCase());
  return (
    <>
      <h1 class={`headline ${worstOf(counts)}`} data-headline="">
        {headline(counts)}
      </h1>
      {said !== undefined && (
        <p class="banner done" role="status">
          {said}
        </p>
      )}
      {isAdmin && <FirstPulse address={address} isHidden={services.length > 0} />}
      <search>
        <form class="filter" method="get" action="/gui" hidden={services.length === 0}>
          <div class="chips">
            <Chip state={undefined} count={services.length} filter={filter} />
            {STATES.map((state) => (
              <Chip state={state} count={counts[state]} filter={filter} />
            ))}
          </div>
          {filter.state !== undefined && <input type="hidden" name="state" value={filter.state} />}
          <input type="search" name="q" value={filter.q} placeholder="Filter by name" aria-label="Filter by name" />
          <noscript>
            <button type="submit">Filter</button>
          </noscript>
        </form>
      </search>
      <ol class="services" data-services="" data-after={cursorMs} aria-label="Services, the most urgent first">
        {services.map((service) => (
          <ServiceRow
            service={service}
            spans={histories.get(service.service) ?? []}
            now={now}
            timeZone={timeZone}
            isHidden={!isShown(service)}
          />
        ))}
      </ol>
      <p class="empty" data-no-match="" hidden={services.length === 0 || services.some(isShown)}>
        No service matches.
      </p>
    </>
  );
}

function Chip({ state, count, filter }: { state: State | undefined; count: number; filter: OverviewProps["filter"] }) {
  const query = new URLSearchParams({ ...(state && { state }), ...(filter.q && { q: filter.q }) }).toString();
  return (
    <a
      class={`chip ${state ?? "all"}`}
      href={query ? `/gui?${query}` : "/gui"}
      data-state={state ?? ""}
      aria-current={state === filter.state ? "true" : undefined}
    >
      {state && (
        <span class="sign" aria-hidden="true">
          {SIGNS[state]}{" "}
        </span>
      )}
      {state ?? "all"} <b>{count}</b>
    </a>
  );
}

/** What to do where there is nothing to see. */
function FirstPulse({ address, isHidden }: { address: string; isHidden: boolean }) {
  return (
    <section class="card" data-first-pulse="" hidden={isHidden}>
      <h2>Let something pulse</h2>
      <p>
        Paste this into a terminal, with your password in <code>WATCHTOWER_PASSWORD</code>. It makes a service that
        promises to pulse again within a minute. It appears here by itself, and when it breaks its promise, you see
        that, too.
      </p>
      <pre>
        <code>{curlExample({ address, service: "my first service", nextIn: 60 })}</code>
      </pre>
    </section>
  );
}
