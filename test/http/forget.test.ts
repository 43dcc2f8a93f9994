import { afterEach, describe, expect, it, vi } from "vitest";
import { countStored, expectRefusal, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { advance, useTestClock } from "../support/clock.ts";
import { accept, deliveryLog, interceptProviders, runAlarm, settle } from "../support/monitor.ts";
import { query } from "../support/rows.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const WEBHOOK = { alertType: "webhook", alertTarget: "https://hooks.example/a" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const now = () => Math.floor(Date.now() / 1_000);

function pulse(service: string, fields: Record<string, unknown> = {}) {
  return call("POST", "/", { body: { service, nextIn: 60, ...WEBHOOK, ...fields } });
}

function forget(service: string, path = "/") {
  return call("DELETE", path, { body: { service, forget: true } });
}

const one = (service: string) => call("GET", `/heartbeat?service=${encodeURIComponent(service)}`);
const historyOf = (service: string) =>
  query<{ status: string }>("select status from transitions where service = ? order by id", service);

describe("a cancel with forget", () => {
  it.each(["/", "/heartbeat"])(
    "at %s answers the service as it was cancelled, and then there is none",
    async (path) => {
      const service = `forgotten at ${path}`;
      const pulsed = await pulse(service, { grace: 7 });
      advance(1_000);
      const { status, body } = await forget(service, path);
      expect(status).toBe(200);
      expect(body).toEqual({
        result: 200,
        action: "cancel",
        heartBeat: {
          ...pulsed.body.heartBeat,
          status: "cancelled",
          cancelled: true,
          since: now(),
          asOf: now(),
        },
      });
      expectRefusal(await one(service), 404, "no service of this name");
      const list = await call("GET", "/");
      expect(list.body.heartBeats.map((h: { service: string }) => h.service)).not.toContain(service);
    },
  );

  it.each([
    ["true", { body: { service: "spelt", forget: true } }],
    ["1", { body: { service: "spelt", forget: 1 } }],
    ['"true"', { body: { service: "spelt", forget: "true" } }],
    ["a form", { raw: "service=spelt&forget=true", headers: FORM }],
    ["a form's 1", { raw: "service=spelt&forget=1", headers: FORM }],
  ])("may be written as %s", async (_, options) => {
    await pulse("spelt");
    expect((await call("DELETE", "/", options)).status).toBe(200);
    expect((await one("spelt")).status).toBe(404);
  });

  it.each([
    ["false", { body: { service: "only cancelled", forget: false } }],
    ["0", { body: { service: "only cancelled", forget: "0" } }],
    ["an empty field", { raw: "service=only+cancelled&forget=", headers: FORM }],
  ])("is a mere cancel where it says %s", async (_, options) => {
    await pulse("only cancelled");
    await call("DELETE", "/", options);
    expect((await one("only cancelled")).body.heartBeat.status).toBe("cancelled");
  });

  it("keeps the service's events and transitions, in their order", async () => {
    await pulse("history");
    await call("POST", "/event", { body: { service: "history", message: "kept" } });
    advance(10_000);
    await forget("history");
    const { body } = await call("GET", "/events?service=history");
    expect(body.events).toMatchObject([{ message: "kept" }]);
    const statuses = (await historyOf("history")).map(({ status }) => status);
    expect(statuses[0]).toBe("alive");
    expect(statuses.slice(1).sort()).toEqual(["cancelled", "forgotten"]);
  });

  it("forgets a cancelled service too, and a dead one, whose undelivered notice is dropped", async () => {
    const received = interceptProviders(accept);
    await pulse("cancelled before");
    await call("DELETE", "/", { body: { service: "cancelled before" } });
    expect((await forget("cancelled before")).body.heartBeat).toMatchObject({ status: "cancelled" });
    expect((await one("cancelled before")).status).toBe(404);

    await pulse("dead before");
    advance(65_000);
    expect((await one("dead before")).body.heartBeat.status).toBe("dead");
    expect((await forget("dead before")).body.heartBeat).toMatchObject({ cancelled: true, alerted: false });
    await settle("dead before");
    expect((await one("dead before")).status).toBe(404);
    expect(received).toEqual([]);
    expect(await deliveryLog("dead before")).toMatchObject([{ kind: "dead", state: "dropped" }]);
  });

  it("of a service that is unknown, or forgotten already, answers its name, and stores no row", async () => {
    const { objects: _, ...before } = await countStored();
    expect((await forget("never heard of")).body).toEqual({
      result: 200,
      action: "cancel",
      heartBeat: "never heard of",
    });
    expect(await countStored()).toMatchObject(before);
    await pulse("twice");
    await forget("twice");
    expect((await forget("twice")).body.heartBeat).toBe("twice");
    expect((await historyOf("twice")).map(({ status }) => status)).toHaveLength(3);
  });

  it("is undone by a pulse, which makes the service anew, with nothing of what it was", async () => {
    const pauseUntil = now() + 86_400;
    const options = { grace: 7, remindEvery: 600, pauseUntil, alerts: [{ type: "mail", target: "a@b.c" }] };
    await pulse("anew", options);
    await forget("anew");
    advance(60_000);
    const { body } = await pulse("anew");
    expect(body.heartBeat).toMatchObject({ status: "alive", since: now(), last: now() });
    for (const field of Object.keys(options)) expect(body.heartBeat).not.toHaveProperty(field);
    expect((await one("anew")).body.heartBeat).toEqual(body.heartBeat);
    expect((await historyOf("anew")).at(-1)).toEqual({ status: "alive" });
  });

  it("within the same second is undone by a pulse just so", async () => {
    await pulse("at once", { nextIn: 3_600 });
    await forget("at once");
    await pulse("at once", { nextIn: 60 });
    expect((await one("at once")).body.heartBeat).toMatchObject({ status: "alive", nextIn: 60 });
    const rows = await query("select status, next_in from services where service = 'at once'");
    expect(rows).toEqual([{ status: "alive", next_in: 60 }]);
  });

  it("ends the watching: nobody is told, whatever time passes", async () => {
    const received = interceptProviders(accept);
    await pulse("quiet");
    await forget("quiet");
    expect(await runAlarm("quiet")).toBe(false);
    expect(received).toEqual([]);
  });
});

describe("without the password", () => {
  it("nothing is forgotten", async () => {
    await pulse("guarded");
    expectRefusal(await visit("DELETE", "/?forget=true&service=guarded"), 403, "password");
    const answer = await call("DELETE", "/", {
      body: { service: "guarded", forget: true },
      headers: { password: "x" },
    });
    expectRefusal(answer, 403, "password");
    expect((await one("guarded")).body.heartBeat.status).toBe("alive");
  });
});
