import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Client, WatchTowerError } from "../src/index.ts";
import { callOf } from "./support/calls.ts";
import { type Exchange, PASSWORD, recorded } from "./support/recording.ts";

interface Failure {
  status: number;
  code: string;
  hint: string;
}

interface Case {
  name: string;
  call: string;
  args: Record<string, unknown>;
  exchanges: Exchange[];
  waits?: [number, number][];
  result?: unknown;
  error?: Failure;
}

const contract = (file: string) => JSON.parse(readFileSync(join(import.meta.dirname, "../../contract", file), "utf8"));

/** The error that something ends with; undefined where it doesn't. */
async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error) => error,
  );
}

/** The body of a request, in which an id that is `*` is any ULID, and `*1795392000000` one of that time. */
function bodyOf({ body }: { body?: unknown }): { body?: unknown } {
  if (!Array.isArray(body)) return {};
  const events = body.map((event: { id?: string }) => {
    if (!event.id?.startsWith("*")) return event;
    const time = event.id === "*" ? "[0-7][0-9A-HJKMNP-TV-Z]{9}" : timeText(Number(event.id.slice(1)));
    return { ...event, id: expect.stringMatching(new RegExp(`^${time}[0-9A-HJKMNP-TV-Z]{16}$`)) };
  });
  return { body: events };
}

function timeText(ms: number): string {
  const digits = [...ms.toString(32).padStart(10, "0")];
  return digits.map((digit) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[Number.parseInt(digit, 32)]).join("");
}

function expectFailure(error: unknown, { status, code, hint }: Failure): void {
  expect(error).toBeInstanceOf(WatchTowerError);
  expect(error).toMatchObject({ status, code, hint: hint === "*" ? expect.stringMatching(/./) : hint });
  expect(JSON.stringify([String(error), error])).not.toContain(PASSWORD);
}

describe("the contract", () => {
  it.each(contract("calls.json") as Case[])("$name", async ({ call, args, exchanges, waits = [], result, error }) => {
    const recording = recorded(exchanges);
    const items: unknown[] = [];
    const work = callOf(recording.client, call, args, items);
    if (error) {
      expectFailure(await errorOf(work), error);
      if (result !== undefined) expect(items).toEqual(result);
    } else expect(await work).toEqual(result);
    expect(recording.requests.map(({ headers: _, ...request }) => request)).toEqual(
      exchanges.map(({ request: { headers: _, ...request } }) => ({ ...request, ...bodyOf(request) })),
    );
    for (const [i, { headers, body }] of recording.requests.entries()) {
      expect(headers.password).toBe(PASSWORD);
      expect(headers["content-type"]).toBe(body === undefined ? undefined : "application/json");
      expect(headers["last-event-id"]).toBe(exchanges[i]?.request.headers?.["last-event-id"]);
    }
    // What a client made of its own is the same in each attempt.
    const made = recording.requests.map(({ body }) => JSON.stringify(body));
    if (call === "sendEvents") expect(new Set(made).size).toBe(1);
    expect(recording.waits).toHaveLength(waits.length);
    for (const [i, [least, most]] of waits.entries()) {
      expect(recording.waits[i]).toBeGreaterThanOrEqual(least);
      expect(recording.waits[i]).toBeLessThanOrEqual(most);
    }
  });

  it("says how long to wait by a date, too", async () => {
    const now = Date.UTC(2026, 10, 23, 12, 0, 0);
    const request = { method: "GET", path: "/hello" };
    const busy = { status: 503, headers: { "retry-after": "Mon, 23 Nov 2026 12:00:30 GMT" }, text: "" };
    const recording = recorded(
      [
        { request, answer: busy },
        { request, answer: { status: 200, body: { result: 200 } } },
      ],
      { now: () => now },
    );
    await recording.client.hello();
    expect(recording.waits).toEqual([30]);
  });
});

const { WATCHTOWER_URL: url, WATCHTOWER_PASSWORD: password } = process.env;
if (!url) console.warn("The steps against a running watchTower are left out: WATCHTOWER_URL is not set.");

describe.runIf(url)("against a running watchTower", () => {
  it("takes the steps of the contract", async () => {
    const client = new Client(url as string, password as string);
    const text = JSON.stringify(contract("live.json")).replaceAll("{run}", crypto.randomUUID());
    for (const { call, args, result, error } of JSON.parse(text) as Case[]) {
      const what = `${call} ${JSON.stringify(args)}`;
      const work = callOf(client, call, args);
      if (error) expectFailure(await errorOf(work), error);
      else if (Array.isArray(result)) {
        const items = (await work) as unknown[];
        expect(items, what).toHaveLength(result.length);
        expect(items, what).toMatchObject(result);
      } else if (result === undefined || result === null) {
        expect(await work, what).toEqual(result === null ? null : expect.anything());
      } else if (typeof result !== "object") {
        expect(await work, what).toBe(result);
      } else expect(await work, what).toMatchObject(result);
    }
  });

  it("follows events from the moment that it is connected, and those after an event", async () => {
    const client = new Client(url as string, password as string);
    const service = `tail ${crypto.randomUUID()}`;
    const ended = new AbortController();
    const opened = Promise.withResolvers<void>();
    const tail = client.tail({ service, level: "error" }, { signal: ended.signal, onOpen: opened.resolve });
    const first = tail.next();
    await opened.promise;
    const ids: (string | undefined)[] = [];
    for (const level of [4, 3, 5]) ids.push(await client.event(service, `of level ${level}`, level));
    expect((await first).value).toMatchObject({ id: ids[0], service, message: "of level 4", level: 4 });
    expect((await tail.next()).value).toMatchObject({ id: ids[2], message: "of level 5" });
    const next = tail.next();
    ended.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    for await (const event of client.tail({ service }, { lastEventId: ids[0] })) {
      expect(event).toMatchObject({ id: ids[1], message: "of level 3" });
      break;
    }
  });
});
