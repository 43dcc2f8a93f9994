import { beforeAll, describe, expect, it } from "vitest";
import { callWith, expectRefusal, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { event, storeEvents } from "../support/rows.ts";

useTestClock();

const NOW = START_MS / 1_000;
const HOUR = 3_600;

beforeAll(() =>
  storeEvents(
    event(START_MS - 90_000_000, { service: "old" }),
    event(START_MS - 2 * HOUR * 1_000, { service: "api", level: 4, message: "disk full", fields: { host: "web-1" } }),
    event(START_MS - HOUR * 1_000, { service: "api", level: 1, message: "all is well" }),
    event(START_MS - 1_000, { service: "web", level: 4, message: "disk full", fields: { host: "web-2" } }),
    event(START_MS + 300_000, { service: "web", level: 500, message: "from a clock that is ahead" }),
  ),
);

async function stats(query: string) {
  const { status, body } = await call("GET", `/events/stats?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

describe("statistics", () => {
  it("are those of the last day where nothing is said, in at most 60 buckets", async () => {
    const body = await stats("");
    expect(body).toMatchObject({
      result: 200,
      from: NOW - 86_400,
      to: NOW + 600,
      count: 4,
      levels: [
        { level: 1, count: 1 },
        { level: 4, count: 2 },
        { level: 500, count: 1 },
      ],
      services: [
        { service: "api", count: 2 },
        { service: "web", count: 2 },
      ],
      otherServices: { services: 0, count: 0 },
      bucketSeconds: 1_800,
    });
    expect(body).not.toHaveProperty("countedFrom");
    expect(body.buckets.length).toBeGreaterThan(45);
    expect(body.buckets.length).toBeLessThanOrEqual(60);
    expect(body.buckets[0]).toEqual({ from: NOW - 86_400, count: 0, levels: [] });
    expect(body.buckets.at(-1)).toEqual({ from: NOW, count: 1, levels: [{ level: 500, count: 1 }] });
    expect(body.buckets.filter(({ count }: { count: number }) => count > 0)).toHaveLength(4);
  });

  it.each([
    ["service=web", 2],
    ["level=error", 3],
    ["message=DISK", 2],
    ["q=disk host:web-2", 1],
    ["field.host=web-1", 1],
    ["q=-disk&service=web", 1],
    [`from=${NOW - 100_000}`, 5],
    [`from=${NOW - HOUR}&to=${NOW - HOUR}`, 1],
    ["q=nowhere", 0],
  ])("have the filters of a list: %s", async (query, count) => {
    expect(await stats(query)).toMatchObject({ count });
    expect((await call("GET", `/events?${query}`)).body.events).toHaveLength(count);
  });

  it.each([
    [1, 1, 87_001],
    [2, 2, 86_400],
    [10, 9, 10_800],
    [200, 146, 600],
  ])("have at most %i buckets, of a round width", async (most, expected, width) => {
    const { buckets, bucketSeconds } = await stats(`buckets=${most}`);
    expect([buckets.length, bucketSeconds]).toEqual([expected, width]);
  });

  it("write dates as they are asked for", async () => {
    const body = await stats("humanDates=1&buckets=2");
    expect([body.from, body.buckets[0].from]).toEqual(["2039-12-31 12:00:00", "2039-12-31 00:00:00"]);
  });

  it("look at the newest 10,000 events on the free plan, and say so", async () => {
    const start = START_MS - 20 * 86_400_000;
    const many = Array.from({ length: 10_050 }, (_, i) => event(start + i * 100, { service: "many" }));
    for (let i = 0; i < many.length; i += 5_000) await storeEvents(...many.slice(i, i + 5_000));
    const query = `from=${start / 1_000}&to=${start / 1_000 + 2_000}`;
    const free = await callWith({ PLAN: "free" }, "GET", `/events/stats?${query}`);
    expect(free.body).toMatchObject({ count: 10_000, countedFrom: start / 1_000 + 5 });
    const paid = await stats(query);
    expect(paid.count).toBe(10_050);
    expect(paid).not.toHaveProperty("countedFrom");
  });

  it.each([
    ["buckets=0", "buckets must be an integer from 1 to 200."],
    ["buckets=201", "buckets must be an integer from 1 to 200."],
    ["buckets=1.5", "buckets must be an integer from 1 to 200."],
    ["from=2&to=1", "from must not be after to"],
    ["q=a+OR", "q can't be read at character 5: something to search for is missing."],
  ])("are refused for %s", async (query, hint) => {
    expectRefusal(await call("GET", `/events/stats?${query}`), 400, hint);
  });

  it("need a password", async () => {
    expectRefusal(await visit("GET", "/events/stats"), 403, /password/);
  });
});
