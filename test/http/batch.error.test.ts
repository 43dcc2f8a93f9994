import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { callWith, countStored, expectRefusal } from "../support/app.ts";
import { call, PASSWORD, PASSWORD_READ } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const event = { service: "s", message: "x" };

async function expectNothing(answer: Promise<Parameters<typeof expectRefusal>[0]>, status: number, hint: string) {
  const before = await countStored();
  expectRefusal(await answer, status, hint);
  expect(await countStored()).toEqual(before);
}

describe("a batch is refused, and nothing of it is stored, when", () => {
  it.each([
    ["it is empty", "", "empty"],
    ["it is nothing but blanks", " \r\n ", "empty"],
    ["it is half a list", `[${JSON.stringify(event)},`, "not valid JSON"],
    ["it is two lists", `[${JSON.stringify(event)}]\n[${JSON.stringify(event)}]`, "not valid JSON"],
  ])("%s", (_, raw, hint) => expectNothing(call("POST", "/events", { raw }), 400, hint));

  it("it is a list, and no UTF-8", () =>
    expectNothing(call("POST", "/events", { raw: new Uint8Array([91, 255, 93]) }), 400, "UTF-8"));

  it("it has 1,001 events, in a list or in lines", async () => {
    const events = Array.from({ length: 1_001 }, () => event);
    await expectNothing(call("POST", "/events", { body: events }), 413, "1000 events");
    const raw = events.map((one) => JSON.stringify(one)).join("\n");
    await expectNothing(call("POST", "/events", { raw }), 413, "1000 events");
  });

  it("it has half a million lines that are no UTF-8", async () => {
    const raw = new Uint8Array(1024 * 1024).map((_, i) => (i % 2 ? 10 : 255));
    await expectNothing(call("POST", "/events", { raw }), 413, "1000 events");
  });

  it("it has more than 1 MiB, as it comes or once it is inflated", async () => {
    const raw = JSON.stringify([event]).padEnd(1024 * 1024 + 1);
    await expectNothing(call("POST", "/events", { raw }), 413, "1048576 bytes");
    const packed = new Response(new Blob([raw]).stream().pipeThrough(new CompressionStream("gzip")));
    const headers = { "content-encoding": "gzip" };
    await expectNothing(call("POST", "/events", { raw: await packed.arrayBuffer(), headers }), 413, "1048576 bytes");
  });

  it("it is no gzip, or compressed in another way", async () => {
    const raw = JSON.stringify([event]);
    await expectNothing(call("POST", "/events", { raw, headers: { "content-encoding": "gzip" } }), 400, "gzip");
    await expectNothing(call("POST", "/events", { raw, headers: { "content-encoding": "br" } }), 400, "gzip");
  });

  it("the password is missing, or only reads", async () => {
    await expectNothing(call("POST", "/events", { body: [event], headers: { password: "" } }), 403, "password");
    await expectNothing(call("POST", "/events", { body: [event], headers: { password: PASSWORD_READ } }), 403, "");
  });
});

describe("on the free plan", () => {
  const bodies: [what: string, raw: () => Promise<BodyInit>, headers: Record<string, string>, isHandedOver: boolean][] =
    [
      ["a small batch", async () => JSON.stringify([event]), {}, false],
      ["a large one", async () => JSON.stringify([event]).padEnd(20_000), {}, true],
      [
        "a compressed one",
        async () => {
          const noise = Array.from(crypto.getRandomValues(new Uint8Array(8_000)), (byte) => byte.toString(36)).join("");
          const text = JSON.stringify([{ ...event, message: noise }]);
          return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
        },
        { "content-encoding": "gzip" },
        true,
      ],
    ];
  it.each(bodies)("%s", async (_, body, headers, isHandedOver) => {
    const getByName = vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName");
    const raw = await body();
    const length = String(typeof raw === "string" ? raw.length : (raw as ArrayBuffer).byteLength);
    const post = (PLAN: string) =>
      callWith({ PLAN }, "POST", "/events", {
        raw,
        headers: { password: PASSWORD, "content-length": length, ...headers },
      });
    expect((await post("paid")).body).toMatchObject({ stored: 1 });
    expect(getByName).not.toHaveBeenCalled();
    expect((await post("free")).body).toMatchObject({ stored: 1, refused: [] });
    expect(getByName.mock.calls.length > 0).toBe(isHandedOver);
  });
});
