import { configOf } from "../../config.ts";
import type { AppContext } from "../../http/context.ts";
import { answerExport } from "../../http/event-export.ts";
import { parseFields, readQuery } from "../../http/fields.ts";
import { filterOf } from "../event-filter.ts";
import { exportPageSchema } from "../schemas.ts";

/** All events that a page's address asks for, as a file. The session opens this; the API asks for a password. */
export function getExportOfPage(c: AppContext): Promise<Response> {
  const { format, ...query } = parseFields(exportPageSchema, readQuery(c.req.url));
  return answerExport(c, filterOf(query, configOf(c.env), Date.now()), { format, humanDates: false });
}
