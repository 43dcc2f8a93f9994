import { beforeEach, describe, expect, it } from "vitest";
import { call, PASSWORD } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";
import { query } from "../support/rows.ts";

/*
 * The requests of the original watchTower, in the spelling of its README and in that of its server and clients, and the
 * fields of the answers that its server/server.py gives. Ours may say more; they must not say less, nor otherwise.
 */

useTestClock();
const now = () => Math.floor(Date.now() / 1_000);

/** The original's class heartBeat, and the types of its fields in JSON. */
const HEART_BEAT = {
  service: expect.any(String),
  alertType: expect.any(String),
  alertTarget: expect.any(String),
  nextIn: expect.any(Number),
  last: expect.any(Number),
  expected: expect.any(Number),
  alerted: expect.any(Boolean),
  cancelled: expect.any(Boolean),
};
/** The original's class Event. */
const EVENT = {
  date: expect.any(Number),
  level: expect.any(Number),
  message: expect.any(String),
  service: expect.any(String),
  alert: expect.any(Boolean),
};

const JSON_TYPE = { "content-type": "application/json" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** How each client writes a body: Python and Java as JSON, curl as JSON that claims to be a form, JavaScript as a form. */
const WRITERS: [client: string, write: (fields: Record<string, string | number>) => Parameters<typeof call>[2]][] = [
  ["Python", (fields) => ({ raw: JSON.stringify(fields), headers: JSON_TYPE })],
  [
    "Java",
    ({ level, ...fields }) => ({
      raw: JSON.stringify(level === undefined ? fields : { ...fields, level: String(level) }),
      headers: JSON_TYPE,
    }),
  ],
  ["curl", (fields) => ({ raw: JSON.stringify(fields), headers: FORM })],
  ["a client without a type", (fields) => ({ raw: new TextEncoder().encode(JSON.stringify(fields)) })],
  [
    "JavaScript",
    (fields) => ({
      raw: new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)])).toString(),
      headers: { ...FORM, accept: "application/json" },
    }),
  ],
];

const SPELLINGS = [
  {
    spelling: "the README",
    pulse: "/",
    cancel: "/",
    get: "/get/",
    list: "/",
    add: "/add-event",
    events: "/list-events",
  },
  {
    spelling: "the server",
    pulse: "/heartbeat",
    cancel: "/heartbeat",
    get: "/heartbeat/",
    list: "/heartbeats",
    add: "/event",
    events: "/events",
  },
];

beforeEach(async () => {
  await query("delete from events");
});

describe.each(SPELLINGS)("in the spelling of $spelling", (route) => {
  describe.each(WRITERS)("a body as %s writes it", (client, write) => {
    const service = `${client} in ${route.spelling}`;
    const said = { service, alertType: "pushover", alertTarget: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", nextIn: 60 };
    const path = encodeURIComponent(service);

    it("pulses, is found, is listed and is cancelled", async () => {
      const pulsed = await call("POST", route.pulse, write(said));
      expect(pulsed.status).toBe(200);
      expect(pulsed.body).toMatchObject({ result: 200, action: "pulse", heartBeat: HEART_BEAT });
      expect(pulsed.body.heartBeat).toMatchObject({
        ...said,
        last: now(),
        expected: now() + 60,
        alerted: false,
        cancelled: false,
      });

      const one = await call("GET", route.get + path);
      expect(one.status).toBe(200);
      expect(one.body).toEqual({ result: 200, heartBeat: pulsed.body.heartBeat });
      const list = await call("GET", route.list);
      expect(list.body).toMatchObject({ result: 200 });
      expect(list.body.heartBeats).toContainEqual(pulsed.body.heartBeat);

      const cancelled = await call("DELETE", route.cancel, write({ service }));
      expect(cancelled.status).toBe(200);
      expect(cancelled.body).toMatchObject({ result: 200, action: "cancel", heartBeat: HEART_BEAT });
      expect(cancelled.body.heartBeat).toMatchObject({ ...said, alerted: false, cancelled: true });
    });

    it("cancels what is unknown, and is told its name", async () => {
      const unknown = `never heard of ${service}`;
      const { status, body } = await call("DELETE", route.cancel, write({ service: unknown }));
      expect(status).toBe(200);
      expect(body).toEqual({ result: 200, action: "cancel", heartBeat: unknown });
    });

    it("adds events, which are listed newest first", async () => {
      for (const fields of [
        { service, message: "without a level" },
        { service, level: 4, message: "failed" },
      ]) {
        const { status, body } = await call("POST", route.add, write(fields));
        expect(status).toBe(200);
        expect(body).toMatchObject({ result: 200 });
      }
      const { body } = await call("GET", route.events);
      expect(body).toMatchObject({ result: 200, events: [EVENT, EVENT] });
      expect(body.events.map(({ date }: { date: number }) => date)).toEqual([now(), now()]);
      const byLevel = await call(
        "GET",
        `${route.events}?service=${path}&level=1&message=FAIL&from=${now()}&to=${now()}`,
      );
      expect(byLevel.body.events).toMatchObject([{ date: now(), level: 4, message: "failed", service, alert: false }]);
    });

    it("is refused for what is missing, with result and hint", async () => {
      for (const [method, at, fields] of [
        ["POST", route.pulse, { ...said, service: "" }],
        ["POST", route.pulse, { service, alertType: "mail", nextIn: 60 }],
        ["POST", route.pulse, { service, alertTarget: "a@b.c", nextIn: 60 }],
        ["POST", route.pulse, { service, alertType: "mail", alertTarget: "a@b.c" }],
        ["DELETE", route.cancel, { nothing: 1 }],
        ["POST", route.add, { service }],
        ["POST", route.add, { message: "x" }],
      ] as const) {
        const { status, body } = await call(method, at, write(fields));
        // The original answered HTTP 200 with a result of 500: its clients check both.
        expect([status, body.result]).toEqual([400, 400]);
        expect(body.hint).toEqual(expect.any(String));
      }
    });
  });

  it.each([
    ["POST", route.pulse],
    ["DELETE", route.cancel],
    ["GET", `${route.get}a`],
    ["POST", route.add],
    ["GET", route.events],
    ["GET", route.list],
  ])("a wrong password is a result of 403: %s %s", async (method, path) => {
    for (const password of ["", "wrong", `${PASSWORD}x`]) {
      const { status, body } = await call(method, path, { headers: { password } });
      expect([status, body.result]).toEqual([403, 403]);
    }
  });

  it("a service that is unknown is no result of 200", async () => {
    const { status, body } = await call("GET", `${route.get}nobody`);
    expect(status).toBe(404);
    expect(body).toMatchObject({ result: 404, hint: expect.any(String) });
  });

  it("dates are text where humanDates is 1", async () => {
    const [, write] = WRITERS[0] as (typeof WRITERS)[number];
    const service = `human in ${route.spelling}`;
    await call("POST", route.pulse, write({ service, alertType: "mail", alertTarget: "a@b.c", nextIn: 60 }));
    await call("POST", route.add, write({ service, message: "x" }));
    const text = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    const { heartBeats } = (await call("GET", `${route.list}?humanDates=1`)).body;
    for (const heartBeat of heartBeats) expect(heartBeat).toMatchObject({ ...HEART_BEAT, last: text, expected: text });
    expect(heartBeats.map((h: { service: string }) => h.service)).toContain(service);
    expect((await call("GET", `${route.events}?humanDates=1`)).body.events).toMatchObject([{ ...EVENT, date: text }]);
    for (const path of [route.list, route.events]) {
      const { body } = await call("GET", `${path}?humanDates=0`);
      expect((body.heartBeats ?? body.events)[0]).toMatchObject(body.events ? EVENT : HEART_BEAT);
    }
  });
});

describe("what the original's server has besides", () => {
  it("/hello says who is there", async () => {
    const { body } = await call("GET", "/hello");
    expect(body).toMatchObject({ result: 200, world: now(), eventsPresets: [], version: expect.any(String) });
  });

  it("/pings is a list", async () => {
    expect((await call("GET", "/pings")).body).toEqual({ result: 200, pings: [] });
  });

  it("numbers may be texts, as the original's int() took them", async () => {
    const body = { service: "texts", alertType: "mail", alertTarget: "a@b.c", nextIn: "60" };
    expect((await call("POST", "/", { body })).body.heartBeat).toMatchObject({ nextIn: 60, expected: now() + 60 });
  });
});
