import {
  createScheduledController,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import doc from "../../docs/operations.md?raw";
import { configOf, type Env } from "../../src/config.ts";
import type { Alert } from "../../src/domain/alert.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, toSeconds } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { IN_A_REQUEST } from "../../src/http/bulk.ts";
import worker from "../../src/index.ts";
import type { Messenger } from "../../src/monitor/messenger.ts";
import { RuleBook } from "../../src/monitor/rule-book.ts";
import { listsOf } from "../../src/storage/add-events.ts";
import { callWith, visit } from "../support/app.ts";
import { runBufferAlarm } from "../support/buffer.ts";
import { call, PASSWORD } from "../support/client.ts";
import { advance, useTestClock } from "../support/clock.ts";
import { Visitor } from "../support/gui.ts";
import { breakD1, DEFAULT_HOOK, interceptProviders, monitorOf, type Received, runAlarm } from "../support/monitor.ts";
import {
  alertRecord,
  event,
  query,
  snapshot,
  storeAlerts,
  storeEvents,
  storeServices,
  storeTransitions,
} from "../support/rows.ts";
import { realSentinel } from "../support/sentinel.ts";
import { EventReader } from "../support/sse.ts";

useTestClock();

/** In everything that must not be logged, whatever it is hidden in. */
const MARK = "hush";
const PUSHOVER = { type: "pushover", target: `u${MARK}po4DXghDmr9QzzfQu27cmVRsG` };
const MAIL = { type: "mail", target: `${MARK}@mail.example` };
const WEBHOOK = { type: "webhook", target: `https://ann:${MARK}@hooks.example/${MARK}/path?token=${MARK}#${MARK}` };
const MESSAGE = `the ${MARK}\nof the "night"`;

/** The whole of each, and how each may look once it was put into a header or a path. */
const SECRETS = [
  PASSWORD,
  env.PASSWORD_PREVIOUS,
  env.PASSWORD_READ,
  env.PULSE_KEY_SECRET,
  env.PUSHOVER_TOKEN,
  env.MAILCHANNELS_API_KEY,
  env.WEBHOOK_SECRET,
  env.MAIL_FROM,
  env.DEFAULT_ALERT_TARGET,
  MARK,
  "mail.example",
  "hooks.example",
  "default.example",
]
  .filter((secret) => secret !== undefined)
  .flatMap((secret) => [secret, encodeURIComponent(secret), btoa(secret), btoa(`ann:${secret}`)]);

/** An alert that may be part of a digest. */
const digestible = (service: string): Alert => ({
  id: ulid(Date.now()),
  kind: "dead",
  service,
  dateMs: Date.now(),
  title: `Service ${service} has not pulsed`,
  message: MESSAGE,
});

/** What the page says of an event: its levels, and its fields at each. */
const documented = new Map<string, Map<string, Set<string>>>();
let fieldsAbove: string[] = [];
const words = (cell = "") => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);
for (const [, names, level = "", fields = ""] of doc.matchAll(
  /^\| (`[^|]+) \| (info|warn|error) \| [^|]+ \| ([^|]+) \|$/gm,
)) {
  fieldsAbove = [...(fields.startsWith("as above") ? fieldsAbove : []), ...words(fields)];
  for (const name of words(names)) {
    const levels = documented.get(name) ?? new Map<string, Set<string>>();
    levels.set(level, new Set(fieldsAbove));
    documented.set(name, levels);
  }
}

const METHODS = ["log", "info", "warn", "error", "debug", "trace"] as const;
let written: unknown[][] = [];

beforeEach(() => {
  written = [];
  for (const method of METHODS) {
    vi.spyOn(console, method).mockImplementation((...words) => {
      written.push(words);
    });
  }
});
afterEach(() => vi.restoreAllMocks());

/** Expects that every line is one of those that the page lists, and tells nothing that it must not. */
function expectHarmless(lines: readonly unknown[][]): { event: string }[] {
  return lines.map((words) => {
    const [line] = words as [string];
    expect(words, "one text").toEqual([expect.any(String)]);
    expect(line, "one line").not.toMatch(/[\r\n]/);
    const { level, event, ...fields } = JSON.parse(line);
    const known = documented.get(event)?.get(level);
    expect(known, `${event} is documented at level ${level}`).toBeDefined();
    expect([...(known ?? [])], line).toEqual(expect.arrayContaining(Object.keys(fields)));
    for (const secret of SECRETS) expect(line.toLowerCase()).not.toContain(secret.toLowerCase());
    return { event };
  });
}

/** The buffers that hold events. */
async function buffersThatHold() {
  const buffers = [0, 1, 2, 3].map((i) => env.EVENT_BUFFER.getByName(`buffer ${i}`));
  const held = await Promise.all(buffers.map((buffer) => buffer.wake()));
  return buffers.filter((_, i) => held[i]?.sinceMs !== undefined);
}

/** An answer that repeats all that it got. */
const echo = (status: number, { url, body }: Received) =>
  new Response(JSON.stringify({ status: 1, errors: [url, body, MARK] }), { status });
/** What each provider answers when it takes a message. */
const acceptLoudly = (message: Received) => echo(message.url.includes("/tx/v1/send") ? 202 : 200, message);

const MINUTE = 60;
/** A pulse whose targets are of all kinds. */
const pulse = (service: string, fields: Record<string, unknown> = {}) =>
  call("POST", "/", {
    body: {
      service,
      nextIn: MINUTE,
      alertType: PUSHOVER.type,
      alertTarget: PUSHOVER.target,
      alerts: [MAIL, WEBHOOK],
      ...fields,
    },
  });
const toHook = { alertType: WEBHOOK.type, alertTarget: WEBHOOK.target, alerts: [] };
const tell = (service: string) =>
  call("POST", "/event", { body: { service, level: 5, message: MESSAGE, alert: true } });

/** A watchdog that is not there. */
const interceptWatchdog = () => vi.spyOn(globalThis, "fetch").mockImplementation(async () => echo(500, EMPTY));
const EMPTY: Received = { url: MARK, body: {}, atMs: 0 };

/** What may befall the services of a watchTower, and the events that each must leave in the log. */
const LIVES: [what: string, events: string[], live: (service: string) => Promise<void>][] = [
  [
    "requests that are refused",
    ["request.refused"],
    async () => {
      const basic = (password: string) => ({ authorization: `Basic ${btoa(`ann:${password}`)}` });
      const json = (body: unknown) => ({ raw: JSON.stringify(body) });
      const good = { service: "refused", nextIn: 60, alertType: MAIL.type, alertTarget: MAIL.target };
      const answers = [
        await visit("GET", "/", { password: `${MARK} ${PASSWORD}` }),
        await visit("GET", "/", { authorization: `Bearer ${MARK}` }),
        await visit("GET", "/", basic(MARK)),
        await visit("POST", "/event", { ...basic(PASSWORD), origin: `https://${MARK}.example` }),
        await visit("GET", `/hello?password=${encodeURIComponent(PASSWORD)}`),
        await call("GET", `/${MARK}?${MARK}=${MARK}`),
        await call("PUT", `/heartbeat/${MARK}`),
        await call("GET", `/heartbeat/${MARK}`),
        await call("GET", `/heartbeat/%E0%A4%A${MARK}`),
        await call("GET", `/events?from=${MARK}`),
        await call("GET", `/events?cursor=${MARK}`),
        await call("GET", `/events?message=%E0%A4%A${MARK}`),
        await call("GET", `/alerts?state=${MARK}`),
        await call("POST", "/", { raw: MARK }),
        await call("POST", "/", { raw: `{"service": ${MARK}` }),
        await call("POST", "/", { raw: new Uint8Array([0xff, ...new TextEncoder().encode(MARK)]) }),
        await call("POST", "/event", { raw: MARK.repeat(200_000) }),
        await call("POST", "/", json({ ...good, alertType: MARK })),
        await call("POST", "/", json({ ...good, alertType: "webhook", alertTarget: `ftp://${MARK}.example` })),
        await call("POST", "/", json({ ...good, alertType: "webhook", alertTarget: `http://localhost/${MARK}` })),
        await call("POST", "/", json({ ...good, alerts: [{ type: MARK, target: MARK }] })),
        await call("POST", "/", json({ ...good, nextIn: MARK })),
        await call("POST", "/", json({ ...good, service: `${MARK}\n` })),
        await call("POST", "/event", json({ service: "refused", message: MESSAGE, level: MARK })),
        await call("DELETE", "/", json({ service: { [MARK]: MARK } })),
      ];
      for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(400);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400, 403, 404, 405, 413]));
      expect(written).toHaveLength(answers.length);
    },
  ],
  [
    "a service that lives, dies, is reminded of, revives, and ends",
    [
      ...["service.born", "service.died", "service.reminded", "service.revived", "service.retargeted"],
      ...["service.cancelled", "service.resumed", "service.forgotten", "alert.delivered"],
    ],
    async (service) => {
      const received = interceptProviders(acceptLoudly);
      await pulse(service, { remindEvery: MINUTE });
      for (let i = 0; i < 2; i++) await runAlarm(service);
      await pulse(service);
      await tell(service);
      await runAlarm(service, Date.now() + SECOND_MS);
      await pulse(service, toHook);
      await call("DELETE", "/", { body: { service } });
      await pulse(service);
      await call("DELETE", "/", { body: { service, forget: true } });
      expect(received).toHaveLength(3 + 3 + 3 + 1);
    },
  ],
  [
    "a death and a return that a pause holds back",
    ["service.death-told", "service.revival-told"],
    async (service) => {
      interceptProviders(acceptLoudly);
      await pulse(service, { pauseUntil: toSeconds(Date.now() + HOUR_MS) });
      for (let i = 0; i < 2; i++) await runAlarm(service);
      await pulse(service, { nextIn: 86_400, pauseUntil: toSeconds(Date.now() + HOUR_MS) });
      await runAlarm(service);
    },
  ],
  [
    "providers that fail, and repeat what they got",
    ["alert.retry", "alert.failed"],
    async (service) => {
      const received = interceptProviders((message, index) => {
        if (message.url === DEFAULT_HOOK) return acceptLoudly(message);
        if (message.url === WEBHOOK.target) return echo(400, message);
        if (index < 6) throw new TypeError(`Fetch of ${message.url} with ${JSON.stringify(message.body)} failed`);
        return echo(index < 9 ? 401 : 503, message);
      });
      await pulse(service);
      for (let i = 0; i < 12; i++) await runAlarm(service);
      expect(received.filter(({ url }) => url === DEFAULT_HOOK)).toHaveLength(1);
    },
  ],
  [
    "an alert whose target is removed while it is on its way",
    ["alert.dropped"],
    async (service) => {
      interceptProviders(async (message) => {
        await pulse(service, { alertType: MAIL.type, alertTarget: MAIL.target, alerts: [] });
        return echo(503, message);
      });
      await pulse(service, toHook);
      await runAlarm(service);
      expect(written.join()).toContain(`"level":"info","event":"alert.dropped"`);
    },
  ],
  [
    "an alert that is owed when alerts are switched off",
    ["alert.dropped"],
    async (service) => {
      const received = interceptProviders(acceptLoudly);
      await tell(service);
      await runInDurableObject(monitorOf(service), async (instance) => {
        const config = configOf((instance as unknown as { env: Env }).env);
        config.alertsEnabled = false;
        await instance.alarm();
        config.alertsEnabled = true;
      });
      expect(received).toEqual([]);
      expect(written.join()).toContain(`"level":"warn","event":"alert.dropped"`);
    },
  ],
  [
    "an alarm that ends unexpectedly",
    ["alarm.failed"],
    async (service) => {
      interceptProviders(acceptLoudly);
      await tell(service);
      const { setTimeout: start } = globalThis;
      // The run's own timer, which is longer than those of a messenger and of a provider.
      const timers = vi.spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms?: number) => {
        if (ms === MINUTE_MS) throw new Error("no more timers");
        return start(work, ms);
      }) as never);
      await runAlarm(service);
      timers.mockRestore();
    },
  ],
  [
    "an alarm that the platform has lost, while D1 fails",
    ["alarm.lost", "d1.failed"],
    async (service) => {
      await pulse(service);
      await runInDurableObject(monitorOf(service), (_, { storage }) => storage.deleteAlarm());
      await evictDurableObject(monitorOf(service));
      breakD1();
      await monitorOf(service).snapshot();
    },
  ],
  [
    "a storage that refuses a write",
    ["storage.failed", "object.failed", "request.refused"],
    async (service) => {
      await pulse(service);
      await runInDurableObject(monitorOf(service), (_, { storage }) => {
        vi.spyOn(storage.kv, "put").mockImplementation(() => {
          throw new Error("database or disk is full: SQLITE_FULL");
        });
      });
      expect((await pulse(service, toHook)).status).toBe(503);
    },
  ],
  [
    "a D1 that refuses every query",
    ["d1.failed", "directory.refresh-failed", "request.failed", "request.refused", "health.failed"],
    async (service) => {
      await pulse(service, { nextIn: 86_400 });
      const asVisitor = await Visitor.loggedIn();
      breakD1();
      advance(20 * MINUTE_MS);
      expect((await pulse(service, { nextIn: 86_400 })).status).toBe(200);
      expect((await pulse(service, { nextIn: 86_400, ...toHook })).status).toBe(200);
      expect((await tell(service)).status).toBe(200);
      const answers = [
        await call("GET", `/events?message=${MARK}`),
        await call("GET", "/"),
        await call("GET", `/heartbeat/${MARK}`),
        await call("GET", "/alerts"),
        await visit("GET", "/health"),
        await asVisitor.open("/gui"),
      ];
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
      await vi.waitFor(() => expect(written.join()).toContain("directory.refresh-failed"));
    },
  ],
  [
    "events that come while D1 fails, and are stored when it is back",
    ["events.queued", "events.not-compared", "d1.failed", "buffer.alarm-lost", "buffer.flushed"],
    async (service) => {
      interceptProviders(acceptLoudly);
      const mend = breakD1();
      const fields = { [MARK]: MARK };
      expect((await call("POST", "/event", { body: { service, message: MESSAGE, fields } })).status).toBe(200);
      const body = { service, message: MESSAGE, id: ulid(Date.now()), alert: true };
      expect((await call("POST", "/event", { body })).status).toBe(200);
      for (const buffer of await buffersThatHold()) {
        await runBufferAlarm(buffer);
        mend();
        await runInDurableObject(buffer, (_, { storage }) => storage.deleteAlarm());
        await buffer.wake();
        while (await runBufferAlarm(buffer));
      }
    },
  ],
  [
    "rules that are told of events, tell, and are deleted, while much fails",
    [
      ...[
        "rule.raised",
        "rule.retry",
        "rule.unchecked",
        "rule.queued",
        "rule.missed",
        "rule.failed",
        "rule.storage-failed",
      ],
      ...["rule.not-forgotten", "rule.unreadable", "rules.unknown"],
    ],
    async (service) => {
      interceptProviders(acceptLoudly);
      const { alertType, alertTarget } = toHook;
      const put = (name: string, q: string) =>
        call("PUT", `/rules/${encodeURIComponent(name)}`, { body: { q, alertType, alertTarget } });
      expect((await put(service, `"${MARK}" service:"${service}"`)).status).toBe(200);
      await put("unreadable", MARK);
      await query("update rules set q = ? where name = 'unreadable'", `"${MARK}`);
      const happen = () => call("POST", "/event", { body: { service, message: MESSAGE } });
      const rule = env.RULE_MONITOR.getByName(service);
      await happen();
      await runInDurableObject(rule, async (object) => {
        vi.spyOn(Date, "now").mockImplementationOnce(() => {
          throw new Error("no time");
        });
        await object.alarm();
      });
      const getMonitor = vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation(() => {
        throw new Error("internal error");
      });
      await runDurableObjectAlarm(rule);
      getMonitor.mockRestore();
      advance(MINUTE_MS);
      const mend = breakD1();
      await runDurableObjectAlarm(rule);
      await happen();
      mend();
      advance(MINUTE_MS);
      const getRule = vi.spyOn(env.RULE_MONITOR, "getByName").mockImplementation(() => {
        throw new Error("internal error");
      });
      await happen();
      const getBuffer = vi.spyOn(env.EVENT_BUFFER, "getByName").mockImplementation(() => {
        throw new Error("internal error");
      });
      await happen();
      getBuffer.mockRestore();
      await call("DELETE", `/rules/${encodeURIComponent(service)}`);
      await call("DELETE", "/rules/unreadable");
      getRule.mockRestore();
      advance(HOUR_MS);
      await runInDurableObject(rule, (object, { storage }) => {
        vi.spyOn(storage.kv, "put").mockImplementation(() => {
          throw new Error("database or disk is full: SQLITE_FULL");
        });
        return object.alarm();
      }).catch(() => {});
    },
  ],
  [
    "what buffers owe to objects, and can't tell yet",
    ["alerting.queued", "rules.queued", "rules.missed", "buffer.untold"],
    async (service) => {
      interceptProviders(acceptLoudly);
      const getMonitor = vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation(() => {
        throw new Error("internal error");
      });
      const body = { service, message: MESSAGE, alert: true, fields: { [MARK]: MARK } };
      expect((await call("POST", "/event", { body })).body.queued).toBe(true);
      const mend = breakD1();
      const told = () => new RuleBook().tell(env, [event(Date.now(), { service, message: MESSAGE })]);
      await told();
      for (const buffer of await buffersThatHold()) await runBufferAlarm(buffer);
      const getBuffer = vi.spyOn(env.EVENT_BUFFER, "getByName").mockImplementation(() => {
        throw new Error("internal error");
      });
      await told();
      getBuffer.mockRestore();
      getMonitor.mockRestore();
      mend();
      for (const buffer of await buffersThatHold()) while (await runBufferAlarm(buffer));
    },
  ],
  [
    "a tail that can't look for events",
    ["tail.failed"],
    async () => {
      breakD1();
      const headers = { password: PASSWORD };
      const path = `/events/tail?q=${MARK}&lastEventId=${ulid(Date.now() - MINUTE_MS)}`;
      const { body } = await exports.default.fetch(new Request(`https://tower.example${path}`, { headers }));
      const reader = new EventReader();
      reader.open(body as ReadableStream<Uint8Array>);
      for (let parts = 0; parts < 2; parts++) await reader.read();
      await reader.close();
    },
  ],
  [
    "events that a buffer can't take, or D1 not from it",
    ["buffer.failed", "buffer.full", "buffer.parked", "buffer.holds-parked", "request.refused"],
    async (service) => {
      const mend = breakD1();
      const real = env.EVENT_BUFFER.getByName.bind(env.EVENT_BUFFER);
      const add = () => call("POST", "/event", { body: { service, message: MESSAGE } });
      const getBuffer = vi.spyOn(env.EVENT_BUFFER, "getByName");
      getBuffer.mockImplementation(() => {
        throw new Error("internal error");
      });
      expect((await add()).status).toBe(503);
      getBuffer.mockReturnValue({ add: async () => false } as never);
      expect((await add()).status).toBe(503);
      getBuffer.mockImplementation(real);
      expect((await add()).status).toBe(200);
      mend();
      const statement = { bind: () => statement, run: () => Promise.reject(new Error("D1_ERROR: SQLITE_TOOBIG")) };
      vi.spyOn(env.DB, "prepare").mockReturnValue(statement as never);
      for (const buffer of await buffersThatHold()) for (let i = 0; i < 5; i++) await runBufferAlarm(buffer);
      // As the sweep does.
      await buffersThatHold();
    },
  ],
  [
    "a buffer whose run or storage fails",
    ["alarm.failed", "storage.failed"],
    async (service) => {
      const buffer = env.EVENT_BUFFER.getByName("buffer 0");
      await buffer.add(listsOf([event(0, { message: MESSAGE })]));
      await runInDurableObject(buffer, (_, { storage }) => {
        vi.spyOn(storage.sql, "exec").mockImplementation(() => {
          throw new Error("database or disk is full: SQLITE_FULL");
        });
      });
      await runBufferAlarm(buffer);
      vi.spyOn(Math, "random").mockReturnValue(0);
      const mend = breakD1();
      expect((await call("POST", "/event", { body: { service, message: MESSAGE } })).status).toBe(200);
      mend();
      for (const held of await buffersThatHold()) await runBufferAlarm(held);
      expect(await buffersThatHold()).toEqual([]);
    },
  ],
  [
    "a D1 that does not answer",
    ["d1.slow"],
    async (service) => {
      vi.spyOn(env.DB, "batch").mockImplementation(() => new Promise(() => {}));
      expect((await pulse(service)).status).toBe(200);
    },
  ],
  [
    "a row that D1 refuses for itself",
    ["d1.failed", "d1.parked"],
    async (service) => {
      interceptProviders(acceptLoudly);
      vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG"));
      await tell(service);
      for (let i = 0; i < 10; i++) await runAlarm(service);
    },
  ],
  [
    "a list that can't reach an object, nor write what it has learned",
    ["object.failed", "directory.ask-failed", "directory.refresh-failed"],
    async (service) => {
      await pulse(service);
      const targets = [WEBHOOK, MAIL];
      await storeServices(snapshot("out of reach", { last: toSeconds(Date.now()) - HOUR_MS, targets }));
      advance(100 * SECOND_MS);
      const getByName = env.SERVICE_MONITOR.getByName.bind(env.SERVICE_MONITOR);
      vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation((name) => {
        if (name === "out of reach") throw new Error("internal error");
        return getByName(name);
      });
      // The list is read, and then its rows are written back.
      const prepare = env.DB.prepare.bind(env.DB);
      vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
        if (sql.startsWith("insert")) throw new Error("D1_ERROR: D1 DB is overloaded");
        return prepare(sql);
      });
      expect((await call("GET", "/")).status).toBe(200);
    },
  ],
  [
    "an outage of ours",
    ["service.excused", "outage.noticed"],
    async (service) => {
      vi.mocked(env.SENTINEL.getByName).mockRestore();
      interceptProviders(acceptLoudly);
      await pulse(service);
      advance(DAY_MS);
      await runAlarm(service);
      await vi.waitFor(() => expect(JSON.stringify(written)).toContain("outage.noticed"));
    },
  ],
  [
    "a sentinel that can't be reached",
    ["sentinel.failed", "service.held"],
    async (service) => {
      interceptProviders(acceptLoudly);
      vi.mocked(env.SENTINEL.getByName).mockImplementation(() => {
        throw new Error("internal error");
      });
      await pulse(service);
      await runAlarm(service);
    },
  ],
  [
    "a messenger that can't be reached",
    ["messenger.failed"],
    async (service) => {
      interceptProviders(acceptLoudly);
      vi.mocked(env.MESSENGER.getByName).mockImplementation(() => {
        throw new Error("internal error");
      });
      await pulse(service);
      await runAlarm(service);
    },
  ],
  [
    "digests, which a webhook takes, or not",
    ["digest.sent", "digest.refused"],
    async (service) => {
      interceptProviders(({ body }) => new Response(MESSAGE, { status: body.alerts?.length === 2 ? 400 : 200 }));
      const messenger = env.MESSENGER.get(env.MESSENGER.idFromName(service)) as DurableObjectStub<Messenger>;
      const deliver = (count: number) =>
        Promise.all(
          Array.from({ length: count }, (_, i) => messenger.deliver([digestible(`${service} ${i}`)], WEBHOOK)),
        );
      await deliver(11);
      advance(31 * SECOND_MS);
      await deliver(3);
      advance(2 * MINUTE_MS);
      await deliver(11);
      advance(31 * SECOND_MS);
      await deliver(2);
    },
  ],
  ["a quota that is nearly used up", ["budget.told"], () => realSentinel().spent({ d1RowsRead: 4_900_000 })],
  [
    "a quota that can't be told of",
    ["budget.failed"],
    async () => {
      vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation(() => {
        throw new Error("internal error");
      });
      await realSentinel().spent({ d1RowsWritten: 98_000 });
    },
  ],
  [
    "an outage that can't be told",
    ["outage.failed"],
    async (service) => {
      await query("delete from services");
      advance(DAY_MS);
      vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation(() => {
        throw new Error("internal error");
      });
      for (let i = 0; i < 5; i++) await realSentinel().fallsSilent(`${service} ${i}`, Date.now(), true);
      await vi.waitFor(() => expect(JSON.stringify(written)).toContain("outage.failed"));
    },
  ],
  [
    "sweeps that repair and fail, and a watchdog that is not called, or in vain",
    ["sweep.repaired", "sweep.failed", "watchdog.withheld", "watchdog.failed"],
    async () => {
      const last = toSeconds(Date.now()) - DAY_MS;
      await storeServices(snapshot("stale", { last, asOf: last, targets: [WEBHOOK, MAIL] }));
      interceptWatchdog();
      const config = await runInDurableObject(realSentinel(), (instance) =>
        configOf((instance as unknown as { env: typeof env }).env),
      );
      config.watchdogUrl = `https://watchdog.example/${MARK}`;
      await realSentinel().sweep();
      advance(MINUTE * SECOND_MS);
      await runInDurableObject(realSentinel(), (instance) => instance.alarm());
      await realSentinel().sweep();
      breakD1();
      await realSentinel().sweep();
      config.watchdogUrl = undefined;
    },
  ],
  [
    "what has grown too old",
    ["events.pruned", "transitions.pruned", "alerts.pruned"],
    async () => {
      const id = "0000000000ABCDEFGHJKMNPQRS";
      await storeEvents(event(0, { message: MESSAGE }));
      await storeTransitions({ id, service: "old", status: "dead" });
      await storeAlerts(alertRecord(0, { alert: { message: MESSAGE }, target: WEBHOOK }));
      await worker.scheduled(createScheduledController({ scheduledTime: new Date() }), env);
    },
  ],
  [
    "a cron trigger that fails",
    ["prune.failed"],
    async () => {
      breakD1();
      const controller = createScheduledController({ scheduledTime: new Date() });
      await expect(worker.scheduled(controller, env)).rejects.toThrow();
    },
  ],
  [
    "a long list whose reader can't be reached",
    ["reader.failed", "request.refused"],
    async () => {
      await storeEvents(...Array.from({ length: IN_A_REQUEST.rows + 1 }, (_, i) => event(i, { message: MESSAGE })));
      vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName").mockImplementation(() => {
        throw new Error("internal error");
      });
      expect((await call("GET", "/events?from=0")).status).toBe(503);
    },
  ],
  [
    "an export that can't be made",
    ["export.failed", "request.refused"],
    async () => {
      breakD1();
      expect((await call("GET", `/events/export?q=${MARK}`)).status).toBe(503);
    },
  ],
  [
    "a login that fails, and too many of them",
    ["login.refused", "login.throttled"],
    async () => {
      const caller = { "cf-connecting-ip": MARK };
      for (let i = 0; i < 11; i++) await new Visitor().submit("/gui/login", { password: MARK, next: MARK }, caller);
    },
  ],
  [
    "wrong passwords, and too many of them",
    ["request.refused", "password.throttled"],
    async () => {
      vi.mocked(env.FAILED_PASSWORDS.limit).mockRestore();
      const guess = () => visit("GET", "/", { password: MARK, "cf-connecting-ip": MARK });
      for (let i = 0; i < 30; i++) await guess();
      expect((await guess()).status).toBe(429);
      expect(written.filter((words) => String(words).includes("password.throttled"))).toHaveLength(1);
    },
  ],
  [
    "variables that make no sense",
    ["config.problem"],
    async () => {
      const variables = {
        ...{ GRACE_SECONDS: MARK, EVENTS_RETENTION_DAYS: MARK, RECORDS_RETENTION_DAYS: MARK, TIMEZONE: MARK },
        ...{
          ALERTS_ENABLED: MARK,
          ALLOW_PRIVATE_WEBHOOKS: MARK,
          EVENTS_PRESETS: `[{"name":"${MARK}"`,
          PUBLIC_URL: MARK,
        },
        ...{ PUSHOVER_API_URL: MARK, MAILCHANNELS_API_URL: MARK, DEFAULT_ALERT_TYPE: MARK },
        ...{ DEFAULT_ALERT_TARGET: undefined, PASSWORD: MARK, PASSWORD_READ: MARK, PULSE_KEY_SECRET: MARK },
      };
      expect((await callWith(variables, "GET", "/hello", { headers: { password: MARK } })).status).toBe(200);
      expect((await callWith(variables, "GET", "/hello")).status).toBe(403);
    },
  ],
];

describe("the log", () => {
  it("is that which docs/operations.md lists, each event brought about below", () => {
    const events = LIVES.flatMap(([, events]) => events);
    expect([...documented.keys()].sort()).toEqual([...new Set(events)].sort());
  });

  it.each(LIVES)("tells of %s, and no secret, target or message", async (service, events, live) => {
    await live(service);
    const logged = expectHarmless(written).map(({ event }) => event);
    expect([...new Set(logged)]).toEqual(expect.arrayContaining(events));
  });

  it("tells of a steady pulse, a look and an event nothing", async () => {
    const service = "steady";
    await pulse(service);
    // The services of others are not looked at here.
    await query("delete from services where service <> ?", service);
    written = [];
    for (let i = 0; i < 20; i++) {
      advance(30 * SECOND_MS);
      expect((await pulse(service)).status).toBe(200);
    }
    await call("POST", "/event", { body: { service, level: 7, message: MESSAGE } });
    for (const path of ["/", "/heartbeat/steady", "/events", "/alerts", "/hello", "/pings"]) {
      expect((await call("GET", path)).status).toBe(200);
    }
    const visitor = await Visitor.loggedIn();
    for (const path of [
      "/gui",
      "/gui/refresh?after=0",
      "/gui/services/steady",
      "/gui/events",
      "/gui/alerts",
      "/gui/setup",
    ]) {
      expect((await visitor.open(path)).status, path).toBe(200);
    }
    expect(written).toEqual([]);
  });
});
