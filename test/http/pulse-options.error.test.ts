import { afterEach, describe, expect, it, vi } from "vitest";
import { callWith, countStored, expectRefusal, titled } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const NOW = START_MS / 1_000;
const PULSE = { service: "refused", nextIn: 60, alertType: "webhook", alertTarget: "https://hooks.example/a" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const MAIL = { type: "mail", target: "ann@example.com" };

const REMIND_HINT = "remindEvery must be 0 or a number of seconds from 60 to 31622400.";
const PAUSE_HINT = "pauseUntil must be a date in seconds since the epoch, at most 30 days ahead.";
const ALERTS_HINT = "alerts must be a list of at most 10 targets, each";

describe("a pulse is refused, says what is accepted and stores nothing, when", () => {
  const cases: [hint: string, fields: Record<string, unknown>][] = [
    ...[1, 59, 58.9, -1, -60, -0.5, "59", "hourly", "", null, true, [60], {}, 31_622_401, 1e300].map(
      (remindEvery): [string, Record<string, unknown>] => [REMIND_HINT, { remindEvery }],
    ),
    ...[NOW + 30 * 86_400 + 1, START_MS, -1, -0.5, "tomorrow", "2040-01-02", "", null, true, [NOW], {}, 1e300].map(
      (pauseUntil): [string, Record<string, unknown>] => [PAUSE_HINT, { pauseUntil }],
    ),
    ...[
      null,
      "",
      "a@b.c",
      1,
      true,
      {},
      MAIL,
      [null],
      ["mail"],
      [[]],
      [{}],
      [{ type: "mail" }],
      [{ target: "a@b.c" }],
      [{ type: 1, target: "a@b.c" }],
      [{ type: "mail", target: 1 }],
      [{ type: "mail", target: "" }],
      [{ type: "mail", target: null }],
      [{ type: "mail", target: ["a@b.c"] }],
      [{ type: "mail", target: "a\0b" }],
      [{ type: "mail", target: "\ud800" }],
      [{ type: "mail\0", target: "a@b.c" }],
      [{ type: "mail", target: "a".repeat(2_001) }],
      [MAIL, null],
      Array.from({ length: 11 }, () => MAIL),
    ].map((alerts): [string, Record<string, unknown>] => [ALERTS_HINT, { alerts }]),
    ["alerts[0].type must be one of pushover, mail, email, webhook.", { alerts: [{ type: "sms", target: "1" }] }],
    ["alerts[1].type must be one of", { alerts: [MAIL, { type: "Mail", target: "a@b.c" }] }],
    ["alerts[0].type must be one of", { alerts: [{ type: "", target: "a@b.c" }] }],
    ["alerts[0].type must be one of", { alerts: [{ type: "__proto__", target: "a@b.c" }] }],
    ["alerts[0].type must be one of", { alerts: [{ type: "constructor", target: "a@b.c" }] }],
    [
      "alerts[2].target must be an http or https URL when alerts[2].type is webhook.",
      { alerts: [MAIL, MAIL, { type: "webhook", target: "ftp://a.b" }] },
    ],
    [
      "alerts[0].target must not be a loopback or private address",
      { alerts: [{ type: "webhook", target: "http://[::1]/" }] },
    ],
    ["alerts[0].target must not be", { alerts: [{ type: "webhook", target: "http://169.254.169.254/latest" }] }],
    // What is wrong with the main target is said of the main target.
    ["alertTarget must be an http or https URL when alertType is webhook.", { alertTarget: "x", alerts: [MAIL] }],
  ];
  it.each(titled(cases))("%s: %s", async (hint, _, fields) => {
    const before = await countStored();
    expectRefusal(await call("POST", "/", { body: { ...PULSE, ...fields } }), 400, hint);
    expect(await countStored()).toEqual(before);
  });

  it("a list of targets comes in a form, which can't carry one", async () => {
    const alerts = encodeURIComponent(JSON.stringify([MAIL]));
    const raw = `service=refused&nextIn=60&alertType=mail&alertTarget=a%40b.c&alerts=${alerts}`;
    expectRefusal(await call("POST", "/", { raw, headers: FORM }), 400, ALERTS_HINT);
  });

  it("there are further targets, but no main one and no default", async () => {
    const variables = { DEFAULT_ALERT_TYPE: "", DEFAULT_ALERT_TARGET: "" };
    const body = { service: "refused", nextIn: 60, alerts: [MAIL] };
    expectRefusal(await callWith(variables, "POST", "/", { body }), 400, "alertType and alertTarget are missing");
  });
});

describe("a refused pulse", () => {
  it("leaves everything as it was", async () => {
    const body = { ...PULSE, service: "as it was", remindEvery: 600, alerts: [MAIL] };
    const first = await call("POST", "/", { body });
    for (const fields of [{ remindEvery: 1 }, { alerts: [null] }, { pauseUntil: -1 }]) {
      expect((await call("POST", "/", { body: { ...body, ...fields } })).status).toBe(400);
    }
    expect((await call("GET", "/get/as%20it%20was")).body.heartBeat).toEqual(first.body.heartBeat);
  });
});

describe("a cancel is refused, and cancels nothing, when", () => {
  it.each(["yes", 2, -1, null, "", [], {}, "TRUE"])("forget is %j", async (forget) => {
    const service = `kept ${JSON.stringify(forget)}`;
    await call("POST", "/", { body: { ...PULSE, service } });
    const answer = await call("DELETE", "/", { body: { service, forget } });
    expectRefusal(answer, 400, "forget must be true or false.");
    const { body } = await call("GET", `/heartbeat?service=${encodeURIComponent(service)}`);
    expect(body.heartBeat.status).toBe("alive");
  });
});
