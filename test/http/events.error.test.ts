import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { countStored, expectRefusal, refuseQueries, titled } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const NOW = START_MS / 1_000;

describe("an event is refused, names the field and stores nothing, when", () => {
  const cases: [field: string, fields: Record<string, unknown>][] = [
    ["service", { service: undefined }],
    ["service", { service: "" }],
    ["service", { service: 1 }],
    ["service", { service: "a\0b" }],
    ["service", { service: "x".repeat(201) }],
    ["message", { message: undefined }],
    ["message", { message: null }],
    ["message", { message: "" }],
    ["message", { message: 5 }],
    ["message", { message: true }],
    ["message", { message: ["x"] }],
    ["message", { message: "a\0b" }],
    ["message", { message: "m".repeat(65_537) }],
    ["message", { message: "é".repeat(32_769) }],
    ["level", { level: -1 }],
    ["level", { level: 1_001 }],
    ["level", { level: 1.5 }],
    ["level", { level: "1.5" }],
    ["level", { level: "-1" }],
    ["level", { level: "1001" }],
    ["level", { level: "1e1" }],
    ["level", { level: "٣" }],
    ["level", { level: "fatal" }],
    ["level", { level: "__proto__" }],
    ["level", { level: "constructor" }],
    ["level", { level: "" }],
    ["level", { level: null }],
    ["level", { level: true }],
    ["level", { level: [4] }],
    ["level", { level: 1e300 }],
    ["alert", { alert: "yes" }],
    ["alert", { alert: 2 }],
    ["alert", { alert: null }],
    ["alert", { alert: "" }],
    ["alert", { alert: {} }],
  ];
  it.each(titled(cases))("%s is wrong: %s", async (field, _, fields) => {
    const before = await countStored();
    const answer = await call("POST", "/event", { body: { service: "refused", message: "x", ...fields } });
    expectRefusal(answer, 400, field);
    expect(await countStored()).toEqual(before);
  });
});

describe("a list of events is refused, and names the parameter, when", () => {
  it.each([
    ["level", "level=high"],
    ["level", "level=-1"],
    ["level", "level=1001"],
    ["level", "level=1.5"],
    ["limit", "limit=0"],
    ["limit", "limit=-1"],
    ["limit", "limit=10001"],
    ["limit", "limit=1.5"],
    ["limit", "limit=all"],
    ["from", "from=yesterday"],
    ["from", "from=-1"],
    ["from", "from=2040-13-01"],
    ["from", "from=2040-02-30"],
    ["from", "from=2039-02-29T10:00Z"],
    ["from", "from=2040-01-01T25:00Z"],
    ["from", "from=2040-01-01T10"],
    ["from", "from=2040-1-1"],
    ["from", "from=99999999999999999999"],
    ["from", "from=NaN"],
    ["from", "from=1e9"],
    ["from", "from=0x10"],
    ["from", "from=2040-01-01T10:00:00+25:00"],
    ["to", "to=tomorrow"],
    ["to", "to=-5"],
    ["to", "to=2040-00-01"],
    ["to", "to=281474976710656"],
    ["service", "service=%0A"],
    ["service", "service=a%00b"],
    ["message", "message=a%00b"],
    ["message", "message=%ff"],
    ["q", "q=%22"],
    ["q", "q=a%00b"],
    ["q", "q=level:high"],
    ["q", `q=${"a+".repeat(31)}`],
    ["q", `q=${"a".repeat(1_001)}`],
    ["q and field.NAME", `q=${"a+".repeat(30)}&field.a=1`],
    ["field.NAME", "field.=1"],
    ["field.NAME", `field.${"a".repeat(101)}=1`],
    ["field.NAME", "field.a=%00"],
    ["field.NAME", "field.%00=1"],
    ["only once", "field.a=1&field.a=2"],
    ["only once", "q=a&q=b"],
    ["cursor", "cursor=next"],
    ["cursor", "cursor=1.2.3"],
    ["cursor", "cursor=1.2.01K00000000000000000000000.4"],
    ["cursor", `cursor=1.2.${"U".repeat(26)}`],
    ["cursor", `cursor=-1.2.01K00000000000000000000000`],
    ["cursor", `cursor=9999999999999.2.01K00000000000000000000000`],
    ["humanDates", "humanDates=yes"],
    ["humanDates", "humanDates=10"],
  ])("%s is wrong: %s", async (name, query) => {
    expectRefusal(await call("GET", `/events?${query}`), 400, name);
    expectRefusal(await call("GET", `/list-events?service=s&${query}`), 400, name);
  });

  it("from is after to, also where one of them is the default", async () => {
    for (const query of [`from=${NOW}&to=${NOW - 1}`, `from=${NOW + 601}`, `to=${NOW - 86_401}`]) {
      expectRefusal(await call("GET", `/events?${query}`), 400, "from must not be after to");
    }
    expect((await call("GET", `/events?from=${NOW}&to=${NOW}`)).status).toBe(200);
  });
});

describe("when the database fails", () => {
  it("and the buffers, too, an event is not acknowledged, and its sender is asked to come again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const log = vi.spyOn(console, "warn").mockImplementation(() => {});
    refuseQueries();
    vi.spyOn(env.EVENT_BUFFER, "getByName").mockImplementation(() => {
      throw new Error("the object is gone");
    });
    const answer = await call("POST", "/event", { body: { service: "s", message: "secret message" } });
    expectRefusal(answer, 503, "Events can't be stored now");
    expect(answer.headers.get("retry-after")).toBe("10");
    // The log has what D1 said, and not what was to be stored.
    expect(log.mock.calls.flat().join()).toContain("D1_ERROR: secret detail");
    expect(log.mock.calls.flat().join()).not.toContain("secret message");
  });

  it("a list says so, rather than that there is nothing", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    refuseQueries();
    for (const path of ["/events", "/heartbeats", "/get/x"]) {
      expectRefusal(await call("GET", path), 503, "The database can't be reached", path);
    }
  });

  it("an event that shall be alerted is: its service's object owes both", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    vi.spyOn(env.DB, "batch").mockImplementation(async () => {
      throw new Error("D1_ERROR: overloaded");
    });
    const { status } = await call("POST", "/event", { body: { service: "owed", message: "x", alert: true } });
    expect(status).toBe(200);
  });
});
