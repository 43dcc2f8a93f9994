import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DAY_MS,
  formatDate,
  formatDuration,
  HOUR_MS,
  isTimeZone,
  MINUTE_MS,
  momentOfLocal,
  toSeconds,
} from "../../src/domain/time.ts";
import "./support/runs.ts";

describe("a date", () => {
  it("is written in UTC as ISO 8601 writes it, without the letters", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }), (ms) => {
        for (const name of ["UTC", "Etc/UTC"]) {
          expect(formatDate(ms, name), name).toBe(new Date(ms).toISOString().slice(0, 19).replace("T", " "));
        }
      }),
    );
  });

  it("has a year of five digits in the year 10000", () => {
    for (const name of ["UTC", "Etc/UTC"]) {
      expect(formatDate(Date.UTC(9999, 11, 31, 23, 59, 59), name)).toBe("9999-12-31 23:59:59");
      expect(formatDate(Date.UTC(10000, 0, 1), name)).toBe("10000-01-01 00:00:00");
    }
  });

  it.each([
    // The hours before and after clocks are put forward and back.
    ["2026-03-29T00:59:59Z", "Europe/Paris", "2026-03-29 01:59:59"],
    ["2026-03-29T01:00:00Z", "Europe/Paris", "2026-03-29 03:00:00"],
    ["2026-10-25T00:59:59Z", "Europe/Paris", "2026-10-25 02:59:59"],
    ["2026-10-25T01:00:00Z", "Europe/Paris", "2026-10-25 02:00:00"],
    ["2026-03-08T06:59:59Z", "America/New_York", "2026-03-08 01:59:59"],
    ["2026-03-08T07:00:00Z", "America/New_York", "2026-03-08 03:00:00"],
    ["2026-11-01T05:59:59Z", "America/New_York", "2026-11-01 01:59:59"],
    ["2026-11-01T06:00:00Z", "America/New_York", "2026-11-01 01:00:00"],
    // Half an hour of summer time.
    ["2026-01-15T12:00:00Z", "Australia/Lord_Howe", "2026-01-15 23:00:00"],
    ["2026-07-15T12:00:00Z", "Australia/Lord_Howe", "2026-07-15 22:30:00"],
    // Offsets that are not whole hours, and the ends of the world.
    ["2026-01-15T18:15:00Z", "Asia/Kathmandu", "2026-01-16 00:00:00"],
    ["2026-12-31T12:00:00Z", "Pacific/Kiritimati", "2027-01-01 02:00:00"],
    ["2027-01-01T10:59:59Z", "Pacific/Pago_Pago", "2026-12-31 23:59:59"],
    // Midnight is 00, and a leap day is a day.
    ["2028-02-28T23:00:00Z", "Europe/Paris", "2028-02-29 00:00:00"],
    ["1970-01-01T00:00:00Z", "UTC", "1970-01-01 00:00:00"],
  ])("%s is, in %s, %s", (iso, timeZone, text) => {
    expect(formatDate(Date.parse(iso), timeZone)).toBe(text);
  });
});

describe("a time zone", () => {
  it("is known by its IANA name", () => {
    for (const name of ["UTC", "Europe/Paris", "America/New_York"]) expect(isTimeZone(name), name).toBe(true);
    for (const name of ["", "Paris", "Europe/Pari", "UTC; drop"]) expect(isTimeZone(name), name).toBe(false);
  });
});

describe("seconds", () => {
  it("are cut off, never rounded up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 }), (ms) => {
        const seconds = toSeconds(ms);
        expect(Number.isInteger(seconds)).toBe(true);
        expect(seconds * 1_000).toBeLessThanOrEqual(ms);
        expect((seconds + 1) * 1_000).toBeGreaterThan(ms);
      }),
    );
  });
});

describe("a duration", () => {
  it.each([
    [0, "0 s"],
    [499, "0 s"],
    [500, "1 s"],
    [59_499, "59 s"],
    [59_500, "1 min"],
    [65_000, "1 min 5 s"],
    [HOUR_MS - 1, "1 h"],
    [HOUR_MS + 5 * 1_000, "1 h"],
    [HOUR_MS + MINUTE_MS + 5 * 1_000, "1 h 1 min"],
    [DAY_MS, "1 d"],
    [DAY_MS + 2 * HOUR_MS + 59 * MINUTE_MS, "1 d 2 h"],
    [DAY_MS + 59 * MINUTE_MS, "1 d"],
    [366 * DAY_MS + 23 * HOUR_MS, "366 d 23 h"],
    [-5_000, "0 s"],
  ])("of %i ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("names at most its two largest units, neither of them zero, and is never longer than it was", () => {
    const lengths: Record<string, number> = { d: 86_400, h: 3_600, min: 60, s: 1 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 * 86_400 }), (seconds) => {
        const words = formatDuration(seconds * 1_000).split(" ");
        expect([2, 4]).toContain(words.length);
        let shown = 0;
        for (let i = 0; i < words.length; i += 2) {
          expect(Number(words[i])).toBeGreaterThan(0);
          shown += Number(words[i]) * (lengths[words[i + 1] ?? ""] ?? Number.NaN);
        }
        expect(shown).toBeLessThanOrEqual(seconds);
        // What is left out is less than the unit that follows the largest.
        const largest = lengths[words[1] ?? ""] ?? Number.NaN;
        expect(seconds - shown).toBeLessThan(largest === 86_400 ? 3_600 : largest === 3_600 ? 60 : 1);
      }),
    );
  });
});

describe("the moment of a local date", () => {
  it("is what the zone's clocks show then", () => {
    expect(momentOfLocal("2026-01-15T12:00", "Europe/Paris")).toBe(Date.UTC(2026, 0, 15, 11));
    expect(momentOfLocal("2026-07-15T12:00:30", "Europe/Paris")).toBe(Date.UTC(2026, 6, 15, 10, 0, 30));
    expect(momentOfLocal("2026-07-15T12:00", "Asia/Kathmandu")).toBe(Date.UTC(2026, 6, 15, 6, 15));
    expect(momentOfLocal("nonsense", "UTC")).toBeNaN();
  });

  it("survives the changes of the clocks", () => {
    // Put forward in Paris at 02:00 on March 29, 2026; put back at 03:00 on October 25.
    expect(momentOfLocal("2026-03-29T01:59", "Europe/Paris")).toBe(Date.UTC(2026, 2, 29, 0, 59));
    expect(momentOfLocal("2026-03-29T03:00", "Europe/Paris")).toBe(Date.UTC(2026, 2, 29, 1));
    expect(momentOfLocal("2026-10-25T02:30", "Europe/Paris")).toBe(Date.UTC(2026, 9, 25, 0, 30));
    expect(momentOfLocal("2026-10-25T03:00", "Europe/Paris")).toBe(Date.UTC(2026, 9, 25, 2));
  });

  it("is shown again as it was said, in every zone and at every time that there is", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_000_000_000 }),
        fc.constantFrom("UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
        (seconds, zone) => {
          const local = formatDate(seconds * 1_000, zone);
          expect(formatDate(momentOfLocal(local.replace(" ", "T"), zone), zone)).toBe(local);
        },
      ),
    );
  });
});
