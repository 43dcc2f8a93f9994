import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pulser, type PulserOptions } from "../src/index.ts";
import { type Exchange, recorded } from "./support/recording.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const HEARTBEAT = { service: "worker", status: "alive" };
const pulse = { method: "POST", path: "/heartbeat" };
const took: Exchange = { request: pulse, answer: { status: 200, body: { result: 200, heartBeat: HEARTBEAT } } };
const failed: Exchange = {
  request: pulse,
  answer: { status: 503, body: { result: 503, code: "unavailable", hint: "x" } },
};

function pulserOver(exchanges: Exchange[], options: Partial<PulserOptions> = {}) {
  const errors: unknown[] = [];
  const recording = recorded(exchanges);
  const pulser = new Pulser(recording.client, "worker", {
    interval: 60,
    random: () => 0.5,
    onError: (error) => errors.push(error),
    ...options,
  });
  const pulses = () => recording.requests.filter(({ method }) => method === "POST").length;
  return { pulser, errors, pulses, ...recording };
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

describe("a pulser", () => {
  it("pulses at once, and then at its interval", async () => {
    const { pulser, pulses } = pulserOver(Array(9).fill(took));
    pulser.start();
    await seconds(0);
    expect(pulses()).toBe(1);
    await seconds(59.9);
    expect(pulses()).toBe(1);
    await seconds(0.2);
    expect(pulses()).toBe(2);
    await seconds(60);
    expect(pulses()).toBe(3);
  });

  it("leaves no time-out of its request behind, which would keep the program alive", async () => {
    const { client } = recorded([took]);
    await client.pulse("worker", { nextIn: 60 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("shifts each pulse by up to a tenth of the interval", async () => {
    for (const [random, due] of [
      [0, 54],
      [1, 66],
    ] as const) {
      const { pulser, pulses } = pulserOver(Array(9).fill(took), { random: () => random });
      pulser.start();
      await seconds(due - 0.1);
      expect(pulses()).toBe(1);
      await seconds(0.2);
      expect(pulses()).toBe(2);
    }
  });

  it("promises one and a half intervals and ten seconds, or what it was told, and says all that it was told", async () => {
    for (const [options, body] of [
      [{}, { service: "worker", nextIn: 100 }],
      [{ interval: 0.5 }, { service: "worker", nextIn: 11 }],
      [
        { nextIn: 300, alertType: "mail", alertTarget: "a@example.com", grace: 0 },
        { service: "worker", nextIn: 300, alertType: "mail", alertTarget: "a@example.com", grace: 0 },
      ],
    ] as const) {
      const { pulser, requests } = pulserOver([took], options);
      pulser.start();
      await seconds(0);
      // The interval is the pulser's own; the server would ignore it.
      expect(requests[0]?.body).toEqual(expect.objectContaining(body));
      expect(requests[0]?.body).not.toHaveProperty("interval");
    }
  });

  it("tries quickly after a failure, ever less so, and then goes on as before", async () => {
    const { pulser, pulses, errors } = pulserOver([took, failed, failed, failed, took, took]);
    pulser.start();
    await seconds(60.1);
    expect(pulses()).toBe(2);
    for (const [pause, count] of [
      [1, 3],
      [2, 4],
      [4, 5],
    ] as const) {
      await seconds(pause - 0.2);
      expect(pulses()).toBe(count - 1);
      await seconds(0.2);
      expect(pulses()).toBe(count);
    }
    expect(errors).toHaveLength(3);
    await seconds(59);
    expect(pulses()).toBe(5);
    await seconds(1.1);
    expect(pulses()).toBe(6);
  });

  it("never tries later than its interval, however long it has failed", async () => {
    const { pulser, pulses } = pulserOver(Array(99).fill(failed), { interval: 5 });
    pulser.start();
    await seconds(100);
    const before = pulses();
    await seconds(5.1);
    expect(pulses()).toBe(before + 1);
  });

  it("cancels when it is stopped, once, and pulses no more", async () => {
    const cancel = { request: { method: "DELETE", path: "/heartbeat" }, answer: took.answer };
    const { pulser, requests } = pulserOver([took, cancel]);
    pulser.start();
    await seconds(1);
    await Promise.all([pulser.stop(), pulser.stop()]);
    await seconds(600);
    expect(requests.map(({ method, body }) => [method, body])).toEqual([
      ["POST", { service: "worker", nextIn: 100 }],
      ["DELETE", { service: "worker" }],
    ]);
  });

  it("cancels after a pulse that is under way, which would bring the service back", async () => {
    let answer = (_: Response) => {};
    const { pulser, requests } = pulserOver([], {});
    const { client } = recorded([], {
      fetch: async (_, init) => {
        requests.push({ method: init?.method ?? "", path: "", headers: {} });
        if (init?.method === "DELETE") return new Response('{"result":200,"heartBeat":"worker"}');
        return new Promise<Response>((done) => {
          answer = done;
        });
      },
    });
    const slow = new Pulser(client, "worker", { interval: 60 }).start();
    await seconds(0);
    const stopped = slow.stop();
    await seconds(1);
    expect(requests.map(({ method }) => method)).toEqual(["POST"]);
    answer(new Response(JSON.stringify({ result: 200, heartBeat: HEARTBEAT })));
    await stopped;
    await seconds(600);
    expect(requests.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
    await pulser.stop();
  });

  it("reports a cancel that fails, and doesn't reject", async () => {
    const refused = { status: 403, body: { result: 403, code: "forbidden", hint: "no" } };
    const { pulser, errors } = pulserOver([
      took,
      { request: { method: "DELETE", path: "/heartbeat" }, answer: refused },
    ]);
    pulser.start();
    await seconds(1);
    await pulser.stop();
    expect(errors).toMatchObject([{ status: 403 }]);
  });

  it("doesn't mind callbacks that throw", async () => {
    const onError = () => {
      throw new Error("callback");
    };
    const { pulser, pulses } = pulserOver([failed, took], { onError });
    pulser.start();
    await seconds(2);
    expect(pulses()).toBe(2);
  });

  it("refuses an interval that is none", () => {
    for (const interval of [0, -1, Number.NaN]) expect(() => pulserOver([], { interval })).toThrow(RangeError);
  });
});
