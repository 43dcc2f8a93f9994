import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Snapshot } from "../../src/domain/snapshot.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { query, snapshot, storeServices } from "../support/rows.ts";

useTestClock();

const NOW = START_MS / 1_000;
const TARGET = { alertType: "webhook", alertTarget: "https://hooks.example/a" };

/**
 * Stands in for the objects, and says which of them were asked.
 * @param known what they know; who is not in it can't be reached
 * @param meanwhile what happens before they answer
 */
function standInForObjects(known: Map<string, Snapshot | null>, meanwhile = async () => {}): string[] {
  const asked: string[] = [];
  vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation((name) => {
    asked.push(name);
    const snapshot = async () => {
      await meanwhile();
      const answer = known.get(name);
      if (answer === undefined) throw new Error("out of reach");
      return answer;
    };
    return { snapshot } as unknown as ReturnType<typeof env.SERVICE_MONITOR.getByName>;
  });
  return asked;
}

async function list(): Promise<{ service: string; status: string; last: number; asOf: number }[]> {
  const { status, body } = await call("GET", "/heartbeats");
  expect(status).toBe(200);
  return body.heartBeats;
}

/** Rows by their numbers: `late` seconds past the promise, of services that promise a minute. */
function rows(prefix: string, count: number, late: (i: number) => number, rest: Partial<Snapshot> = {}): Snapshot[] {
  return Array.from({ length: count }, (_, i) =>
    snapshot(`${prefix}${String(i).padStart(3, "0")}`, { last: NOW - 60 - late(i), asOf: NOW - 700, ...rest }),
  );
}

beforeEach(async () => {
  await query("delete from services");
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

describe("a list of 300 services", () => {
  it("asks at most 50 objects: first whose row can't be trusted, then who is late, the longest late first", async () => {
    const untrusted = rows("untrusted", 30, (i) => 700 + i);
    // Longer late than those, but in a grace of a day, so that their rows are right.
    const late = rows("late", 40, (i) => 1_000 + i * 10, { grace: 86_400 });
    const others = [
      ...rows("in time", 100, () => -1),
      ...rows("on time", 10, () => 0),
      ...rows("dead", 60, () => 5_000, { status: "dead" }),
      ...rows("cancelled", 60, () => 5_000, { status: "cancelled" }),
    ];
    await storeServices(...others, ...late, ...untrusted);
    const all = [...others, ...late, ...untrusted];
    const asked = standInForObjects(new Map(all.map((row) => [row.service, { ...row, asOf: NOW }])));
    const heartBeats = await list();

    expect(heartBeats).toHaveLength(300);
    const byUrgency = [...untrusted.toReversed(), ...late.toReversed()].map(({ service }) => service);
    expect(asked).toEqual(byUrgency.slice(0, 50));
    for (const { service, asOf } of heartBeats) expect(asOf, service).toBe(asked.includes(service) ? NOW : NOW - 700);
    expect(heartBeats.map(({ service }) => service)).toEqual(all.map(({ service }) => service).sort());
  });

  it("asks nobody when every row speaks for itself, with one query", async () => {
    await storeServices(
      ...rows("in time", 99, (i) => -30 - i),
      ...rows("just now", 1, () => 0),
      ...rows("dead", 200, () => 9_000, { status: "dead" }),
    );
    const asked = standInForObjects(new Map());
    const prepare = vi.spyOn(env.DB, "prepare");
    expect(await list()).toHaveLength(300);
    expect(asked).toEqual([]);
    expect(prepare).toHaveBeenCalledTimes(1);
  });
});

describe("what a list learns", () => {
  it.each([1, 20])("of %i objects goes back into the directory, in one statement", async (count) => {
    const late = rows("late", count, () => 100);
    await storeServices(...late);
    const fresh = late.map((row) => ({ ...row, last: NOW - 5, asOf: NOW }));
    standInForObjects(new Map(fresh.map((row) => [row.service, row])));
    const prepare = vi.spyOn(env.DB, "prepare");
    const heartBeats = await list();
    expect(prepare).toHaveBeenCalledTimes(2);
    expect(heartBeats.every(({ last }) => last === NOW - 5)).toBe(true);
    expect(await query("select distinct last, as_of from services")).toEqual([{ last: NOW - 5, as_of: NOW }]);
    // So the next one need not ask again.
    const askedAgain = standInForObjects(new Map());
    await list();
    expect(askedAgain).toEqual([]);
  });

  it("never overtakes what the service's own object has written meanwhile", async () => {
    const [late] = rows("late", 1, () => 100) as [Snapshot];
    await storeServices(late);
    standInForObjects(new Map([[late.service, { ...late, last: NOW - 50 }]]), () =>
      storeServices({ ...late, status: "dead", revision: late.revision + 1 }),
    );
    await list();
    expect(await query("select status, revision from services")).toEqual([{ status: "dead", revision: 2 }]);
  });

  it("is shown even when the directory can't take it", async () => {
    const [late] = rows("late", 1, () => 100) as [Snapshot];
    await storeServices(late);
    standInForObjects(new Map([[late.service, { ...late, last: NOW - 1, asOf: NOW }]]));
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.startsWith("insert")) throw new Error("D1_ERROR: read-only");
      return prepare(sql);
    });
    expect((await list())[0]).toMatchObject({ last: NOW - 1, asOf: NOW });
  });
});

describe("an object that does not answer", () => {
  it("spoils nothing: its row is given as it is, and says of when it is", async () => {
    const late = rows("late", 3, (i) => 100 + i);
    await storeServices(...late);
    standInForObjects(new Map(late.slice(1).map((row) => [row.service, { ...row, asOf: NOW }])));
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await list()).map(({ asOf }) => asOf)).toEqual([NOW - 700, NOW, NOW]);
  });
});

describe("a service that was forgotten", () => {
  it("is not listed, even where its row was left behind, and then that is gone too", async () => {
    const late = rows("late", 3, () => 100);
    await storeServices(...late);
    const known = late.map((row, i) => [row.service, i === 1 ? null : { ...row, asOf: NOW }] as const);
    standInForObjects(new Map(known));
    const prepare = vi.spyOn(env.DB, "prepare");
    expect((await list()).map(({ service }) => service)).toEqual(["late000", "late002"]);
    expect(prepare).toHaveBeenCalledTimes(3);
    expect(await query("select service from services order by service")).toEqual([
      { service: "late000" },
      { service: "late002" },
    ]);
  });

  it("while its object was asked is not brought back by the answer", async () => {
    const [late] = rows("late", 1, () => 100) as [Snapshot];
    await storeServices(late);
    standInForObjects(new Map([[late.service, { ...late, last: NOW, asOf: NOW }]]), async () => {
      await query("delete from services");
    });
    await list();
    expect(await query("select service from services")).toEqual([]);
  });

  it("and has pulsed again meanwhile keeps its new row", async () => {
    const [late] = rows("late", 1, () => 100) as [Snapshot];
    await storeServices(late);
    standInForObjects(new Map([[late.service, null]]), () => storeServices({ ...late, revision: 2, last: NOW }));
    await list();
    expect(await query("select revision from services")).toEqual([{ revision: 2 }]);
  });
});

describe("a death that nobody noticed yet", () => {
  it("is noticed by the list, and is in the directory afterwards", async () => {
    await call("POST", "/", { body: { service: "unnoticed", nextIn: 60, ...TARGET } });
    vi.setSystemTime(START_MS + 65_000);
    expect(await list()).toMatchObject([{ service: "unnoticed", status: "dead", alerted: true }]);
    expect(await query("select status from services")).toEqual([{ status: "dead" }]);
    vi.setSystemTime(START_MS);
  });
});
