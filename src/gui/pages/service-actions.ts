import { AppError } from "../../domain/errors.ts";
import { MINUTE_MS } from "../../domain/time.ts";
import { readFields } from "../../http/body.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields, readQuery } from "../../http/fields.ts";
import { callMonitor } from "../../monitor/call-monitor.ts";
import { pathOfService } from "../../paths.ts";
import { openDatabase } from "../../storage/database.ts";
import { findService } from "../../storage/directory.ts";
import type { DONE } from "../done.ts";
import { addQuery } from "../query.ts";
import { serviceActionSchema, servicePageSchema } from "../schemas.ts";
import { serviceInPath } from "./service.tsx";

/** Does what a button of the service's page says. */
export async function postServicePage(c: AppContext): Promise<Response> {
  const { service } = parseFields(servicePageSchema, { ...readQuery(c.req.url), ...serviceInPath(c) });
  const { action, minutes } = parseFields(serviceActionSchema, await readFields(c.req.raw));
  if (!(await findService(openDatabase(c.env.DB), service))) {
    throw new AppError("not_found", "There is no service of this name.");
  }
  const untilMs = Date.now() + minutes * MINUTE_MS;
  switch (action) {
    case "test":
      await callMonitor(c.env, service, (monitor) => monitor.sendTest());
      return backTo(c, service, "tested");
    case "pause":
      await callMonitor(c.env, service, (monitor) => monitor.pause(untilMs));
      return backTo(c, service, minutes > 0 ? "paused" : "resumed");
    case "cancel":
      await callMonitor(c.env, service, (monitor) => monitor.cancel());
      return backTo(c, service, "cancelled");
    case "forget":
      await callMonitor(c.env, service, (monitor) => monitor.forget());
      return c.redirect("/gui?done=forgotten", 303);
  }
}

function backTo(c: AppContext, service: string, done: keyof typeof DONE): Response {
  return c.redirect(addQuery(pathOfService(service), { done }), 303);
}
