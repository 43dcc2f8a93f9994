import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Event } from "../../src/domain/event.ts";
import type { Snapshot } from "../../src/domain/snapshot.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { IN_A_REQUEST } from "../../src/http/bulk.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { upsertServices } from "../../src/storage/directory.ts";
import { insertEvents } from "../../src/storage/event-log.ts";
import { callWith, expectRefusal, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { Visitor } from "../support/gui.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const NOW = START_MS / 1_000;

function row(index: number): Snapshot {
  return {
    service: `service ${String(index).padStart(4, "0")}`,
    status: "alive",
    since: NOW - 100,
    last: NOW - 10,
    nextIn: 600,
    grace: 5,
    graceIsOwn: false,
    remindEvery: 0,
    targets: [{ type: "webhook", target: "https://hooks.example/a" }],
    revision: 1,
    asOf: NOW - 10,
  };
}

function event(service: string, index: number, message: string): Event {
  return { id: ulid(START_MS - 1_000 + index), service, level: 1, message, alert: false };
}

const { rows, services, bytes } = IN_A_REQUEST;

beforeAll(async () => {
  const db = openDatabase(env.DB);
  await upsertServices(
    db,
    Array.from({ length: services }, (_, i) => row(i)),
  );
  await insertEvents(
    db,
    Array.from({ length: rows + 1 }, (_, i) => event("many", i, `event ${i}`)),
  );
  await insertEvents(
    db,
    Array.from({ length: rows }, (_, i) => event("few", i, `event ${i}`)),
  );
  await insertEvents(
    db,
    Array.from({ length: 20 }, (_, i) => event("large", i, "x".repeat(bytes / 10))),
  );
});

/** The answer that the Worker gives, and the one that it would give without the object. */
async function both(path: string) {
  const getByName = vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName");
  const answer = await call("GET", path);
  const wasHandedOver = getByName.mock.calls.length > 0;
  return { answer, wasHandedOver, direct: await callWith({ BULK_READER: undefined }, "GET", path) };
}

describe("what fits into a request", () => {
  it.each([
    "/",
    "/heartbeats?humanDates=1",
    "/events?service=few",
    `/events?service=many&limit=${rows}`,
    "/events?service=large&limit=3",
    "/alerts",
  ])("%s is answered there", async (path) => {
    const { answer, wasHandedOver, direct } = await both(path);
    expect(wasHandedOver).toBe(false);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(direct.body);
  });
});

describe("what is more", () => {
  it.each(["/events?service=many", "/events?service=many&limit=10000&humanDates=1", "/events?service=large"])(
    "%s is answered by the reader, alike",
    async (path) => {
      const { answer, wasHandedOver, direct } = await both(path);
      expect(wasHandedOver).toBe(true);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.body).toEqual(direct.body);
    },
  );

  describe("services", () => {
    beforeAll(async () => {
      await upsertServices(openDatabase(env.DB), [row(services)]);
    });

    it.each(["/", "/heartbeats?humanDates=1", "/gui"])("%s is answered by the reader, alike", async (path) => {
      const { cookie = "" } = await Visitor.loggedIn();
      const options = { headers: { cookie } };
      const getByName = vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName");
      const answer = await call("GET", path, options);
      expect(getByName).toHaveBeenCalledOnce();
      const direct = await callWith({ BULK_READER: undefined }, "GET", path, options);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(direct.body);
    });

    it("that have changed since a page was made are sent by the reader, alike", async () => {
      const { cookie = "" } = await Visitor.loggedIn();
      const getByName = vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName");
      const options = { headers: { cookie } };
      const { body } = await call("GET", "/gui/refresh?after=0", options);
      expect(getByName).toHaveBeenCalledOnce();
      const direct = await callWith({ BULK_READER: undefined }, "GET", "/gui/refresh?after=0", options);
      expect(body).toEqual({ ...direct.body, after: expect.any(Number) });
    });

    it("without the password are not handed over", async () => {
      const getByName = vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName");
      expect((await visit("GET", "/")).status).toBe(403);
      expect(getByName).not.toHaveBeenCalled();
    });

    it("are a 503 when the reader can't be reached", async () => {
      vi.spyOn(console, "error").mockReturnValue();
      const stub = { fetch: () => Promise.reject(new Error("secret detail")) };
      vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName").mockReturnValue(stub as never);
      const answer = await call("GET", "/");
      expectRefusal(answer, 503, "The list can't be made now");
      expect(answer.headers.get("retry-after")).toBe("5");
    });
  });
});
