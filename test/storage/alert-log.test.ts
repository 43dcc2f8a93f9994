import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { ulids } from "../../src/domain/ulid.ts";
import { listAlerts, upsertAlerts } from "../../src/storage/alert-log.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { alertRecord, plansOf } from "../support/rows.ts";

const db = openDatabase(env.DB);
const ALL = { fromSeconds: 0, toSeconds: 2 ** 33 };
const T0 = Date.UTC(2030, 0, 1);

describe("storing an alert", () => {
  it("writes four rows: the table's, and one for each index; and its end as few", async () => {
    const record = alertRecord(T0, { state: "pending", attempts: 0 });
    expect((await upsertAlerts(db, [record])).meta.rows_written).toBe(4);
    const done = { ...record, state: "delivered" as const, attempts: 1 };
    expect((await upsertAlerts(db, [done])).meta.rows_written).toBeLessThanOrEqual(5);
  });
});

describe("a page of alerts asks the database", () => {
  const planOf = async (filter: Partial<Parameters<typeof listAlerts>[1]>) =>
    (
      await plansOf(() => listAlerts(db, { ...ALL, ...filter }, { limit: 10, beforeId: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" }))
    )[0];

  it.each([
    ["by range for everything", {}, "PRIMARY KEY (id>? AND id<?)"],
    ["by its index for a service", { service: "a" }, "INDEX alerts_by_service (service=? AND id>? AND id<?)"],
    ["by its index for a state", { state: "failed" as const }, "INDEX alerts_by_state (state=? AND id>? AND id<?)"],
    [
      "by its index for a state of a service",
      { service: "a", state: "failed" as const },
      "INDEX alerts_by_service_and_state (service=? AND state=? AND id>? AND id<?)",
    ],
  ])("%s, within the range, and sorts nothing", async (_, filter, plan) => {
    expect(await planOf(filter)).toBe(`SEARCH alerts USING ${plan}`);
  });
});

describe("a page of alerts", () => {
  const ids = ulids(Date.UTC(2031, 0, 1), 200);
  const mail = (i: number) => ({ type: "mail", target: `${"x".repeat(1_900)}${i}@example.com` });

  it("ends early where its texts pass 8 MB, and the pages together have every text whole", async () => {
    const target = (i: number) => (i % 2 === 0 ? mail(i) : { type: "webhook", target: "https://hooks.example/a" });
    const records = ids.map((id, i) =>
      alertRecord(0, { alert: { id, service: "talkative", message: `${i} ${"é".repeat(32_760)}` }, target: target(i) }),
    );
    for (let i = 0; i < records.length; i += 20) await upsertAlerts(db, records.slice(i, i + 20));
    const filter = { ...ALL, service: "talkative" };
    const first = await listAlerts(db, filter, { limit: 200 });
    // 121 to 122 times 65.5 or 67.5 KB.
    expect(first.rows).toHaveLength(120);
    expect(first.nextId).toBe(ids[80]);
    const second = await listAlerts(db, filter, { limit: 200, beforeId: first.nextId });
    expect(second.nextId).toBeUndefined();
    expect([...first.rows, ...second.rows].map(({ id, message, alertTarget }) => [id, message, alertTarget])).toEqual(
      records.toReversed().map(({ alert, target }) => [alert.id, alert.message, target.target]),
    );
  });

  it("has long targets whole, too, where only these are long", async () => {
    for (const [i, id] of ulids(Date.UTC(2032, 0, 1), 3).entries()) {
      await upsertAlerts(db, [alertRecord(0, { alert: { id, service: "long target" }, target: mail(i) })]);
    }
    const { rows } = await listAlerts(db, { ...ALL, service: "long target" }, { limit: 10_000 });
    expect(rows.map(({ alertTarget }) => alertTarget)).toEqual([2, 1, 0].map((i) => mail(i).target));
    expect(rows[0]).not.toHaveProperty("bytes");
  });
});
