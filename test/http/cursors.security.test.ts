import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { SECOND_MS, toSeconds } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { expectRefusal } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { alertRecord, event, storeAlerts, storeEvents } from "../support/rows.ts";

useTestClock();

const START = toSeconds(START_MS);
/** Rows a minute apart, of two services in turn; all of them are wanted but the first and the last few. */
const ROWS = 40;
const WANTED = { service: "wanted", from: START - 1_800, to: START - 300 };
const QUERY = `service=${WANTED.service}&from=${WANTED.from}&to=${WANTED.to}`;

beforeAll(async () => {
  const moments = Array.from({ length: ROWS }, (_, i) => [START_MS - i * 60 * SECOND_MS, i] as const);
  const serviceOf = (i: number) => (i % 2 === 0 ? WANTED.service : "other");
  await storeEvents(...moments.map(([ms, i]) => event(ms, { service: serviceOf(i) })));
  await storeAlerts(...moments.map(([ms, i]) => alertRecord(ms, { alert: { service: serviceOf(i) } })));
});

interface Row {
  id: string;
  service: string;
  date: number;
}

const LISTS = [
  ["/events", "events"],
  ["/alerts", "alerts"],
] as const;

describe.each(LISTS)("the cursor of %s", (path, rows) => {
  const page = (cursor: string, query = QUERY) =>
    call("GET", `${path}?${query}&limit=3&cursor=${encodeURIComponent(cursor)}`);
  const ask = async (query = QUERY) => (await call("GET", `${path}?${query}&limit=3`)).body;

  it("leads through all pages, with its range given along or not", async () => {
    for (const query of [QUERY, `service=${WANTED.service}`]) {
      const seen: Row[] = [];
      for (let body = await ask(); ; body = (await page(body.next, query)).body) {
        seen.push(...body[rows]);
        if (body.next === undefined) break;
      }
      expect(seen).toHaveLength(13);
      expect(new Set(seen.map(({ id }) => id)).size).toBe(13);
    }
  });

  it.each([
    "",
    " ",
    "next",
    "..",
    "1.2",
    "1.2.",
    "1.2.3",
    `0.${START}`,
    `-1.${START}.${ulid(START_MS)}`,
    `+1.${START}.${ulid(START_MS)}`,
    `0x1.${START}.${ulid(START_MS)}`,
    `1e3.${START}.${ulid(START_MS)}`,
    ` 1.${START}.${ulid(START_MS)}`,
    `1.${START}.${ulid(START_MS)}\n`,
    `1.${START}.${ulid(START_MS)}.4`,
    `１.${START}.${ulid(START_MS)}`,
    `1.${START}.${ulid(START_MS).toLowerCase()}`,
    `1.${START}.${"U".repeat(26)}`,
    `1.${START}.${"Z".repeat(26)}`,
    `1.${START}.' or 1=1 --aaaaaaaaaaaaaa`,
    `1.9999999999999.${ulid(START_MS)}`,
    // What is no page of an answer of ours: it ends before it begins, or begins outside of itself.
    `0.999999999999.${ulid(START_MS)}`,
    `0.999999999999.7${"Z".repeat(25)}`,
    `${START}.0.${ulid(START_MS)}`,
    `0.${START - 1}.${ulid(START_MS)}`,
    `${START + 1}.${START + 2}.${ulid(START_MS)}`,
    "__proto__",
    "1.".repeat(5_000),
  ])("is refused where none of our answers has it: %j", async (cursor) => {
    if (cursor === "") expect((await page(cursor)).status).toBe(200);
    else expectRefusal(await page(cursor), 400, "cursor must be the value of next");
  });

  it("that somebody made up leads no further than range and filter", async () => {
    const { body } = await page(`0.281474976709.${ulid(START_MS + 600 * SECOND_MS)}`);
    expect(body[rows].map(({ date }: Row) => date)).toEqual([START - 360, START - 480, START - 600]);
    expect(body.next).toMatch(new RegExp(`^${WANTED.from}\\.${WANTED.to}\\.`));
    const others = await page(`0.${START}.${ulid(START_MS - 1)}`, "service=nobody");
    expect(others.body).toEqual({ result: 200, [rows]: [] });
  });

  it("is refused, or leads no further than range and filter, however it is changed", async () => {
    const { next } = await ask();
    const position = fc.nat({ max: next.length });
    const character = fc.oneof(
      fc.constantFrom(..."0123456789.ABCXYZ7abc-+ %\0\n"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 2 }),
    );
    const change = fc.oneof(
      fc.tuple(position, character).map(
        ([at, put]) =>
          (text: string) =>
            text.slice(0, at) + put + text.slice(at + 1),
      ),
      fc.tuple(position, character).map(
        ([at, put]) =>
          (text: string) =>
            text.slice(0, at) + put + text.slice(at),
      ),
      position.map((at) => (text: string) => text.slice(0, at) + text.slice(at + 1)),
      position.map((at) => (text: string) => text.slice(at) + text.slice(0, at)),
      fc.tuple(fc.nat({ max: START }), fc.integer({ min: START - 2_000, max: START + 9_999 })).map(
        ([from, to]) =>
          (text: string) =>
            `${from}.${to}.${text.split(".")[2]}`,
      ),
      fc
        .integer({ min: -3_000, max: 600 })
        .map((seconds) => (text: string) => text.replace(/[^.]*$/, ulid(START_MS + seconds * SECOND_MS))),
    );
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const cursor = changes.reduce((text, one) => one(text), next as string).toWellFormed();
        const answer = await page(cursor);
        if (answer.status !== 200) return expectRefusal(answer, 400, "cursor must be the value of next", cursor);
        accepted++;
        for (const { service, date } of answer.body[rows] as Row[]) {
          expect(service, cursor).toBe(WANTED.service);
          expect(date, cursor).toBeGreaterThanOrEqual(WANTED.from);
          expect(date, cursor).toBeLessThanOrEqual(WANTED.to);
        }
      }),
      { seed: 20_261_122, numRuns: 400 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});
