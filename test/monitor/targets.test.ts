import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Target } from "../../src/domain/service.ts";
import { DAY_MS, HOUR_MS } from "../../src/domain/time.ts";
import { advance, useTestClock } from "../support/clock.ts";
import {
  accept,
  DEADLINE_MS,
  DEFAULT_HOOK,
  deliveryLog,
  eventsOf,
  HOOK,
  interceptProviders,
  MINUTELY,
  monitorOf,
  runAlarm,
  settle,
} from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const hook = (name: string) => ({ type: "webhook", target: `https://hooks.example/${name}` });
const [B, C] = [hook("b"), hook("c")] as const;
const SEVERAL = { ...MINUTELY, furtherTargets: [B, C] };
const answer = (status: number) => new Response("no", { status });
const logOf = async (service: string) =>
  (await deliveryLog(service)).map(({ kind, target, state, attempts }) => [kind, target, state, attempts]);

describe("several targets", () => {
  it("are each told of the death and of the revival, by alerts of their own; it is one event", async () => {
    const received = interceptProviders(accept);
    await monitorOf("told").pulse(SEVERAL);
    await runAlarm("told");
    await monitorOf("told").pulse(SEVERAL);
    await runAlarm("told");
    const urls = [HOOK, B, C].map(({ target }) => target);
    expect(received.map(({ url }) => url)).toEqual([...urls, ...urls]);
    expect(received.map(({ body }) => body.kind)).toEqual([...urls.map(() => "dead"), ...urls.map(() => "alive")]);
    expect(new Set(received.map(({ body }) => body.id)).size).toBe(6);
    expect((await deliveryLog("told")).map(({ state }) => state)).toEqual(Array(6).fill("delivered"));
    expect(await eventsOf("told")).toHaveLength(2);
  });

  it("are retried and logged each on its own: one refuses, one is down, one is delivered", async () => {
    const service = "on their own";
    const downUntilMs = Date.now() + DEADLINE_MS + 60_000;
    const received = interceptProviders(({ url, atMs }) => {
      if (url === B.target) return answer(400);
      return url === C.target && atMs < downUntilMs ? answer(503) : accept();
    });
    await monitorOf(service).pulse(SEVERAL);
    await runAlarm(service);
    const atOnce = await logOf(service);
    expect(atOnce).toContainEqual(["dead", HOOK.target, "delivered", 1]);
    expect(atOnce).toContainEqual(["dead", B.target, "failed", 1]);
    expect(atOnce).toContainEqual(["dead", C.target, "pending", 1]);
    await settle(service);
    // 5, 15, 35 and 75 seconds later.
    expect(received.filter(({ url }) => url === C.target)).toHaveLength(5);
    expect(received.filter(({ url }) => url === HOOK.target)).toHaveLength(1);
    expect(await logOf(service)).toContainEqual(["dead", C.target, "delivered", 5]);
    expect((await eventsOf(service)).map(({ message }) => message.slice(0, 14)).sort()).toEqual([
      "Alert given up",
      "The service on",
    ]);
  });

  it("that are given up are told to the default target, each with service, answer, and what shows the target", async () => {
    const service = "given up";
    const received = interceptProviders(({ url }) =>
      url === DEFAULT_HOOK ? accept() : answer(url === B.target ? 404 : 500),
    );
    await monitorOf(service).pulse({ ...SEVERAL, furtherTargets: [B] });
    await runAlarm(service);
    const diedMs = Date.now();
    await settle(service);
    const told = received.filter(({ url }) => url === DEFAULT_HOOK);
    expect(told.map(({ body }) => body)).toMatchObject([
      { kind: "event", service, title: `Alert given up: Service ${service} has not pulsed` },
      { kind: "event", service, title: `Alert given up: Service ${service} has not pulsed` },
    ]);
    expect(told[0]?.body.message).toContain(
      `of the service ${service} could not be delivered to webhook ${new URL(B.target).origin}/…: HTTP 404: no.`,
    );
    expect(told[1]?.body.message).toContain(`could not be delivered to webhook https://hooks.example/…: HTTP 500: no.`);
    expect(told[0]?.atMs).toBe(diedMs);
    expect((told[1]?.atMs ?? 0) - diedMs).toBeGreaterThanOrEqual(DAY_MS);
    expect((told[1]?.atMs ?? 0) - diedMs).toBeLessThan(DAY_MS + 2 * HOUR_MS);
    expect((await eventsOf(service)).filter(({ message }) => message.startsWith("Alert given up"))).toHaveLength(2);
  });
});

describe("a further target", () => {
  it("that is the main one for a while is shown and told once, and stays when another is the main one", async () => {
    const service = "main for a while";
    const received = interceptProviders(accept);
    await monitorOf(service).pulse({ ...MINUTELY, furtherTargets: [B] });
    expect((await monitorOf(service).pulse({ ...MINUTELY, target: B })).targets).toEqual([B]);
    await runAlarm(service);
    expect(received.map(({ url }) => url)).toEqual([B.target]);
    await evictDurableObject(monitorOf(service));
    expect((await monitorOf(service).pulse({ ...MINUTELY, target: C })).targets).toEqual([C, B]);
    await runAlarm(service);
    expect(received.slice(1).map(({ url, body }) => [url, body.kind])).toEqual([
      [C.target, "alive"],
      [B.target, "alive"],
    ]);
  });

  it("that is the main one's address by another name of mail is told once, in order", async () => {
    const service = "mail and email";
    let isDown = false;
    const received = interceptProviders(() => new Response("{}", { status: isDown ? 503 : 202 }));
    const [mail, email] = ["mail", "email"].map((type) => ({ type, target: "ann@example.com" }));
    const said = { ...MINUTELY, target: email as Target, furtherTargets: [mail as Target] };
    expect((await monitorOf(service).pulse(said)).targets).toEqual([email]);
    await runAlarm(service);
    isDown = true;
    await monitorOf(service).pulse(said);
    await runAlarm(service);
    // What follows waits for the return, however the address is spelled by then.
    await monitorOf(service).pulse({ ...said, target: mail as Target, nextInSeconds: 1, graceSeconds: 0 });
    advance(1_000);
    expect((await monitorOf(service).snapshot())?.status).toBe("dead");
    isDown = false;
    await settle(service);
    expect(received.map(({ body }) => body.subject.replace(`Service ${service} `, ""))).toEqual([
      "has not pulsed",
      "is pulsing again",
      "is pulsing again",
      "has not pulsed",
    ]);
  });
});

describe("a target that a pulse has removed", () => {
  it("is not told any more what is pending for it, and the log says so", async () => {
    const service = "removed";
    let isDown = true;
    const received = interceptProviders(({ url }) => (isDown && url === B.target ? answer(500) : accept()));
    await monitorOf(service).pulse(SEVERAL);
    await runAlarm(service);
    // B has not got the death, and then not the revival either.
    await monitorOf(service).pulse(SEVERAL);
    await runAlarm(service);
    expect(await logOf(service)).toContainEqual(["alive", B.target, "pending", 1]);
    isDown = false;
    await monitorOf(service).pulse({ ...SEVERAL, furtherTargets: [C] });
    await monitorOf(service).cancel();
    await settle(service);
    expect(received.filter(({ url }) => url === B.target)).toHaveLength(2);
    expect((await logOf(service)).filter(([, target]) => target === B.target)).toEqual([
      ["dead", B.target, "dropped", 1],
      ["alive", B.target, "dropped", 1],
    ]);
    expect((await logOf(service)).filter(([, target]) => target !== B.target).map(([, , state]) => state)).toEqual(
      Array(4).fill("delivered"),
    );
  });

  it("before it was told of a death is told nothing, and its successor of the revival", async () => {
    const service = "replaced";
    const received = interceptProviders(accept);
    await monitorOf(service).pulse(MINUTELY);
    advance(DEADLINE_MS);
    await monitorOf(service).pulse({ ...MINUTELY, target: C });
    await runAlarm(service);
    expect(received.map(({ url, body }) => [url, body.kind])).toEqual([[C.target, "alive"]]);
    expect(await logOf(service)).toEqual([
      ["dead", HOOK.target, "dropped", 0],
      ["alive", C.target, "delivered", 1],
    ]);
  });

  it("while a notice to it is under way may still get that, and nothing after", async () => {
    const service = "removed under way";
    const received = interceptProviders(async ({ url, body }) => {
      if (url === B.target && body.kind === "dead") await monitorOf(service).pulse(MINUTELY_WITHOUT_B);
      return accept();
    });
    await monitorOf(service).pulse({ ...SEVERAL, furtherTargets: [B] });
    await runAlarm(service);
    await runAlarm(service, Date.now() + DEADLINE_MS / 2);
    expect(received.filter(({ url }) => url === B.target).map(({ body }) => body.kind)).toEqual(["dead"]);
    expect(await logOf(service)).toContainEqual(["dead", B.target, "delivered", 1]);
  });

  it("is told of events all the same: they are no news of its service", async () => {
    const service = "default removed";
    const received = interceptProviders(accept);
    const toDefault = { type: "webhook", target: DEFAULT_HOOK };
    await monitorOf(service).pulse({ ...MINUTELY, furtherTargets: [toDefault] });
    await monitorOf(service).alert({ id: "01K0000000000000000000000A", service, level: 5, message: "x", alert: true });
    await monitorOf(service).pulse({ ...MINUTELY, furtherTargets: [] });
    await runAlarm(service);
    expect(received).toMatchObject([{ url: DEFAULT_HOOK, body: { kind: "event" } }]);
  });
});

const MINUTELY_WITHOUT_B = { ...MINUTELY, furtherTargets: [] };
