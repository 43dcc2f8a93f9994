import { describe, expect, it } from "vitest";
import { callWith, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { advance, useTestClock } from "../support/clock.ts";
import { snapshot, storeServices } from "../support/rows.ts";

const WEBHOOK = { alertType: "webhook", alertTarget: "https://hooks.example/a" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };

useTestClock();
const now = () => Math.floor(Date.now() / 1_000);

/** Pulses for a service, with a target unless told otherwise. */
function pulse(service: string, fields: Record<string, unknown> = {}) {
  return call("POST", "/", { body: { service, nextIn: 60, ...WEBHOOK, ...fields } });
}

describe("a pulse", () => {
  it("makes a service alive and says when the next one is due", async () => {
    const { status, body } = await call("POST", "/", { body: { service: "first", nextIn: 60, ...WEBHOOK } });
    expect(status).toBe(200);
    expect(body).toEqual({
      result: 200,
      action: "pulse",
      heartBeat: {
        service: "first",
        ...WEBHOOK,
        nextIn: 60,
        last: now(),
        expected: now() + 60,
        alerted: false,
        cancelled: false,
        status: "alive",
        since: now(),
        asOf: now(),
      },
    });
  });

  it("moves the next one on, and keeps the beginning of the status", async () => {
    await pulse("moving");
    const since = now();
    advance(30_000);
    const { body } = await pulse("moving", { nextIn: 3_600 });
    expect(body.heartBeat).toMatchObject({ last: since + 30, expected: since + 3_630, since });
  });

  it("is taken by both spellings of the route", async () => {
    const { status, body } = await call("POST", "/heartbeat", { body: { service: "spelt", nextIn: 60, ...WEBHOOK } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ result: 200, action: "pulse", heartBeat: { service: "spelt" } });
  });

  it.each([
    undefined,
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
  ])("is JSON whatever the content type says: %s", async (type) => {
    const raw = new TextEncoder().encode(
      ` {"service":"type ${type}","nextIn":60,"alertType":"mail","alertTarget":"a@b.c"}`,
    );
    const { status, body } = await call("POST", "/", { raw, headers: type ? { "content-type": type } : {} });
    expect(status).toBe(200);
    expect(body.heartBeat.service).toBe(`type ${type}`);
  });

  it.each(["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=UTF-8"])(
    "may be a form: %s",
    async (type) => {
      const raw =
        "service=caf%C3%A9+%26+bar%3D%F0%9F%8D%B8&nextIn=60&alertType=webhook&alertTarget=https%3A%2F%2Fh.example%2F%3Fa%3Db&grace=";
      const { status, body } = await call("POST", "/", { raw, headers: { "content-type": type } });
      expect(status).toBe(200);
      expect(body.heartBeat).toMatchObject({
        service: "café & bar=🍸",
        nextIn: 60,
        alertType: "webhook",
        alertTarget: "https://h.example/?a=b",
      });
      expect(body.heartBeat).not.toHaveProperty("grace");
    },
  );

  it.each([
    ["60", 60],
    [" 60 ", 60],
    ["60.0", 60],
    ["6e1", 60],
    [1, 1],
    [0.2, 1],
    [1.5, 2],
    ["59.0001", 60],
    [31_622_400, 31_622_400],
    [31_622_399.5, 31_622_400],
  ])("may promise %j, which is %i seconds", async (nextIn, seconds) => {
    const { status, body } = await pulse(`promise ${nextIn}`, { nextIn });
    expect(status).toBe(200);
    expect(body.heartBeat).toMatchObject({ nextIn: seconds, expected: body.heartBeat.last + seconds });
  });

  it.each([
    [0, 0],
    ["0", 0],
    [0.5, 1],
    [86_400, 86_400],
  ])("may ask for a grace of %j, which stays until another pulse changes it", async (grace, seconds) => {
    const service = `grace ${grace}`;
    expect((await pulse(service, { grace })).body.heartBeat.grace).toBe(seconds);
    expect((await pulse(service)).body.heartBeat.grace).toBe(seconds);
    expect((await pulse(service, { grace: 7 })).body.heartBeat.grace).toBe(7);
  });

  it("keeps to the last of several keys of JSON with one name", async () => {
    const raw = `{"service":"no","service":"twice","nextIn":1,"nextIn":60,"alertType":"mail","alertTarget":"a@b.c"}`;
    expect((await call("POST", "/", { raw })).body.heartBeat).toMatchObject({ service: "twice", nextIn: 60 });
  });

  it("ignores fields that it doesn't know", async () => {
    const { status, body } = await pulse("unknown fields", {
      colour: "red",
      nested: { a: [1] },
      status: "dead",
      last: 1,
    });
    expect(status).toBe(200);
    expect(body.heartBeat).toMatchObject({ status: "alive", last: now() });
    expect(body.heartBeat).not.toHaveProperty("colour");
  });

  it("may begin with a byte order mark", async () => {
    const raw = `\ufeff{"service":"bom","nextIn":60,"alertType":"mail","alertTarget":"a@b.c"}`;
    expect((await call("POST", "/", { raw })).status).toBe(200);
  });
});

describe("the target of a pulse", () => {
  it.each([
    { alertType: "pushover", alertTarget: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG" },
    { alertType: "mail", alertTarget: "ann@example.com, bob@example.com" },
    { alertType: "email", alertTarget: "ann@example.com" },
    { alertType: "webhook", alertTarget: "http://hooks.example:8080/x?y=z" },
  ])("%j is kept as it was given, and needs no warning", async (target) => {
    const { body } = await call("POST", "/", { body: { service: target.alertType, nextIn: 60, ...target } });
    expect(body.heartBeat).toMatchObject(target);
    expect(body).not.toHaveProperty("warnings");
    expect((await call("GET", `/get/${target.alertType}`)).body.heartBeat).toMatchObject(target);
  });

  it("is the configured default where it is left out", async () => {
    const { status, body } = await call("POST", "/", { body: { service: "by default", nextIn: 60 } });
    expect(status).toBe(200);
    expect(body.heartBeat).toMatchObject({ alertType: "webhook", alertTarget: "https://default.example/hook" });
    expect(body).not.toHaveProperty("warnings");
  });

  it.each([
    [{ alertType: "pushover", alertTarget: "not a key" }, "30 letters and digits"],
    [{ alertType: "mail", alertTarget: "not an address" }, "mail address"],
  ])("%j looks wrong: accepted, with a warning", async (target, warning) => {
    const { status, body } = await call("POST", "/", { body: { service: "dubious", nextIn: 60, ...target } });
    expect(status).toBe(200);
    expect(body.warnings).toEqual([expect.stringContaining(warning)]);
  });

  it("whose secrets are missing is accepted, with a warning", async () => {
    const body = { service: "no secrets", nextIn: 60, alertType: "mail", alertTarget: "ann@example.com" };
    const answer = await callWith({ MAILCHANNELS_API_KEY: "", MAIL_FROM: "" }, "POST", "/", { body });
    expect(answer.status).toBe(200);
    expect(answer.body.warnings).toEqual([expect.stringContaining("MAILCHANNELS_API_KEY")]);
  });

  it("that is a default which nothing can be sent to is accepted, with a warning", async () => {
    const variables = { DEFAULT_ALERT_TYPE: "slack", DEFAULT_ALERT_TARGET: "#ops" };
    const answer = await callWith(variables, "POST", "/", { body: { service: "bad default", nextIn: 60 } });
    expect(answer.status).toBe(200);
    expect(answer.body.warnings).toEqual([expect.stringContaining("pushover, mail, email, webhook")]);
  });

  it("may point inwards where that is allowed", async () => {
    const body = { service: "inwards", nextIn: 60, alertType: "webhook", alertTarget: "http://127.0.0.1:1/" };
    expect((await callWith({ ALLOW_PRIVATE_WEBHOOKS: "true" }, "POST", "/", { body })).status).toBe(200);
  });
});

describe("one service", () => {
  it.each(["/heartbeat/one%20of%20them", "/get/one%20of%20them", "/heartbeat?service=one+of%20them"])(
    "is found at %s",
    async (path) => {
      const pulsed = await pulse("one of them");
      const { status, body } = await call("GET", path);
      expect(status).toBe(200);
      expect(body).toEqual({ result: 200, heartBeat: pulsed.body.heartBeat });
    },
  );

  it("that broke its promise is dead from its deadline on, and alerted", async () => {
    await pulse("dying");
    const last = now();
    advance(64_999);
    expect((await call("GET", "/get/dying")).body.heartBeat).toMatchObject({ status: "alive", alerted: false });
    advance(1);
    expect((await call("GET", "/get/dying")).body.heartBeat).toMatchObject({
      status: "dead",
      alerted: true,
      cancelled: false,
      last,
      expected: last + 60,
      since: last + 65,
    });
  });

  it("is alive again with the next pulse", async () => {
    await pulse("reviving");
    advance(100_000);
    const { body } = await pulse("reviving");
    expect(body.heartBeat).toMatchObject({ status: "alive", alerted: false, since: now() });
  });

  it("has dates for people, in the configured time zone", async () => {
    await pulse("human", { nextIn: 3_600 });
    const utc = new Date(now() * 1_000).toISOString().slice(0, 19).replace("T", " ");
    const { body } = await call("GET", "/get/human?humanDates=1");
    expect(body.heartBeat).toMatchObject({ last: utc, since: utc, asOf: utc, nextIn: 3_600 });
    // In January Tokyo is nine hours ahead of UTC.
    const tokyo = new Date((now() + 9 * 3_600) * 1_000).toISOString().slice(0, 19).replace("T", " ");
    for (const flag of ["1", "true"]) {
      const answer = await callWith({ TIMEZONE: "Asia/Tokyo" }, "GET", `/heartbeat?service=human&humanDates=${flag}`);
      expect(answer.body.heartBeat.last).toBe(tokyo);
    }
    for (const flag of ["0", "false", ""]) {
      expect((await call("GET", `/get/human?humanDates=${flag}`)).body.heartBeat.last).toBe(now());
    }
  });
});

describe("the list", () => {
  it("has every service by name, at both routes", async () => {
    for (const service of ["list b", "list a", "list c"]) await pulse(service);
    for (const path of ["/", "/heartbeats"]) {
      const { status, body } = await call("GET", path);
      expect(status).toBe(200);
      expect(body.result).toBe(200);
      const names = body.heartBeats.map((h: { service: string }) => h.service);
      expect(names).toEqual([...names].sort());
      expect(names).toEqual(expect.arrayContaining(["list a", "list b", "list c"]));
    }
  });

  it("has each service as it is alone", async () => {
    await pulse("same everywhere", { grace: 9 });
    const one = await call("GET", "/get/same%20everywhere");
    const list = await call("GET", "/");
    expect(list.body.heartBeats).toContainEqual(one.body.heartBeat);
  });

  it("has dates for people", async () => {
    await storeServices(snapshot("old", { status: "dead", since: 65, last: 0, nextIn: 60, asOf: 70 }));
    const { body } = await callWith({ TIMEZONE: "America/New_York" }, "GET", "/heartbeats?humanDates=1");
    expect(body.heartBeats.find((h: { service: string }) => h.service === "old")).toMatchObject({
      last: "1969-12-31 19:00:00",
      expected: "1969-12-31 19:01:00",
      since: "1969-12-31 19:01:05",
      asOf: "1969-12-31 19:01:10",
      nextIn: 60,
    });
  });
});

describe("a cancel", () => {
  it.each(["/", "/heartbeat"])("at %s ends the watching, and is remembered", async (path) => {
    await pulse("ended");
    const { status, body } = await call("DELETE", path, { body: { service: "ended" } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      result: 200,
      action: "cancel",
      heartBeat: { service: "ended", status: "cancelled", cancelled: true, alerted: false, since: now() },
    });
    advance(86_400_000);
    expect((await call("GET", "/get/ended")).body.heartBeat).toMatchObject({ status: "cancelled", alerted: false });
  });

  it("may be a form", async () => {
    await pulse("ended by form");
    const { body } = await call("DELETE", "/", { raw: "service=ended+by+form", headers: FORM });
    expect(body.heartBeat.status).toBe("cancelled");
  });

  it("may be repeated, without effect", async () => {
    await pulse("ended twice");
    const first = await call("DELETE", "/", { body: { service: "ended twice" } });
    advance(5_000);
    const second = await call("DELETE", "/", { body: { service: "ended twice" } });
    expect(second.body.heartBeat).toEqual({ ...first.body.heartBeat, asOf: now() });
  });

  it("names a service that is unknown, and makes none", async () => {
    const { status, body } = await call("DELETE", "/heartbeat", { body: { service: "never heard of" } });
    expect(status).toBe(200);
    expect(body).toEqual({ result: 200, action: "cancel", heartBeat: "never heard of" });
    expect((await call("GET", "/get/never%20heard%20of")).status).toBe(404);
  });

  it("is undone by a pulse", async () => {
    await pulse("back");
    await call("DELETE", "/", { body: { service: "back" } });
    expect((await pulse("back")).body.heartBeat).toMatchObject({ status: "alive", cancelled: false, alerted: false });
  });
});

describe("GET / by a browser", () => {
  const accept = "text/html,application/xhtml+xml,*/*;q=0.8";

  it.each(["GET", "HEAD"])("without a password is shown the way to the web interface: %s", async (method) => {
    const { status, headers } = await visit(method, "/", { accept });
    expect(status).toBe(302);
    expect(headers.get("location")).toBe("/gui");
  });

  it("with the password is the list", async () => {
    const { status, body } = await call("GET", "/", { headers: { accept } });
    expect(status).toBe(200);
    expect(body.heartBeats).toBeInstanceOf(Array);
  });
});
