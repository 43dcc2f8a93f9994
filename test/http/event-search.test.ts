import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { dateMs, type Event } from "../../src/domain/event.ts";
import type { Search } from "../../src/domain/search.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { anEvent, aSearch, isFound, printed } from "../domain/support/searches.ts";
import { call } from "../support/client.ts";
import { storeEvents } from "../support/rows.ts";

/** The tests' events are of these seconds. */
const FROM = Date.UTC(2031, 0, 1) / 1_000;
const SECONDS = 100;
const RUNS = { seed: 20_261_124, numRuns: 200 };

let all: Event[];

beforeAll(async () => {
  all = fc
    .sample(fc.tuple(anEvent, fc.nat(SECONDS * 1_000 - 1), fc.boolean()), { seed: 1, numRuns: 400 })
    .map(([event, ms, alert]) => ({ ...event, id: ulid(FROM * 1_000 + ms), alert }))
    // Some of the levels that have no name.
    .map((event, i) => (i % 50 === 0 ? { ...event, level: 100 + (i % 3) } : event))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  await storeEvents(...all);
});

/** What may be asked for. */
interface Asked {
  search?: Search | undefined;
  fields?: [name: string, value: string][] | undefined;
  service?: string | undefined;
  level?: number | undefined;
  message?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

const orNot = <T>(arbitrary: fc.Arbitrary<T>, weight = 1) =>
  fc.oneof({ weight, arbitrary }, { weight: 2, arbitrary: fc.constant(undefined) });

const asked: fc.Arbitrary<Asked> = fc.record({
  search: orNot(aSearch, 6),
  // Names of fields that are given only once.
  fields: orNot(
    fc.uniqueArray(
      fc.tuple(fc.constantFrom("host", "n", "$[0]", 'q"', "level"), fc.constantFrom("5", "true", "web-1")),
      { maxLength: 2, selector: ([name]) => name },
    ),
  ),
  service: orNot(fc.constantFrom("api", "web 1", 'quo"te')),
  level: orNot(fc.integer({ min: 0, max: 8 })),
  message: orNot(fc.constantFrom("disk", "É", "%", "\\", '"')),
  from: orNot(fc.integer({ min: FROM - 5, max: FROM + 60 })),
  to: orNot(fc.integer({ min: FROM + 60, max: FROM + SECONDS })),
});

function queryOf({ search, fields = [], ...others }: Asked, quotes: boolean): URLSearchParams {
  const query = new URLSearchParams({ from: String(FROM), to: String(FROM + SECONDS) });
  if (search) query.set("q", printed(search, quotes));
  for (const [name, value] of fields) query.set(`field.${name}`, value);
  for (const [name, value] of Object.entries(others)) if (value !== undefined) query.set(name, String(value));
  return query;
}

/** The events that are asked for, in the naive way, oldest first. */
function naively({
  search,
  fields = [],
  service,
  level = 0,
  message,
  from = FROM,
  to = FROM + SECONDS,
}: Asked): Event[] {
  const wanted: Search[] = [
    ...(search ? [search] : []),
    ...fields.map(([name, value]): Search => {
      return [[{ isNegated: false, condition: { kind: "field", name, comparison: "=", value } }]];
    }),
    ...(message === undefined
      ? []
      : [[[{ isNegated: false, condition: { kind: "message" as const, text: message } }]]]),
  ];
  return all.filter((event) => {
    const second = Math.floor(dateMs(event) / 1_000);
    const isInRange = from <= second && second <= to;
    const isOfService = service === undefined || event.service === service;
    return isInRange && isOfService && event.level >= level && wanted.every((search) => isFound(search, event));
  });
}

const shown = ({ id, ...event }: Event) => ({ id, date: Math.floor(dateMs({ id }) / 1_000), ...event });

describe("whatever is searched for", () => {
  it("is what the naive way finds, over all pages of a list", async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(asked, fc.boolean(), fc.integer({ min: 20, max: 400 }), async (asked, quotes, limit) => {
        const events: object[] = [];
        let cursor: string | undefined;
        do {
          const query = queryOf(asked, quotes);
          query.set("limit", String(limit));
          if (cursor !== undefined) query.set("cursor", cursor);
          const { status, body } = await call("GET", `/events?${query}`);
          expect(status, JSON.stringify(body)).toBe(200);
          expect(body.events.length).toBeLessThanOrEqual(limit);
          events.push(...body.events);
          cursor = body.next;
        } while (cursor !== undefined);
        expect(events).toEqual(naively(asked).map(shown).reverse());
        found += events.length === 0 ? 0 : 1;
      }),
      RUNS,
    );
    // Otherwise nothing would be shown by it.
    expect(found).toBeGreaterThan(RUNS.numRuns / 3);
  });

  it("is counted as the naive way counts", async () => {
    await fc.assert(
      fc.asyncProperty(asked, fc.boolean(), fc.integer({ min: 1, max: 200 }), async (asked, quotes, most) => {
        const query = queryOf(asked, quotes);
        query.set("buckets", String(most));
        const { status, body } = await call("GET", `/events/stats?${query}`);
        expect(status, JSON.stringify(body)).toBe(200);
        const expected = naively(asked);
        expect(body).toMatchObject({ ...summed(expected), from: asked.from ?? FROM, to: asked.to ?? FROM + SECONDS });
        expect(body).not.toHaveProperty("countedFrom");
        expect(body.otherServices).toEqual({ services: 0, count: 0 });
        expect(Object.fromEntries(body.services.map(({ service, count }: never) => [service, count]))).toEqual(
          countsOf(expected.map(({ service }) => service)),
        );
        expect(body.buckets.length).toBeLessThanOrEqual(most);
        for (const [i, { from, ...bucket }] of body.buckets.entries()) {
          const to = from + body.bucketSeconds;
          expect(i === 0 || from === body.buckets[i - 1].from + body.bucketSeconds).toBe(true);
          const within = expected.filter(({ id }) => from * 1_000 <= dateMs({ id }) && dateMs({ id }) < to * 1_000);
          expect(bucket).toEqual(summed(within));
        }
        expect(body.buckets.reduce((sum: number, bucket: { count: number }) => sum + bucket.count, 0)).toBe(
          expected.length,
        );
      }),
      RUNS,
    );
  });

  it("is exported as the naive way finds it, oldest first, and from any event on", async () => {
    await fc.assert(
      fc.asyncProperty(asked, fc.boolean(), fc.option(fc.nat(399), { nil: undefined }), async (asked, quotes, at) => {
        const query = queryOf(asked, quotes);
        const after = at === undefined ? undefined : all[at]?.id;
        if (after !== undefined) query.set("after", after);
        const { status, body } = await call("GET", `/events/export?${query}`);
        expect(status, JSON.stringify(body)).toBe(200);
        const lines = body.split("\n");
        expect(lines.pop()).toBe("");
        const expected = naively(asked).filter(({ id }) => after === undefined || id > after);
        expect(lines.map((line: string) => JSON.parse(line))).toEqual(expected.map(shown));
      }),
      RUNS,
    );
  });
});

function summed(events: readonly Event[]) {
  const levels = Object.entries(countsOf(events.map(({ level }) => String(level))));
  return { count: events.length, levels: levels.map(([level, count]) => ({ level: Number(level), count })) };
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
