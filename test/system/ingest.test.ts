import { DatabaseSync } from "node:sqlite";
import { setTimeout as until } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { findD1File } from "../../scripts/local/d1-file.ts";
import { ulids } from "../../src/domain/ulid.ts";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

let tower: WatchTower;

beforeEach(async () => {
  tower = await startWatchTower({ env: { PASSWORD: "ingest" } });
});
afterEach(() => tower.stop());

interface Row {
  id: string;
  message: string;
  fields: string | null;
}

/** The events of a service in D1's own file, while nothing runs or beside the runtime. */
function rowsOf(service: string): Row[] {
  const db = new DatabaseSync(findD1File(tower.stateDir) as string, { readOnly: true });
  try {
    return db.prepare("select id, message, fields from events where service = ?").all(service) as unknown as Row[];
  } finally {
    db.close();
  }
}

/** Sends batches until it is told to stop, each once; what came of each, by its number. */
async function sendOnce(
  service: string,
  isOver: () => boolean,
  size: number,
): Promise<Map<number, string[] | undefined>> {
  const outcomes = new Map<number, string[] | undefined>();
  for (let batch = 0; !isOver(); batch++) {
    const events = Array.from({ length: size }, (_, i) => ({
      service,
      message: `${batch}.${i}`,
      fields: { batch, i },
    }));
    const answer = await tower
      .post("/events", events)
      .then(async (response) => (response.ok ? ((await response.json()) as { ids: string[] }) : undefined))
      .catch(() => undefined);
    outcomes.set(batch, answer?.ids);
    if (!answer) await until(20);
  }
  return outcomes;
}

/** Sends batches whose events bring their ids, each until it is acknowledged; returns how many there were. */
async function insist(service: string, isOver: () => boolean, size: number): Promise<number> {
  let batch = 0;
  for (; !isOver(); batch++) {
    const ids = ulids(Date.now(), size);
    const lines = ids.map((id, i) => JSON.stringify({ service, id, message: `${batch}.${i}` })).join("\n");
    for (let isStored = false; !isStored; ) {
      const response = await tower
        .fetch("/events", { method: "POST", body: lines, headers: { "content-type": "application/x-ndjson" } })
        .catch(() => undefined);
      const answer = response?.ok ? ((await response.json().catch(() => undefined)) as { stored: number }) : undefined;
      isStored = answer?.stored === size;
      if (answer) expect(answer).toMatchObject({ stored: size, refused: [] });
      else await until(20);
    }
  }
  return batch;
}

/** Expects that every acknowledged batch is stored as it was sent, once, and of the others all or nothing. */
function expectOnce(service: string, outcomes: Map<number, string[] | undefined>, size: number): void {
  const rows = rowsOf(service);
  const byMessage = new Map(rows.map((row) => [row.message, row]));
  expect(byMessage.size, "each once").toBe(rows.length);
  for (const [batch, ids] of outcomes) {
    const found = Array.from({ length: size }, (_, i) => byMessage.get(`${batch}.${i}`));
    if (ids) expect(found.map((row) => row?.id)).toEqual(ids);
    const count = found.filter((row) => row).length;
    expect(ids ? [size] : [0, size], `${service} ${batch}`).toContain(count);
  }
  for (const { message, fields } of rows) {
    const [batch, i] = message.split(".").map(Number);
    expect(JSON.parse(fields ?? "null")).toEqual({ batch, i });
  }
}

describe("under a stream of batches", () => {
  it("killed with -9 at any moment, every acknowledged event is there afterwards, once", async () => {
    let isOver = false;
    const once = [200, 7].map((size, i) => ({
      size,
      service: `once ${i}`,
      sent: sendOnce(`once ${i}`, () => isOver, size),
    }));
    const again = insist("again", () => isOver, 100);
    const pauses = [900, 350, 1_400, 120, 700, 60];
    for (const pause of pauses) {
      await until(pause);
      await tower.kill();
      tower = await tower.restart();
    }
    isOver = true;
    for (const { service, size, sent } of once) {
      const outcomes = await sent;
      expect([...outcomes.values()].filter((ids) => ids).length).toBeGreaterThan(pauses.length);
      expectOnce(service, outcomes, size);
    }
    const batches = await again;
    const messages = rowsOf("again").map(({ message }) => message);
    const expected = Array.from({ length: batches }, (_, batch) =>
      Array.from({ length: 100 }, (_, i) => `${batch}.${i}`),
    );
    expect(messages.sort()).toEqual(expected.flat().sort());
  });

  it("with D1 locked and killed with -9 meanwhile, what was queued is stored when D1 is back, once", async () => {
    const size = 50;
    let lock: DatabaseSync | undefined;
    const breakD1 = () => {
      lock = new DatabaseSync(findD1File(tower.stateDir) as string);
      lock.exec("pragma busy_timeout = 5000; begin exclusive");
    };
    const mend = () => {
      lock?.exec("rollback");
      lock?.close();
    };
    const outcomes = new Map<number, string[] | undefined>();
    let queued = 0;
    const send = async (batch: number) => {
      const events = Array.from({ length: size }, (_, i) => ({
        service: "queued",
        message: `${batch}.${i}`,
        fields: { batch, i },
      }));
      const answer = (await (await tower.post("/events", events)).json()) as { ids: string[]; queued?: true };
      outcomes.set(batch, answer.ids);
      if (answer.queued) queued++;
    };
    await send(0);
    breakD1();
    for (let batch = 1; batch < 6; batch++) await send(batch);
    expect(queued).toBe(5);
    await tower.kill();
    mend();
    tower = await tower.restart();
    await send(6);
    // What waits is tried again within seconds, as long as it has not failed often.
    await vi.waitFor(() => expect(rowsOf("queued")).toHaveLength(7 * size), { timeout: 60_000, interval: 250 });
    expectOnce("queued", outcomes, size);
  });
});
