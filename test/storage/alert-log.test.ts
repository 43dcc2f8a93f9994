import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
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
