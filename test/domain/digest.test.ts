import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Alert } from "../../src/domain/alert.ts";
import { digestOf, lengthInDigest, roomInDigest } from "../../src/domain/digest.ts";
import { moment, START_MS, serviceNames } from "./support/arbitraries.ts";

const ZONE = "America/Argentina/ComodRivadavia";
const alert = (kind: Alert["kind"], service: string, dateMs = START_MS, more: Partial<Alert> = {}): Alert => ({
  id: `${kind} ${service}`,
  kind,
  service,
  dateMs,
  title: `Service ${service} has not pulsed`,
  message: `The service ${service} is not pulsing since then`,
  ...more,
});

describe("a digest", () => {
  it("counts, and names each service under what happened to it, oldest first", () => {
    const digest = digestOf(
      "id",
      [
        alert("dead", "web 2", START_MS + 9_000),
        alert("dead", "web 1"),
        alert("alive", "db", START_MS + 20_000, { changes: 8 }),
        alert("event", "backup", START_MS + 5_000, { title: "backup: error", message: "disk\nfull" }),
      ],
      "UTC",
    );
    expect(digest).toMatchObject({
      id: "id",
      kind: "digest",
      dateMs: START_MS + 20_000,
      title: "2 services not pulsing, 1 service pulsing again, 1 event",
    });
    expect(digest.message).toMatch(
      /^Not pulsing \(.* to .* UTC\):\nweb 1\nweb 2\n\nPulsing again \(.* UTC\):\ndb \(8 changes within an hour\)\n\nEvents \(.* UTC\):\nbackup: error: disk full$/,
    );
    expect(digest.alerts.map(({ service }) => service)).toEqual(["web 1", "backup", "web 2", "db"]);
  });

  it("cuts the texts of events, and names their service all the same", () => {
    const digest = digestOf(
      "id",
      [alert("event", "s", START_MS, { title: "Test alert", message: "🎉".repeat(500) })],
      "UTC",
    );
    expect(digest.message).toContain("s: Test alert: 🎉");
    expect(digest.message.isWellFormed()).toBe(true);
    expect(digest.message.length).toBeLessThan(250);
  });

  it("fits where its alerts were counted to fit, and loses none", () => {
    const alerts = fc.array(
      fc.record({
        kind: fc.constantFrom("dead", "alive", "event"),
        service: serviceNames,
        dateMs: moment,
        message: fc.string(),
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(alerts, fc.integer({ min: 1_024, max: 10_000 }), (list, most) => {
        const all = list.map(({ kind, service, dateMs, message }) =>
          alert(kind as Alert["kind"], service, dateMs, { message }),
        );
        const fitting: Alert[] = [];
        let left = roomInDigest(most);
        for (const one of all) {
          left -= lengthInDigest(one);
          if (left < 0) break;
          fitting.push(one);
        }
        if (fitting.length === 0) return;
        const digest = digestOf("id", fitting, ZONE);
        expect(digest.message.length).toBeLessThanOrEqual(most);
        expect(digest.title.length).toBeLessThanOrEqual(250);
        for (const { service, kind } of fitting)
          if (kind !== "event") expect(digest.message.split("\n")).toContain(service);
        expect(new Set(digest.alerts)).toEqual(new Set(fitting));
      }),
    );
  });
});
