import { describe, expect, it } from "vitest";
import { callWith } from "../support/app.ts";
import { call } from "../support/client.ts";
import { advance, useTestClock } from "../support/clock.ts";

const WEBHOOK = { alertType: "webhook", alertTarget: "https://hooks.example/a" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const KEY = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG";
const DAY = 86_400;

useTestClock();
const now = () => Math.floor(Date.now() / 1_000);

/** Pulses, and gives what is then said of the service, which must be the same everywhere. */
async function pulse(service: string, fields: Record<string, unknown> = {}) {
  const { status, body } = await call("POST", "/", { body: { service, nextIn: 60, ...WEBHOOK, ...fields } });
  expect(status, JSON.stringify(body)).toBe(200);
  const one = await call("GET", `/heartbeat?service=${encodeURIComponent(service)}`);
  expect(one.body.heartBeat).toEqual(body.heartBeat);
  const list = await call("GET", "/heartbeats");
  expect(list.body.heartBeats).toContainEqual(body.heartBeat);
  return body.heartBeat;
}

describe("remindEvery", () => {
  it.each([
    [60, 60],
    ["60", 60],
    [59.5, 60],
    [3_600, 3_600],
    [31_622_400, 31_622_400],
  ])("%j is kept until a pulse changes it, and shown where it is set", async (remindEvery, seconds) => {
    const service = `remind ${JSON.stringify(remindEvery)}`;
    expect(await pulse(service, { remindEvery })).toMatchObject({ remindEvery: seconds });
    expect(await pulse(service)).toMatchObject({ remindEvery: seconds });
    expect(await pulse(service, { remindEvery: 120 })).toMatchObject({ remindEvery: 120 });
    expect(await pulse(service, { remindEvery: 0 })).not.toHaveProperty("remindEvery");
    expect(await pulse(service)).not.toHaveProperty("remindEvery");
  });
});

describe("alerts", () => {
  const further = [
    { type: "mail", target: "ann@example.com, bob@example.com" },
    { type: "email", target: "cyd@example.com" },
    { type: "pushover", target: KEY },
    { type: "webhook", target: "http://hooks.example:8080/x?y=z" },
  ];

  it("are kept in their order until a pulse changes them, and none are shown where there are none", async () => {
    expect(await pulse("several", { alerts: further })).toMatchObject({ ...WEBHOOK, alerts: further });
    expect(await pulse("several")).toMatchObject({ ...WEBHOOK, alerts: further });
    expect(await pulse("several", { alerts: further.slice(1, 2) })).toMatchObject({ alerts: further.slice(1, 2) });
    expect(await pulse("several", { alerts: [] })).not.toHaveProperty("alerts");
    expect(await pulse("several")).not.toHaveProperty("alerts");
  });

  it("may be ten, and are none by default", async () => {
    const ten = Array.from({ length: 10 }, (_, i) => ({ type: "webhook", target: `https://hooks.example/${i}` }));
    expect((await pulse("ten", { alerts: ten })).alerts).toEqual(ten);
    expect(await pulse("none")).not.toHaveProperty("alerts");
  });

  it("tell nobody twice", async () => {
    const [mail] = further;
    const main = { type: WEBHOOK.alertType, target: WEBHOOK.alertTarget };
    expect((await pulse("twice", { alerts: [mail, main, mail] })).alerts).toEqual([mail]);
  });

  it("hold no more than type and target", async () => {
    const heartBeat = await pulse("more", { alerts: [{ ...further[0], colour: "red", __proto__: { a: 1 } }] });
    expect(heartBeat.alerts).toEqual(further.slice(0, 1));
  });

  it("join a main target that is the default", async () => {
    const body = { service: "default and more", nextIn: 60, alerts: further.slice(0, 1) };
    expect((await call("POST", "/", { body })).body.heartBeat).toMatchObject({
      alertType: "webhook",
      alertTarget: "https://default.example/hook",
      alerts: further.slice(0, 1),
    });
  });

  it("that look wrong are accepted, with a warning for each, by its place in the answer", async () => {
    const alerts = [
      { type: "pushover", target: "no key" },
      { type: "mail", target: "ann@example.com" },
      { type: "mail", target: "no address" },
    ];
    const fields = { service: "dubious", nextIn: 60, alertType: "pushover", alertTarget: "no key either", alerts };
    const { status, body } = await call("POST", "/", { body: fields });
    expect(status).toBe(200);
    expect(body.heartBeat.alerts).toEqual(alerts);
    expect(body.warnings).toEqual([
      "A Pushover key has 30 letters and digits; alertTarget has not.",
      "A Pushover key has 30 letters and digits; alerts[0].target has not.",
      "alerts[2].target does not look like a mail address.",
    ]);
    // They are as dubious when they are only kept.
    const { alerts: _, ...rest } = fields;
    expect((await call("POST", "/", { body: rest })).body.warnings).toEqual(body.warnings);
  });

  it("whose secrets are missing are accepted, with one warning for all", async () => {
    const body = { service: "no secrets", nextIn: 60, ...WEBHOOK, alerts: further.slice(0, 3) };
    const answer = await callWith({ MAIL_FROM: "", PUSHOVER_TOKEN: "" }, "POST", "/", { body });
    expect(answer.status).toBe(200);
    expect(answer.body.warnings).toEqual([
      expect.stringContaining("MAIL_FROM"),
      expect.stringContaining("PUSHOVER_TOKEN"),
    ]);
  });
});

describe("pauseUntil", () => {
  it("is kept until it is over, also while pulses don't repeat it", async () => {
    const pauseUntil = now() + 3_600;
    expect(await pulse("paused", { pauseUntil })).toMatchObject({ pauseUntil });
    expect(await pulse("paused")).toMatchObject({ pauseUntil });
    advance(3_600_000);
    expect((await call("GET", "/get/paused")).body.heartBeat).not.toHaveProperty("pauseUntil");
    expect(await pulse("paused")).not.toHaveProperty("pauseUntil");
  });

  it.each([
    ["a moment that is past", () => now() - 1],
    ["this moment", now],
    ["0", () => 0],
  ])("of %s ends a pause", async (what, pauseUntil) => {
    const service = `paused until ${what}`;
    await pulse(service, { pauseUntil: now() + 3_600 });
    expect(await pulse(service, { pauseUntil: pauseUntil() })).not.toHaveProperty("pauseUntil");
    expect(await pulse(service)).not.toHaveProperty("pauseUntil");
  });

  it("may be 30 days ahead, and a text", async () => {
    const pauseUntil = now() + 30 * DAY;
    expect(await pulse("30 days", { pauseUntil: String(pauseUntil) })).toMatchObject({ pauseUntil });
  });

  it("is a date for people where those are asked for", async () => {
    await pulse("human", { pauseUntil: now() + DAY });
    const shown = new Date((now() + DAY) * 1_000).toISOString().slice(0, 19).replace("T", " ");
    expect((await call("GET", "/get/human?humanDates=1")).body.heartBeat.pauseUntil).toBe(shown);
  });

  it("keeps a death to itself, but not from the status", async () => {
    await pulse("dies in a pause", { pauseUntil: now() + 3_600 });
    advance(65_000);
    const { body } = await call("GET", "/get/dies%20in%20a%20pause");
    expect(body.heartBeat).toMatchObject({ status: "dead", alerted: true, pauseUntil: expect.any(Number) });
  });
});

describe("all of them", () => {
  it("are kept together, through death, revival and cancel", async () => {
    const options = {
      grace: 7,
      remindEvery: 600,
      pauseUntil: now() + 10 * DAY,
      alerts: [{ type: "mail", target: "a@b.c" }],
    };
    await pulse("kept", options);
    advance(100_000);
    expect((await call("GET", "/get/kept")).body.heartBeat).toMatchObject({ status: "dead", ...options });
    expect(await pulse("kept")).toMatchObject({ status: "alive", ...options });
    expect((await call("DELETE", "/", { body: { service: "kept" } })).body.heartBeat).toMatchObject({
      status: "cancelled",
      ...options,
    });
    expect(await pulse("kept")).toMatchObject({ status: "alive", ...options });
  });

  it("may be sent as a form, but for the list of targets", async () => {
    const raw = `service=by+form&nextIn=60&alertType=mail&alertTarget=a%40b.c&grace=7&remindEvery=60&pauseUntil=${now() + 60}`;
    const { status, body } = await call("POST", "/", { raw, headers: FORM });
    expect(status).toBe(200);
    expect(body.heartBeat).toMatchObject({ grace: 7, remindEvery: 60, pauseUntil: now() + 60 });
  });
});
