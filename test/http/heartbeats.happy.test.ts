import { describe, expect, it } from "vitest";
import { call } from "../support/client.ts";

const WEBHOOK = { alertType: "webhook", alertTarget: "https://hooks.example/a" };

describe("a pulse", () => {
  it("makes a service alive and says when the next one is due", async () => {
    const before = Math.floor(Date.now() / 1000);
    const { status, body } = await call("POST", "/", { body: { service: "first", nextIn: 60, ...WEBHOOK } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ result: 200, action: "pulse" });
    expect(body.heartBeat).toMatchObject({
      service: "first",
      ...WEBHOOK,
      nextIn: 60,
      alerted: false,
      cancelled: false,
      status: "alive",
    });
    expect(body.heartBeat.last).toBeGreaterThanOrEqual(before);
    expect(body.heartBeat.expected).toBe(body.heartBeat.last + 60);
  });

  it("is found by every spelling of one and in the list", async () => {
    await call("POST", "/heartbeat", { body: { service: "listed", nextIn: 60, ...WEBHOOK } });
    for (const path of ["/heartbeat/listed", "/get/listed", "/heartbeat?service=listed"]) {
      const { status, body } = await call("GET", path);
      expect(status, path).toBe(200);
      expect(body.heartBeat.service).toBe("listed");
    }
    for (const path of ["/", "/heartbeats"]) {
      const { body } = await call("GET", path);
      expect(body.heartBeats.map((h: { service: string }) => h.service)).toContain("listed");
    }
  });
});

describe("a cancel", () => {
  it("cancels a service, and names one that is unknown", async () => {
    await call("POST", "/", { body: { service: "ended", nextIn: 60, ...WEBHOOK } });
    const { body } = await call("DELETE", "/", { body: { service: "ended" } });
    expect(body).toMatchObject({ result: 200, action: "cancel", heartBeat: { status: "cancelled", cancelled: true } });
    const unknown = await call("DELETE", "/heartbeat", { body: { service: "never heard of" } });
    expect(unknown.body).toEqual({ result: 200, action: "cancel", heartBeat: "never heard of" });
  });
});
