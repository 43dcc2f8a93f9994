import { describe, expect, it } from "vitest";
import { countStored, expectRefusal, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();

describe("without the password", () => {
  it.each([
    ["POST", "/event"],
    ["POST", "/add-event"],
    ["GET", "/events"],
    ["GET", "/list-events"],
  ])("%s %s is refused, and stores nothing", async (method, path) => {
    const before = await countStored();
    expectRefusal(await visit(method, path), 403, "password");
    expectRefusal(await visit(method, path, { accept: "text/html" }), 403, "password");
    expect(await countStored()).toEqual(before);
  });
});

describe("what a message or a filter says", () => {
  const HOSTILE = [
    "'; delete from events; --",
    "' or 1=1 --",
    '") or 1=1 --',
    "%' or '%' = '",
    "?1 ?2 :a @b $c",
    "\\u0000",
    '{"id":"x","service":"y"}',
    "<script>alert(1)</script>",
    "\u202e rtl",
    "🦊".repeat(30),
  ];
  it.each(HOSTILE)("is data, never a command: %j", async (text) => {
    const service = `hostile ${text}`;
    const added = await call("POST", "/event", { body: { service, message: text } });
    const one = { id: added.body.id, service, message: text };
    const all = await call("GET", "/events?limit=10000");
    const filtered = await call(
      "GET",
      `/events?message=${encodeURIComponent(text)}&service=${encodeURIComponent(service)}`,
    );
    expect(filtered.body.events).toMatchObject([one]);
    expect(all.body.events).toContainEqual(expect.objectContaining(one));
    // It finds itself alone, not everything.
    const none = await call("GET", `/events?service=nobody&message=${encodeURIComponent(text)}`);
    expect(none.body.events).toEqual([]);
  });

  it.each(["service", "level", "message", "from", "to", "limit", "cursor", "humanDates", "__proto__", "constructor"])(
    "a parameter %s that is hostile is refused, or found nowhere",
    async (name) => {
      for (const value of ["' or 1=1 --", "__proto__", "[object Object]", "1;drop table events", "🦊"]) {
        const { status, body } = await call("GET", `/events?service=nobody&${name}=${encodeURIComponent(value)}`);
        if (status === 200) expect(body.events).toEqual([]);
        else expectRefusal({ status, body, headers: new Headers() }, 400, name);
      }
    },
  );
});
