import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { accept, interceptProviders, MINUTELY, monitorOf, runAlarm } from "../support/monitor.ts";
import { query } from "../support/rows.ts";

useTestClock();

beforeEach(async () => {
  await query("delete from services");
  vi.setSystemTime(START_MS);
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

/** Makes `count` services that pulse once, each at its real object. */
async function pulsed(prefix: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `${prefix} ${String(i).padStart(4, "0")}`);
  for (let i = 0; i < count; i += 50) {
    await Promise.all(names.slice(i, i + 50).map((name) => monitorOf(name).pulse(MINUTELY)));
  }
  return names;
}

/** Lists, and counts what the Worker asks for that: what objects then owe to D1 is sent by their own invocations. */
async function list() {
  const prepare = vi.spyOn(env.DB, "prepare");
  const objects = vi.spyOn(env.SERVICE_MONITOR, "getByName");
  const { status, body } = await call("GET", "/");
  const queries = prepare.mock.calls.map(([sql]) => sql).filter((sql) => /^select|where exists|delete/.test(sql));
  // One more, which is the list's being handed over.
  const calls = objects.mock.calls.length + 1;
  prepare.mockRestore();
  objects.mockRestore();
  expect(status).toBe(200);
  const rows: { service: string; status: string }[] = body.heartBeats;
  return { statuses: new Map(rows.map(({ service, status }) => [service, status])), queries, calls };
}

describe("a list of 1,000 services", () => {
  it("has every status right for 54 queries and calls, with rows as old as they may be", {
    timeout: 200_000,
  }, async () => {
    interceptProviders(accept);
    // These died, and their alarms have run; those fell silent, too, but nobody has looked since: then they are excused.
    const noticed = await pulsed("noticed", 20);
    for (const name of noticed) {
      vi.setSystemTime(START_MS);
      await runAlarm(name);
    }
    vi.setSystemTime(START_MS);
    const unnoticed = await pulsed("unnoticed", 45);
    const cancelled = await pulsed("cancelled", 5);
    for (const name of cancelled) await monitorOf(name).cancel();
    // The longest that a row may be behind and still be believed is 695 seconds.
    const nowMs = START_MS + 696_000;
    vi.setSystemTime(nowMs - 30_000);
    await pulsed("alive", 930);
    vi.setSystemTime(nowMs);
    // All the others pulse as they promised; each row is up to ten minutes behind.
    await query("update services set last = last - abs(random() % 570), as_of = last where service like 'alive %'");

    const expected = new Map([
      ...noticed.map((name) => [name, "dead"] as const),
      ...cancelled.map((name) => [name, "cancelled"] as const),
    ]);
    for (let round = 0; round < 3; round++) {
      const { statuses, queries, calls } = await list();
      expect(statuses.size).toBe(1_000);
      for (const [name, status] of statuses) expect(status, name).toBe(expected.get(name) ?? "alive");
      expect(calls).toBe(51);
      // The directory is read twice, since the first reading shows that the list is long, and brought up to date once.
      expect(queries).toHaveLength(3);
    }
    vi.setSystemTime(nowMs + 65_000);
    const { statuses } = await list();
    for (const name of unnoticed) expect(statuses.get(name), name).toBe("dead");
  });
});
