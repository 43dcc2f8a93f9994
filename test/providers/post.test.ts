import { afterEach, describe, expect, it, vi } from "vitest";
import { readRetryAfter } from "../../src/providers/post.ts";
import { answerWith, sendTo, TARGETS } from "../support/providers.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const TYPES = Object.keys(TARGETS) as (keyof typeof TARGETS)[];

/** Timers that run only when the test says so. */
function controlTimers(): { strike: () => Promise<unknown> } {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  return { strike: () => vi.advanceTimersByTimeAsync(10_000) };
}

/** A promise that rejects as soon as the signal strikes, as the runtime's fetch and its bodies do. */
function rejectedBy(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

describe.each(TYPES)("an attempt by %s", (type) => {
  it("is repeated when nobody answers within 10 seconds", async () => {
    const clock = controlTimers();
    vi.spyOn(globalThis, "fetch").mockImplementation((_, init) => rejectedBy(init?.signal));
    const sent = sendTo(type);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
    await clock.strike();
    expect(await sent).toEqual({ kind: "retry", answer: "no answer within 10 s" });
  });

  it("is no failure where the timer comes late: the answer came in time, and could not be heard", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answer = Promise.withResolvers<Response>();
    vi.spyOn(globalThis, "fetch").mockImplementation((_, init) =>
      Promise.race([answer.promise, rejectedBy(init?.signal)]),
    );
    const sent = sendTo(type);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
    // However late: only one has run when the answer is there.
    await vi.advanceTimersToNextTimerAsync();
    answer.resolve(new Response("{}", { status: 503 }));
    expect(await sent).toMatchObject({ kind: "retry", answer: expect.stringMatching(/^HTTP 503/) });
  });

  it("is repeated when an error begins but its body never ends", async () => {
    const clock = controlTimers();
    vi.spyOn(globalThis, "fetch").mockImplementation(async (_, init) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"status":'));
          rejectedBy(init?.signal).catch((error) => controller.error(error));
        },
      });
      return new Response(body, { status: 400 });
    });
    const sent = sendTo(type);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
    await clock.strike();
    expect(await sent).toEqual({ kind: "retry", answer: "no answer within 10 s" });
  });

  it("leaves no timer behind, which would keep the object awake", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    answerWith(() => new Response("ok", { status: 202 }));
    await sendTo(type);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is repeated when the connection is refused", async () => {
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
      throw new Error("Network connection lost.");
    });
    expect(await sendTo(type)).toEqual({ kind: "retry", answer: "Error: Network connection lost." });
  });

  it("is repeated when the connection breaks in the middle of the answer", async () => {
    answerWith(() => {
      const body = new ReadableStream({ pull: (controller) => controller.error(new Error("broken pipe")) });
      return new Response(body, { status: 400 });
    });
    expect(await sendTo(type)).toEqual({ kind: "retry", answer: "Error: broken pipe" });
  });

  it("is believed when it succeeds by its status, and only then its body breaks off", async () => {
    answerWith(() => {
      const body = new ReadableStream({ pull: (controller) => controller.error(new Error("broken pipe")) });
      return new Response(body, { status: 202 });
    });
    // Pushover alone says in the body whether it took the message.
    expect(await sendTo(type)).toEqual({ kind: type === "pushover" ? "retry" : "delivered", answer: "HTTP 202" });
  });

  it("reads no more than it must of a body without end, and lets go of it", async () => {
    let pulls = 0;
    let letGo = false;
    answerWith(() => {
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulls++;
            controller.enqueue(new Uint8Array(4_096).fill(0x78));
          },
          cancel() {
            letGo = true;
          },
        },
        { highWaterMark: 0 },
      );
      return new Response(body, { status: 400 });
    });
    expect(await sendTo(type)).toEqual({ kind: "permanent", answer: `HTTP 400: ${"x".repeat(199)}…` });
    expect(pulls).toBe(4);
    expect(letGo).toBe(true);
  });

  it("does not follow a redirect", async () => {
    const fetch = answerWith(() => new Response("moved", { status: 302, headers: { location: "http://10.0.0.1/" } }));
    expect(await sendTo(type)).toEqual({ kind: "permanent", answer: "HTTP 302: moved" });
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(fetch.mock.calls[0]?.[1]).toMatchObject({ redirect: "manual" });
  });

  it.each([429, 503])("honours the Retry-After of a %i, in seconds", async (status) => {
    answerWith(() => new Response("busy", { status, headers: { "retry-after": "120" } }));
    expect(await sendTo(type)).toEqual({ kind: "retry", answer: `HTTP ${status}: busy`, retryAfterMs: 120_000 });
  });

  it.each([429, 503])("honours the Retry-After of a %i, as a date", async (status) => {
    vi.spyOn(Date, "now").mockReturnValue(Date.UTC(2026, 0, 2, 3, 0, 0));
    const headers = { "retry-after": "Fri, 02 Jan 2026 03:02:30 GMT" };
    answerWith(() => new Response("busy", { status, headers }));
    expect(await sendTo(type)).toEqual({ kind: "retry", answer: `HTTP ${status}: busy`, retryAfterMs: 150_000 });
  });

  it("is described without breaking a character", async () => {
    answerWith(() => new Response(`${"x".repeat(197)}👩‍👩‍👧`, { status: 500 }));
    expect(await sendTo(type)).toMatchObject({ answer: `HTTP 500: ${"x".repeat(197)}…` });
  });
});

describe("Retry-After", () => {
  const nowMs = Date.UTC(2026, 0, 2, 3, 0, 0);
  const read = (value: string) => readRetryAfter(new Headers({ "retry-after": value }), nowMs);

  it("is a number of seconds", () => {
    expect(read("0")).toBe(0);
    expect(read(" 7 ")).toBe(7_000);
    expect(read("86400")).toBe(86_400_000);
  });

  it("is a date of HTTP; one that has passed means now", () => {
    expect(read("Fri, 02 Jan 2026 03:00:05 GMT")).toBe(5_000);
    expect(read("Thu, 01 Jan 2026 03:00:05 GMT")).toBe(0);
  });

  it("is ignored where it makes no sense", () => {
    expect(readRetryAfter(new Headers(), nowMs)).toBeUndefined();
    for (const value of ["", "soon", "in 5 minutes"]) expect(read(value), value).toBeUndefined();
  });
});
