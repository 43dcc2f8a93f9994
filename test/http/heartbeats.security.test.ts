import { describe, expect, it } from "vitest";
import { expectRefusal, shown, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();

const TARGET = { alertType: "mail", alertTarget: "ann@example.com" };

/** Names that break programs which are careless somewhere; none of them may be special here. */
const HOSTILE_NAMES = [
  "a b",
  " leading and trailing ",
  "a/b/c",
  "/",
  "//",
  "/leading",
  "trailing/",
  "a//b",
  "a?b#c&d=e;f",
  "a+b",
  "100%",
  "%",
  "%41",
  "%2541",
  "%2F",
  "%zz",
  "..",
  ".",
  "../..",
  "a/../b",
  "a/./b",
  "'single' \"double\" `back`",
  "back\\slash",
  "'; drop table services; --",
  "<script>alert(1)</script>",
  "{{7*7}} #{7*7} %s %n",
  "🦊",
  "👩‍👩‍👧‍👦",
  "e\u0301",
  "\u00e9",
  "שלום עולם",
  "مرحبا",
  "\u202egnp.exe",
  "\u2028line\u2029separators",
  "\u00a0no-break\u3000ideographic",
  "\u200bzero width\ufeff",
  "\ufffd",
  "\uffff",
  "\u{10ffff}",
  "ǅ İ ß ﬁ",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "undefined",
  "true",
  "0",
  "-0",
  "1e3",
  "NaN",
  "favicon.ico",
  "heartbeat",
  "get/x",
  "a".repeat(200),
  "🦊".repeat(200),
  "\u{10ffff}".repeat(200),
  "/".repeat(200),
];

describe.each(HOSTILE_NAMES.map((name) => [shown(name), name]))("the name %s", (_, service) => {
  const inQuery = `service=${encodeURIComponent(service)}`;
  // A URL parser eats these, also when they are encoded.
  const survivesPath = service !== "." && service !== "..";

  it("makes the round trip on every route", async () => {
    const pulsed = await call("POST", "/", { body: { service, nextIn: 60, ...TARGET } });
    expect(pulsed.body).toMatchObject({ result: 200, heartBeat: { service } });

    const path = encodeURIComponent(service);
    const ones = [`/heartbeat?${inQuery}`, ...(survivesPath ? [`/heartbeat/${path}`, `/get/${path}`] : [])];
    for (const one of ones)
      expect((await call("GET", one)).body, one).toEqual({ result: 200, heartBeat: pulsed.body.heartBeat });

    const added = await call("POST", "/event", { body: { service, message: service } });
    expect(added.body).toEqual({ result: 200, id: expect.any(String) });
    const events = await call("GET", `/events?${inQuery}&message=${encodeURIComponent(service)}`);
    expect(events.body.events).toMatchObject([{ id: added.body.id, service, message: service }]);

    const cancelled = await call("DELETE", "/", { body: { service } });
    expect(cancelled.body).toMatchObject({ result: 200, heartBeat: { service, status: "cancelled" } });
  });
});

describe("all of these names together", () => {
  it("are in the list once each", async () => {
    for (const service of HOSTILE_NAMES) await call("POST", "/", { body: { service, nextIn: 60, ...TARGET } });
    const { body } = await call("GET", "/heartbeats");
    const names: string[] = body.heartBeats.map((h: { service: string }) => h.service);
    expect(names.filter((name) => HOSTILE_NAMES.includes(name)).toSorted()).toEqual(HOSTILE_NAMES.toSorted());
  });
});

describe("names are told apart", () => {
  it.each([
    ["%41", "A"],
    ["e\u0301", "\u00e9"],
    ["case", "CASE"],
    ["space", "space "],
    ["a+b", "a b"],
  ])("%j is not %j", async (one, other) => {
    await call("POST", "/", { body: { service: `told ${one}`, nextIn: 60, ...TARGET } });
    expect((await call("GET", `/get/${encodeURIComponent(`told ${other}`)}`)).status).toBe(404);
  });

  it("by their path, in which slashes need not be encoded", async () => {
    for (const service of ["raw/slashes/in it", "raw//twice", "raw/end/"]) {
      await call("POST", "/", { body: { service, nextIn: 60, ...TARGET } });
      for (const route of ["/get/", "/heartbeat/"]) {
        expect((await call("GET", route + encodeURI(service))).body.heartBeat, route).toMatchObject({ service });
      }
    }
  });

  it("by their path also when the route itself is written in an odd way", async () => {
    await call("POST", "/", { body: { service: "odd", nextIn: 60, ...TARGET } });
    expect((await call("GET", "/%67et/odd")).body.heartBeat.service).toBe("odd");
  });
});

describe("without the password", () => {
  it.each([
    ["POST", "/"],
    ["POST", "/heartbeat"],
    ["DELETE", "/"],
    ["DELETE", "/heartbeat"],
    ["GET", "/"],
    ["GET", "/heartbeats"],
    ["GET", "/heartbeat/x"],
    ["GET", "/get/x"],
    ["GET", "/heartbeat?service=x"],
  ])("%s %s is refused", async (method, path) => {
    expectRefusal(await visit(method, path), 403, "password");
    expectRefusal(await visit(method, path, { password: "wrong" }), 403, "password");
  });

  it.each([
    ["POST", "/"],
    ["DELETE", "/"],
    ["GET", "/heartbeats"],
    ["GET", "/?a"],
  ])("%s %s is refused to a browser too, unless it is a mere visit", async (method, path) => {
    const { status } = await visit(method, path, { accept: "text/html" });
    expect(status).toBe(path === "/?a" ? 302 : 403);
  });

  it("a visit with a wrong password is no visit", async () => {
    expectRefusal(await visit("GET", "/", { accept: "text/html", password: "wrong" }), 403, "password");
    expectRefusal(await visit("GET", "/", { accept: "text/html", authorization: "Bearer wrong" }), 403, "password");
  });
});
