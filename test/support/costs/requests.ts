import { expect, vi } from "vitest";
import { writeKey } from "../../../src/domain/pulse-key.ts";
import { REFRESH_SECONDS } from "../../../src/domain/snapshot.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";
import { ulid, ulids } from "../../../src/domain/ulid.ts";
import { MOST_SEARCHED } from "../../../src/storage/event-log.ts";
import { call } from "../client.ts";
import { advance } from "../clock.ts";
import { issue, pulse } from "../keys.ts";
import { type Cost, costOf } from "../meter.ts";
import { breakD1, MINUTELY } from "../monitor.ts";
import { query } from "../rows.ts";
import {
  born,
  changed,
  died,
  diedUnheard,
  ELEVEN,
  FURTHER,
  happened,
  intoPeriod,
  listed,
  newName,
  ofPage,
  ofPulse,
  ofRequest,
  ofTail,
  overdue,
  ruled,
  told,
} from "./stage.ts";

/** A batch of events. */
const batchOf = (count: number, fields: object = {}) =>
  Array.from({ length: count }, (_, i) => ({ service: "a", message: `event ${i}`, ...fields }));

/** What a pulse by a key costs. */
const ofKey = (key: string, service: string, status = 200) =>
  costOf(async () => expect((await pulse(key, { service })).status).toBe(status), { services: [service] });

/**
 * What each route costs in the cases that docs/deploy.md lists, in its order. Each is the worst of its kind: what may be
 * many, such as targets, is as many as is allowed.
 */
export const REQUESTS: [name: string, measure: () => Promise<Cost>][] = [
  ["`POST /`: a pulse as promised", async () => ofPulse(await born())],
  [
    "`POST /`: as promised, by a pulse key",
    async () => {
      const service = await born();
      return ofKey(await issue(service), service);
    },
  ],
  [
    "`POST /`: by a pulse key that was revoked, or for more than it allows",
    async () => {
      const service = await born();
      const key = await issue(service);
      await issue(service);
      return ofKey(key, service, 403);
    },
  ],
  [
    "`POST /`: the first in ten minutes",
    async () => {
      const service = await born({ ...MINUTELY, nextInSeconds: 3_600 });
      intoPeriod(service, REFRESH_SECONDS);
      return ofPulse(service, { nextIn: 3_600 });
    },
  ],
  ["`POST /`: it promises another time", async () => ofPulse(await born(), { nextIn: 120 })],
  ["`POST /`: the first of a service", () => ofPulse(newName())],
  [
    "`POST /`: it changes 11 targets",
    async () =>
      ofPulse(await born(), { alerts: FURTHER.map(({ type, target }) => ({ type, target: `${target}/new` })) }),
  ],
  ["`POST /`: it revives, 1 target", async () => ofPulse(await died())],
  ["`POST /`: it revives, 11 targets", async () => ofPulse(await died(ELEVEN), { alerts: FURTHER })],
  [
    "`POST /`: it revives before the death is noticed, 11 targets",
    async () => {
      const service = await born(ELEVEN);
      advance(MINUTE_MS);
      return ofPulse(service, { alerts: FURTHER });
    },
  ],
  [
    "`DELETE /`: cancel",
    async () => {
      const service = await born();
      return ofRequest("DELETE", "/", { body: { service }, services: [service] });
    },
  ],
  [
    "`DELETE /`: cancel, 11 death notices not delivered",
    async () => {
      const service = await diedUnheard(ELEVEN);
      return ofRequest("DELETE", "/", { body: { service }, services: [service] });
    },
  ],
  [
    "`DELETE /`: forget",
    async () => {
      const service = await born();
      return ofRequest("DELETE", "/", { body: { service, forget: true }, services: [service] });
    },
  ],
  [
    "`POST /key`: always",
    async () => {
      const service = await born();
      return ofRequest("POST", "/key", { body: { service, maxNextIn: 60 }, services: [service] });
    },
  ],
  [
    "`DELETE /key`: of a service that pulsed",
    async () => {
      const service = await born();
      await issue(service);
      return ofRequest("DELETE", "/key", { body: { service }, services: [service] });
    },
  ],
  [
    "`DELETE /key`: of one that never did",
    async () => {
      const service = newName();
      await issue(service);
      return ofRequest("DELETE", "/key", { body: { service }, services: [service] });
    },
  ],
  [
    "`GET /heartbeat/NAME`: there is one",
    async () => {
      const service = await born();
      return ofRequest("GET", `/heartbeat/${service}`, { services: [service] });
    },
  ],
  ["`GET /heartbeat/NAME`: there is none", () => ofRequest("GET", "/heartbeat/nobody", { status: 404 })],
  [
    "`GET /`: 10 services in time",
    async () => {
      await listed(10);
      return ofRequest("GET", "/");
    },
  ],
  ["`GET /`: 10 overdue", async () => ofRequest("GET", "/", { services: await overdue(10) })],
  [
    "`GET /`: 1,000 in time",
    async () => {
      await listed(1_000);
      return ofRequest("GET", "/");
    },
  ],
  ["`GET /`: 1,000 overdue", async () => ofRequest("GET", "/", { services: await overdue(1_000) })],
  ["`GET /`: 10,000 overdue", async () => ofRequest("GET", "/", { services: await overdue(10_000) })],
  ["`POST /event`: level 0 to 3", () => ofRequest("POST", "/event", { body: { service: "a", message: "hello" } })],
  [
    "`POST /event`: from level 4 on",
    () => ofRequest("POST", "/event", { body: { service: "a", message: "hello", level: 4 } }),
  ],
  [
    "`POST /event`: with `alert`",
    () => {
      const service = newName();
      const body = { service, message: "hello", level: 4, alert: true };
      return ofRequest("POST", "/event", { body, services: [service] });
    },
  ],
  [
    "`POST /event`: 100 rules were read more than 45 seconds ago",
    async () => {
      await ruled(100, { q: '"nothing like this"' });
      advance(MINUTE_MS);
      return ofRequest("POST", "/event", { body: { service: "a", message: "hello" } });
    },
  ],
  [
    "`POST /event`: it matches a rule",
    async () => {
      const rules = await ruled(1, { q: "hello", count: 1_000 });
      return ofRequest("POST", "/event", { body: { service: "a", message: "hello" }, rules });
    },
  ],
  [
    "`POST /event`: D1 fails, and it is queued",
    () => {
      // Of the buffers, which are taken by chance, another than below: one that holds something writes less.
      vi.spyOn(Math, "random").mockReturnValue(0);
      const mend = breakD1();
      return ofRequest("POST", "/event", { body: { service: "a", message: "hello" } }).finally(mend);
    },
  ],
  [
    "`POST /event`: with an `id` that was there before",
    async () => {
      const body = { service: "a", message: "hello", id: ulid(Date.now()) };
      await call("POST", "/event", { body });
      return ofRequest("POST", "/event", { body });
    },
  ],
  ["`POST /events`: 1,000, level 0 to 3", () => ofRequest("POST", "/events", { body: batchOf(1_000) })],
  [
    "`POST /events`: 1,000, from level 4 on",
    () => ofRequest("POST", "/events", { body: batchOf(1_000, { level: 4 }) }),
  ],
  [
    "`POST /events`: 1,000 with ids that were there before",
    async () => {
      const body = ulids(Date.now(), 1_000).map((id) => ({ service: "a", message: "hello", id }));
      await call("POST", "/events", { body });
      return ofRequest("POST", "/events", { body });
    },
  ],
  [
    "`POST /events`: 50 of one service, with `alert` and an `id`",
    () => {
      const service = newName();
      const body = ulids(Date.now(), 50).map((id) => ({ service, message: "hello", level: 4, alert: true, id }));
      return ofRequest("POST", "/events", { body, services: [service] });
    },
  ],
  [
    "`POST /events`: D1 fails, and 1,000 are queued",
    () => {
      vi.spyOn(Math, "random").mockReturnValue(0.99);
      const mend = breakD1();
      return ofRequest("POST", "/events", { body: batchOf(1_000) }).finally(mend);
    },
  ],
  [
    "`POST /v1/logs`: 1,000 records, level 0 to 3",
    () => {
      const logRecords = Array.from({ length: 1_000 }, (_, i) => ({ body: { stringValue: `record ${i}` } }));
      return ofRequest("POST", "/v1/logs", { body: { resourceLogs: [{ scopeLogs: [{ logRecords }] }] } });
    },
  ],
  ["`GET /events/tail`: a look that finds nothing", () => ofTail(0)],
  [
    "`GET /events/tail`: it goes on where 1,000 events have come since",
    async () => {
      await happened(1_000);
      return ofTail(1_000);
    },
  ],
  [
    "`GET /events`: 1,000, the default",
    async () => {
      await happened(1_001);
      return ofRequest("GET", "/events");
    },
  ],
  [
    "`GET /events`: 10,000, the most",
    async () => {
      await happened(10_001);
      return ofRequest("GET", "/events?limit=10000");
    },
  ],
  [
    "`GET /events`: 10,000, of which 1,000 are longer than 800 bytes",
    async () => {
      await happened(9_001);
      await happened(1_000, { message: "x".repeat(2_000) });
      return ofRequest("GET", "/events?limit=10000");
    },
  ],
  [
    "`GET /events`: a search that finds nothing",
    async () => {
      await happened(MOST_SEARCHED + 1);
      return ofRequest("GET", "/events?message=nowhere");
    },
  ],
  [
    "`GET /events`: a search for a field whose name is not plain, of 5 that each event has",
    async () => {
      await happened(MOST_SEARCHED + 1, { fields: { a: 1, b: 2, c: 3, d: 4, e: 5 } });
      return ofRequest("GET", `/events?q=${encodeURIComponent('"what?":5')}`);
    },
  ],
  [
    "`GET /events/stats`: 10,000 events",
    async () => {
      await happened(10_000);
      return ofRequest("GET", "/events/stats");
    },
  ],
  [
    "`GET /events/export`: 10,000 events",
    async () => {
      await happened(10_000);
      return ofRequest("GET", "/events/export");
    },
  ],
  [
    "`GET /alerts`: 100, the default",
    async () => {
      await told(101);
      return ofRequest("GET", "/alerts");
    },
  ],
  [
    "`GET /alerts`: 10,000, the most",
    async () => {
      await told(10_001);
      return ofRequest("GET", "/alerts?limit=10000");
    },
  ],
  [
    "`GET /rules`: 100",
    async () => {
      await ruled(100, { q: "x" });
      return ofRequest("GET", "/rules");
    },
  ],
  [
    "`GET /rules/NAME`: always",
    async () => {
      const [name = ""] = await ruled(100, { q: "x" });
      return ofRequest("GET", `/rules/${encodeURIComponent(name)}`);
    },
  ],
  [
    "`PUT /rules/NAME`: the last of 100",
    async () => {
      await ruled(99, { q: "x" });
      return ofRequest("PUT", "/rules/last", { body: { q: "x" } });
    },
  ],
  [
    "`DELETE /rules/NAME`: always",
    async () => {
      const rules = await ruled(1, { q: "hello", count: 1_000 });
      await call("POST", "/event", { body: { service: "a", message: "hello" } });
      return ofRequest("DELETE", `/rules/${encodeURIComponent(rules[0] ?? "")}`, { rules });
    },
  ],
  [
    "`GET /hello`, `GET /pings`: always",
    async () => {
      const [hello, pings] = [await ofRequest("GET", "/hello"), await ofRequest("GET", "/pings")];
      expect(pings).toEqual(hello);
      return hello;
    },
  ],
  ["`GET /health`: always", () => ofRequest("GET", "/health")],
  [
    "`GET /gui`: 10 services in time",
    async () => {
      await listed(10);
      return ofPage("/gui");
    },
  ],
  [
    "`GET /gui`: 1,000 overdue, 9,900 changes in 30 days",
    async () => {
      const services = await overdue(1_000);
      await changed(9_900, services[0]);
      return ofPage("/gui", services);
    },
  ],
  [
    "`GET /gui`: 1,000 overdue, of which 20 changed 501 times in 30 days",
    async () => {
      const services = await overdue(1_000);
      for (const service of services.slice(0, 20)) await changed(501, service);
      return ofPage("/gui", services);
    },
  ],
  [
    "`GET /gui/refresh`: nothing has changed of 1,000",
    async () => {
      await listed(1_000);
      return ofPage(`/gui/refresh?after=${Number.MAX_SAFE_INTEGER}`);
    },
  ],
  [
    "`GET /gui/refresh`: 20 of 1,000 on screen, overdue",
    async () => {
      const services = (await overdue(1_000)).slice(0, 20);
      const names = services.map((name) => `&overdue=${encodeURIComponent(name)}`).join("");
      return ofPage(`/gui/refresh?after=${Number.MAX_SAFE_INTEGER}${names}`, services);
    },
  ],
  [
    "`GET /gui/names`: 1,000 services, one was forgotten",
    async () => {
      await listed(1_000);
      return ofPage("/gui/names");
    },
  ],
  [
    "`GET /gui/dead`: 10 dead of 1,000",
    async () => {
      await listed(1_000);
      await query("update services set status = 'dead' where service < 'listed 00010'");
      return ofPage("/gui/dead");
    },
  ],
  [
    "`GET /gui/services/NAME`: 1,000 changes, 20 alerts, 20 events",
    async () => {
      const service = await born();
      await changed(1_001, service);
      await told(21, service);
      await happened(21, { service });
      return ofPage(`/gui/services/${encodeURIComponent(service)}`, [service]);
    },
  ],
  [
    "`GET /gui/events`: 100 events of 10,000",
    async () => {
      await happened(10_001);
      return ofPage("/gui/events");
    },
  ],
  [
    "`GET /gui/events`: a search that finds nothing",
    async () => {
      await happened(MOST_SEARCHED + 1);
      return ofPage("/gui/events?message=nowhere");
    },
  ],
  [
    "`GET /gui/events/new`: nothing is new",
    async () => {
      await happened(1_000);
      return ofPage("/gui/events/new");
    },
  ],
  [
    "`GET /gui/alerts`: 50 alerts",
    async () => {
      await told(51);
      return ofPage("/gui/alerts");
    },
  ],
  [
    "`GET /gui/rules`: 100 rules, 1,000 alerts",
    async () => {
      await ruled(100, { q: "x" });
      await told(1_001);
      return ofPage("/gui/rules");
    },
  ],
  [
    "what is refused: 400, 403, 405, 413, or no such route",
    async () => {
      const refused = async (status: number, method: string, path: string, init: Parameters<typeof call>[2] = {}) =>
        costOf(async () => expect((await call(method, path, init)).status).toBe(status));
      const costs = [
        await refused(400, "POST", "/", { body: { service: "a" } }),
        await refused(400, "POST", "/event", { raw: "{" }),
        await refused(400, "GET", "/events?limit=0"),
        await refused(403, "GET", "/", { headers: { password: "wrong" } }),
        await refused(403, "POST", "/", { headers: { password: writeKey("a", 1, "A".repeat(43)) } }),
        await refused(404, "GET", "/nowhere"),
        await refused(405, "PUT", "/"),
        await refused(413, "POST", "/event", { raw: "x".repeat(600_000) }),
      ];
      for (const cost of costs) expect(cost).toEqual(costs[0]);
      return costs[0] as Cost;
    },
  ],
];
