import { configOf } from "../../config.ts";
import { AppError } from "../../domain/errors.ts";
import { toSeconds } from "../../domain/time.ts";
import { readFields } from "../../http/body.ts";
import { handOver, readPage } from "../../http/bulk.ts";
import type { AppContext } from "../../http/context.ts";
import { LATEST_SECONDS, parseFields, readQuery } from "../../http/fields.ts";
import { DELIVERY_STATES } from "../../http/schemas.ts";
import { isAdmin, seenAlert, seenAnswers } from "../../http/sight.ts";
import { callMonitor } from "../../monitor/call-monitor.ts";
import { answersOf, findAlert, listAlerts } from "../../storage/alert-log.ts";
import { openDatabase } from "../../storage/database.ts";
import { notice } from "../done.ts";
import { AlertList } from "../parts/alert-list.tsx";
import { answerPage } from "../parts/layout.tsx";
import { queryOf } from "../query.ts";
import { alertsPageSchema, sendAgainSchema } from "../schemas.ts";

const PAGE_ROWS = 50;

/** The delivery log across services. */
export async function getAlertsPage(c: AppContext): Promise<Response> {
  const { service, state, before, done } = parseFields(alertsPageSchema, readQuery(c.req.url));
  const db = openDatabase(c.env.DB);
  const filter = { fromSeconds: 0, toSeconds: LATEST_SECONDS, service, state };
  const page = await readPage(c, { limit: PAGE_ROWS, beforeId: before }, (request) => listAlerts(db, filter, request));
  if (!page) return handOver(c);
  const ids = page.rows.map(({ id }) => id);
  const said = notice(done);
  return answerPage(c, {
    title: "Alerts · watchTower",
    at: "/gui/alerts",
    children: (
      <>
        <h1>Alerts</h1>
        {said !== undefined && (
          <p class="banner done" role="status">
            {said}
          </p>
        )}
        <search>
          <form class="filter" method="get" action="/gui/alerts">
            <label>
              State{" "}
              <select name="state">
                <option value="">all</option>
                {DELIVERY_STATES.map((value) => (
                  <option value={value} selected={value === state}>
                    {value}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Service <input name="service" value={service ?? ""} />
            </label>
            <button type="submit">Filter</button>
          </form>
        </search>
        <div data-live="alerts">
          <AlertList
            alerts={page.rows.map((row) => seenAlert(c, row))}
            answers={seenAnswers(c, page.rows, await answersOf(db, ids))}
            isAdmin={isAdmin(c)}
            now={toSeconds(Date.now())}
            timeZone={configOf(c.env).timeZone}
            hasServices
          />
        </div>
        <nav class="pages" aria-label="Pages of alerts">
          {before !== undefined && <a href={`/gui/alerts${queryOf({ service, state })}`}>Newest</a>}
          {page.nextId !== undefined && (
            <a rel="next" href={`/gui/alerts${queryOf({ service, state, before: page.nextId })}`}>
              Older
            </a>
          )}
        </nav>
      </>
    ),
  });
}

/** Sends an alert again that was given up. */
export async function postAlerts(c: AppContext): Promise<Response> {
  const { id } = parseFields(sendAgainSchema, await readFields(c.req.raw));
  const found = await findAlert(openDatabase(c.env.DB), id);
  if (!found) throw new AppError("not_found", "There is no such alert in the log any more.");
  const { alert, target, state, attempts } = found;
  if (state !== "failed") throw new AppError("invalid_input", "Only an alert that was given up can be sent again.");
  await callMonitor(c.env, alert.service, (monitor) => monitor.sendAgain(alert, target, attempts));
  return c.redirect("/gui/alerts?done=resent", 303);
}
