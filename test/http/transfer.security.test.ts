import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ulid } from "../../src/domain/ulid.ts";
import { callWith, expectRefusal } from "../support/app.ts";
import { call, PASSWORD_READ } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";
import { issue } from "../support/keys.ts";
import { query } from "../support/rows.ts";

useTestClock();
beforeEach(() => {
  vi.spyOn(console, "log").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
});

const RUNS = { seed: 20_261_124, numRuns: 200 };
const TARGET = { alertType: "mail", alertTarget: "ann@example.com" };
const ALIVE = {
  status: "alive",
  sinceMs: 1,
  lastMs: 1,
  nextInSeconds: 60,
  graceSeconds: 0,
  graceIsOwn: false,
  remindEverySeconds: 0,
  targets: [{ type: "mail", target: "ann@example.com" }],
};
const RULE = {
  kind: "rule",
  name: "good",
  q: "error",
  ...TARGET,
  count: 1,
  seconds: 60,
  quietSeconds: 60,
  writtenMs: 1,
};
const imported = (...lines: unknown[]) =>
  call("POST", "/import", { raw: lines.map((line) => JSON.stringify(line)).join("\n") });

describe("who may move a watchTower", () => {
  it("is nobody who only reads: an export tells where people are reached", async () => {
    await call("POST", "/", { body: { service: "told", nextIn: 60, ...TARGET } });
    const headers = { password: PASSWORD_READ };
    for (const kind of ["services", "transitions", "events", "rules"]) {
      expectRefusal(await call("GET", `/export?kind=${kind}`, { headers }), 403, /only reads/);
    }
    expectRefusal(await call("POST", "/import", { headers, raw: "" }), 403, /only reads/);
    expect((await call("GET", "/export?kind=services")).body).toContain("ann@example.com");
  });

  it("is no device", async () => {
    const headers = { password: await issue("a device") };
    expectRefusal(await call("GET", "/export?kind=services", { headers }), 403, /./);
    expectRefusal(await call("POST", "/import", { headers, raw: "" }), 403, /./);
  });
});

describe("an import is bounded", () => {
  const event = (id: string) => ({ kind: "event", id, service: "s", level: 0, message: "m", alert: false });

  it("in lines and bytes, and nothing of one that is larger is stored", async () => {
    const lines = Array.from({ length: 1_001 }, () => event(ulid(Date.now())));
    expectRefusal(await imported(...lines), 413, /1000 lines/);
    expectRefusal(await imported({ ...event(ulid(Date.now())), message: "x".repeat(1_048_576) }), 413, /1048576 bytes/);
    expect(await query("select count(*) as count from events")).toEqual([{ count: 0 }]);
    expect((await imported(...lines.slice(1))).body).toMatchObject({ news: 1_000, refused: [] });
  });
});

describe("whatever is in a line", () => {
  const good = [
    { kind: "service", service: "good", state: ALIVE },
    { kind: "transition", id: ulid(1), service: "good", status: "alive", last: null, expected: null },
    { kind: "event", id: ulid(1), service: "good", level: 0, message: "m", alert: false },
    RULE,
  ];
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 10 }),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.jsonValue({ maxDepth: 2 }),
  );
  /** A good line, of which something is anything. */
  const spoiled = fc
    .tuple(fc.constantFrom(...good), fc.nat(), anything, fc.boolean())
    .map(([line, at, value, isInside]) => {
      const inner = isInside && "state" in line ? line.state : undefined;
      const keys = Object.keys(inner ?? line);
      const change = { [keys[at % keys.length] as string]: value };
      return inner ? { ...line, state: { ...inner, ...change } } : { ...line, ...change };
    });

  it("is taken or refused with a reason, and a service that was taken can be looked at", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(spoiled, anything), { maxLength: 5 }), async (lines) => {
        const answer = await imported(...lines);
        expect(answer.status, JSON.stringify(answer.body)).toBe(200);
        for (const { index, hint } of answer.body.refused) {
          expect(index).toBeLessThan(lines.length);
          expect(hint).toMatch(/^[A-Za-z].+\.$/s);
        }
        const page = await call("GET", "/export?kind=services");
        expect(page.status).toBe(200);
        expect((await call("GET", "/heartbeats")).status).toBe(200);
      }),
      RUNS,
    ));
});

describe("a target that no pulse may name", () => {
  it("is not imported either", async () => {
    const { body } = await imported(
      {
        kind: "service",
        service: "inwards",
        state: { ...ALIVE, targets: [{ type: "webhook", target: "http://127.0.0.1/" }] },
      },
      { ...RULE, name: "inwards", alertType: "webhook", alertTarget: "http://[::1]/" },
      { ...RULE, name: "unknown", alertType: "pigeon" },
    );
    expect(body.news).toBe(0);
    expect(body.refused.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2]);
    expect(body.refused[0].hint).toMatch(/alertTarget/);
    expect((await call("GET", "/heartbeat/inwards")).status).toBe(404);
  });
});

describe("an export's parameters", () => {
  it.each(["", "?kind=", "?kind=secrets", "?kind=services&kind=events", "?kind=services&after=%00"])(
    "%s",
    async (query) => {
      expectRefusal(await call("GET", `/export${query}`), 400, /./);
    },
  );

  it("are refused before the object is asked that makes it", async () => {
    const answer = await callWith({ BULK_READER: undefined }, "GET", "/export?kind=nothing");
    expectRefusal(answer, 400, /kind must be one of services, transitions, events, rules/);
  });
});
