import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cryptoRandom, highestUlid, isUlid, lowestUlid, ulid, ulids, ulidTimeMs } from "../../src/domain/ulid.ts";
import "./support/runs.ts";

const LATEST_MS = 2 ** 48 - 1;
const times = fc.oneof(fc.integer({ min: 0, max: LATEST_MS }), fc.constantFrom(0, 1, LATEST_MS));
const randoms = fc
  .oneof(
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.constantFrom(new Uint8Array(16), new Uint8Array(16).fill(255)),
  )
  .map((bytes) => () => bytes);

describe("an id", () => {
  it("has the form of a ULID, and gives back the time it was made for", () => {
    fc.assert(
      fc.property(times, randoms, (ms, random) => {
        const id = ulid(ms, random);
        expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
        expect(isUlid(id)).toBe(true);
        expect(ulidTimeMs(id)).toBe(ms);
      }),
    );
  });

  it("is encoded as the specification's example", () => {
    // github.com/ulid/spec: 01ARZ3NDEKTSV4RRFFQ69G5FAV; its time is 2016-07-30T23:54:10.259Z.
    expect(ulidTimeMs("01ARZ3NDEKTSV4RRFFQ69G5FAV")).toBe(Date.UTC(2016, 6, 30, 23, 54, 10, 259));
    expect(lowestUlid(Date.UTC(2016, 6, 30, 23, 54, 10, 259))).toBe("01ARZ3NDEK0000000000000000");
    expect(highestUlid(LATEST_MS)).toBe("7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  });

  it("sorts by its time", () => {
    fc.assert(
      fc.property(times, times, randoms, randoms, (a, b, randomA, randomB) => {
        fc.pre(a !== b);
        expect(ulid(a, randomA) < ulid(b, randomB)).toBe(a < b);
      }),
    );
  });

  it("of an impossible time is one of the nearest possible time", () => {
    expect(ulidTimeMs(ulid(-1))).toBe(0);
    expect(ulidTimeMs(ulid(LATEST_MS + 1_000))).toBe(LATEST_MS);
    expect(ulidTimeMs(ulid(1_234.9))).toBe(1_234);
  });

  it("is another one each time", () => {
    const ids = Array.from({ length: 1_000 }, () => ulid(0));
    expect(new Set(ids).size).toBe(1_000);
  });

  it("draws as many random bytes as it asks for", () => {
    expect(cryptoRandom(16)).toHaveLength(16);
    expect(cryptoRandom(16)).not.toEqual(cryptoRandom(16));
  });
});

describe("a batch of ids", () => {
  it("has one time, and rises strictly, however high the random part begins", () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 50 }), randoms, (ms, count, random) => {
        const ids = ulids(ms, count, random);
        expect(ids).toHaveLength(count);
        expect(ids.every((id) => isUlid(id) && ulidTimeMs(id) === ms)).toBe(true);
        expect(ids).toEqual([...new Set(ids)].sort());
      }),
    );
  });

  it("does not care for the time of the batch before it", () => {
    expect(ulidTimeMs(ulid(2_000))).toBe(2_000);
    expect(ulidTimeMs(ulid(1_000))).toBe(1_000);
  });
});

describe("the lowest and the highest id of a time", () => {
  it("enclose every id of that time, and none of another", () => {
    fc.assert(
      fc.property(times, times, randoms, (ms, other, random) => {
        const id = ulid(other, random);
        const isWithin = lowestUlid(ms) <= id && id <= highestUlid(ms);
        expect(isWithin).toBe(other === ms);
        const own = ulid(ms, random);
        expect(lowestUlid(ms) <= own && own <= highestUlid(ms)).toBe(true);
      }),
    );
  });
});

describe("a text", () => {
  it("is no id unless it has the right length, the right letters, and a time that fits", () => {
    const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (const text of [
      "",
      id.slice(1),
      `${id}0`,
      `${id}\n`,
      id.toLowerCase(),
      `8${id.slice(1)}`,
      ...["I", "L", "O", "U", "-", "é"].map((letter) => id.slice(0, -1) + letter),
    ]) {
      expect(isUlid(text), JSON.stringify(text)).toBe(false);
    }
    expect(isUlid("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")).toBe(true);
  });
});
