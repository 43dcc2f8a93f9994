import { describe, expect, it } from "vitest";
import { chooseOverdue, type Listed, MOST_ASKED } from "../../src/gui/overdue.ts";

const NOW = 10_000;
const REFRESH = 5;
const late = (service: string, fields: Partial<Listed> = {}): Listed => ({
  service,
  status: "alive",
  last: NOW - 100,
  nextIn: 60,
  grace: 600,
  asOf: NOW - 100,
  isOnScreen: false,
  isAwaited: false,
  ...fields,
});
const chosen = (services: Listed[], now = NOW, askedAt = new Map<string, number>()) =>
  chooseOverdue(services, now, REFRESH, askedAt);
const many = (count: number, fields: Partial<Listed> = {}) =>
  Array.from({ length: count }, (_, i) => late(`many ${i}`, fields));

describe("the services that a refresh asks", () => {
  it("are those on screen whose promise has passed", () => {
    const seen = { isOnScreen: true, grace: 0 };
    expect(
      chosen([
        late("overdue", seen),
        late("in time", { ...seen, nextIn: 300 }),
        late("dead", { ...seen, status: "dead" }),
        late("cancelled", { ...seen, status: "cancelled" }),
      ]),
    ).toEqual(["overdue"]);
  });

  it("are also those off screen, where they may be late for longer than until the next refresh", () => {
    expect(chosen([late("long grace"), late("short grace", { grace: REFRESH })])).toEqual(["long grace"]);
    expect(chosen([late("known late", { grace: 1, asOf: NOW - 31 })])).toEqual(["known late"]);
  });

  it("are asked again soon where they are looked for, later where they are not", () => {
    const askedAt = new Map<string, number>();
    const services = [late("seen", { isOnScreen: true }), late("awaited", { isAwaited: true }), late("neither")];
    expect(chosen(services, NOW, askedAt)).toEqual(["seen", "awaited", "neither"]);
    expect(chosen(services, NOW + 5, askedAt)).toEqual(["seen", "awaited"]);
    expect(chosen(services, NOW + 30, askedAt)).toEqual(["seen", "awaited", "neither"]);
  });

  it.each([
    { isOnScreen: true, rounds: 3, most: MOST_ASKED },
    { isOnScreen: false, rounds: 6, most: 20 },
  ])("take turns where they are many: %j", ({ isOnScreen, rounds, most }) => {
    const askedAt = new Map<string, number>();
    const services = many(120, { isOnScreen });
    const asked = Array.from({ length: rounds }, (_, i) => chosen(services, NOW + i * REFRESH, askedAt));
    for (const names of asked) expect(names.length).toBeLessThanOrEqual(most);
    expect(new Set(asked.flat()).size).toBe(120);
  });

  it("leave room for those off screen", () => {
    const services = [...many(60, { isOnScreen: true }), late("off screen")];
    expect(chosen(services)).toHaveLength(MOST_ASKED);
    expect(chosen(services)).toContain("off screen");
  });

  it("have names that fit into an address, and take turns for that, too", () => {
    const askedAt = new Map<string, number>();
    const services = Array.from({ length: 20 }, (_, i) => late("ש".repeat(199) + i, { isOnScreen: true }));
    const asked = Array.from({ length: 5 }, (_, i) => chosen(services, NOW + i, askedAt));
    for (const names of asked) expect(encodeURIComponent(names.join("")).length).toBeLessThan(6_001);
    expect(new Set(asked.flat()).size).toBe(20);
  });
});
