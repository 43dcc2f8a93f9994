import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { lowestUlid } from "../../src/domain/ulid.ts";
import { callWith, expectRefusal } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { issue } from "../support/keys.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

describe("a tail is refused", () => {
  it.each([
    ["lastEventId=5", "lastEventId"],
    ["lastEventId=01ARZ3NDEKTSV4RRFFQ69G5FAU", "lastEventId"],
    ["q=(a)", "q can't be read at character 1"],
    ["level=loud", "level"],
    ["field.=x", "field.NAME"],
    ["humanDates=perhaps", "humanDates"],
    ["service=a&service=b", "service must be given only once"],
  ])("with %s", async (parameters, hint) => {
    expectRefusal(await call("GET", `/events/tail?${parameters}`), 400, hint);
  });

  it("with an id of the future, after which nothing would come", async () => {
    const idIn = (ms: number) => `lastEventId=${lowestUlid(START_MS + ms)}`;
    expectRefusal(await call("GET", `/events/tail?${idIn(11 * MINUTE_MS)}`), 400, "lastEventId");
    // Clocks may differ by so much.
    expect((await call("HEAD", `/events/tail?${idIn(9 * MINUTE_MS)}`)).status).toBe(200);
  });

  it("with a header that holds no id", async () => {
    expectRefusal(await call("GET", "/events/tail", { headers: { "last-event-id": "x" } }), 400, "lastEventId");
  });

  it("without a password, and with a pulse key", async () => {
    expectRefusal(await call("GET", "/events/tail", { headers: { password: "" } }), 403, "password");
    expectRefusal(await call("GET", "/events/tail", { headers: { password: await issue("a") } }), 403, "pulse key");
  });

  it("first of all where the free plan's quotas are nearly used up", async () => {
    const restUntilMs = vi.fn(async (what: string) => (what === "tails" ? Date.now() + 60_000 : undefined));
    vi.mocked(env.SENTINEL.getByName).mockReturnValue({ restUntilMs, spent: async () => {} } as never);
    const free = { PLAN: "free" };
    const answer = await callWith(free, "GET", "/events/tail");
    expectRefusal(answer, 503, "quota");
    expect(answer.headers.get("retry-after")).toBe("60");
    expect((await callWith(free, "GET", "/events")).status).toBe(200);
  });
});
