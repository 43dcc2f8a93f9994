import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { ulids } from "../../src/domain/ulid.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { listTransitionsOf, pageOfTransitions } from "../../src/storage/transition-log.ts";
import { plansOf, query, storeTransitions } from "../support/rows.ts";

const db = openDatabase(env.DB);
const NOW_MS = Date.UTC(2040, 0, 1);

/** Changes of a service, one each millisecond; their ids, newest first. */
async function changed(service: string, count: number, atMs = NOW_MS): Promise<string[]> {
  const ids = ulids(atMs, count);
  await storeTransitions(
    ...ids.map((id, i) => ({ id, service, status: i % 2 ? ("alive" as const) : ("dead" as const) })),
  );
  return ids.toReversed();
}

beforeEach(() => query("delete from transitions"));

describe("the changes of some services", () => {
  it("are the newest of each, whatever the others have, newest first", async () => {
    const [noisy, quiet] = [await changed("noisy", 100), await changed("quiet", 3, NOW_MS - 1_000)];
    await changed("not asked for", 5);
    await changed("quiet", 1, NOW_MS - 50_000);
    const read = async (limits: { each: number; limit: number }) => {
      const rows = await listTransitionsOf(db, ["quiet", "noisy", "none"], { fromMs: NOW_MS - 9_000, ...limits });
      return rows.map(({ id }) => id);
    };
    expect(await read({ each: 10, limit: 99 })).toEqual([...noisy.slice(0, 10), ...quiet]);
    expect(await read({ each: 100, limit: 9 })).toEqual(noisy.slice(0, 9));
    expect(await read({ each: 3, limit: 99 })).toEqual([...noisy.slice(0, 3), ...quiet]);
  });

  it("are found by the index, and no others are read", async () => {
    await changed("a", 1_000);
    await changed("b", 5);
    const [plan] = await plansOf(() => listTransitionsOf(db, ["a", "b"], { fromMs: 0, each: 50, limit: 99 }));
    expect(plan).toContain("SEARCH transitions USING COVERING INDEX transitions_by_service (service=? AND id>?)");
    expect(plan).toContain("SEARCH transitions USING INDEX transitions_by_service (service=? AND id>?)");
    expect(plan).not.toContain("SCAN transitions");
  });
});

describe("the pages of a service's changes", () => {
  it("follow one another without loss or repetition", async () => {
    const ids = await changed("paged", 7);
    await changed("another", 3);
    const got: string[][] = [];
    let beforeId: string | undefined;
    do {
      const { rows, nextId } = await pageOfTransitions(db, "paged", { limit: 3, beforeId });
      got.push(rows.map(({ id }) => id));
      beforeId = nextId;
    } while (beforeId !== undefined);
    expect(got).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
    expect((await pageOfTransitions(db, "another", { limit: 3 })).nextId).toBeUndefined();
  });
});
