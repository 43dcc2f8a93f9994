import { configOf } from "../../config.ts";
import { toSeconds } from "../../domain/time.ts";
import { handOver, IN_A_REQUEST } from "../../http/bulk.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields, readQuery, readValues } from "../../http/fields.ts";
import { askOverdue } from "../../http/heartbeat-list.ts";
import { seenService } from "../../http/sight.ts";
import { openDatabase } from "../../storage/database.ts";
import { listChanges } from "../../storage/directory.ts";
import { readHistories } from "../histories.ts";
import { ServiceRow } from "../parts/service-row.tsx";
import { refreshSchema } from "../schemas.ts";

/**
 * What has changed in the overview since it was made or refreshed: the rows that D1 wrote since then, and those of the
 * rows on screen that the browser finds overdue, as their objects say.
 */
export async function getRefresh(c: AppContext): Promise<Response> {
  const { after } = parseFields(refreshSchema, readQuery(c.req.url, "overdue"));
  const names = new Set(readValues(c.req.url, "overdue"));
  const nowMs = Date.now();
  const now = toSeconds(nowMs);
  const db = openDatabase(c.env.DB);
  const { rows, total, cursorMs } = await listChanges(db, after, [...names]);
  if (c.env.BULK_READER && rows.length > IN_A_REQUEST.shownServices) return handOver(c);
  const known = await askOverdue(
    c.env,
    rows.filter(({ service }) => names.has(service)),
    nowMs,
  );
  const shown = rows.flatMap((row) => {
    const answer = known.get(row.service);
    return answer === null ? [] : [answer ?? row];
  });
  const histories = await readHistories(db, shown, now, false);
  const { timeZone } = configOf(c.env);
  return c.json({
    now: nowMs,
    after: cursorMs,
    // Those that turned out to be forgotten are counted no more.
    total: total - (rows.length - shown.length),
    rows: shown.map((service) => {
      const spans = histories.get(service.service) ?? [];
      return (<ServiceRow service={seenService(c, service)} spans={spans} now={now} timeZone={timeZone} />).toString();
    }),
  });
}
