import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventReader } from "../support/sse.ts";
import { alertIn, tells } from "./support/alerts.ts";
import { type ProviderStub, startProviderStub } from "./support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

let tower: WatchTower;
let stub: ProviderStub;

beforeAll(async () => {
  stub = await startProviderStub();
  tower = await startWatchTower();
});
afterAll(async () => {
  await tower.stop();
  await stub.stop();
});

interface Listed {
  id: string;
  service: string;
  level: number;
  message: string;
  fields?: Record<string, unknown>;
}

async function eventsOf(service: string): Promise<Listed[]> {
  const response = await tower.fetch(`/events?service=${encodeURIComponent(service)}`);
  return ((await response.json()) as { events: Listed[] }).events.toReversed();
}

async function happen(service: string, message: string, level = 1): Promise<string> {
  const response = await tower.post("/event", { service, message, level });
  expect(response.status).toBe(200);
  return ((await response.json()) as { id: string }).id;
}

describe("the SDK of OpenTelemetry", () => {
  it.each(["none", "gzip"] as const)("sends its logs here, with compression %s", async (compression) => {
    const service = `instrumented ${compression}`;
    const headers =
      compression === "gzip" ? { authorization: `Bearer ${tower.password}` } : { password: tower.password };
    const exporter = new OTLPLogExporter({
      url: `${tower.baseUrl}/v1/logs`,
      headers,
      compression: compression as never,
    });
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ "service.name": service, "service.version": "1.2.3" }),
      processors: [new BatchLogRecordProcessor({ exporter })],
    });
    const logger = provider.getLogger("a library");
    logger.emit({
      severityNumber: 17,
      severityText: "ERROR",
      body: "The disk is full.",
      attributes: { host: "web-1", free: 0 },
    });
    logger.emit({ severityNumber: 9, body: { order: 7, items: ["a", "b"] }, attributes: { user: { id: 1 } } });
    for (let i = 0; i < 100; i++) logger.emit({ severityNumber: 5, body: `line ${i}` });
    await provider.forceFlush();
    await provider.shutdown();
    const events = await eventsOf(service);
    const around = { "otel.scope.name": "a library", "service.version": "1.2.3" };
    expect(events.slice(0, 2)).toMatchObject([
      { service, level: 4, message: "The disk is full.", fields: { host: "web-1", free: 0, ...around } },
      { service, level: 1, message: '{"order":7,"items":["a","b"]}', fields: { "user.id": 1, ...around } },
    ]);
    expect(
      events
        .slice(2)
        .map(({ message }) => message)
        .sort(),
    ).toEqual(Array.from({ length: 100 }, (_, i) => `line ${i}`).sort());
  });
});

describe("a live tail", () => {
  it("gives each event once, in order, over cuts and a kill, to who comes again with the last id", async () => {
    const service = "tailed";
    const reader = new EventReader();
    const open = async () => {
      const headers = reader.lastEventId ? { "last-event-id": reader.lastEventId } : undefined;
      const response = await tower.fetch(`/events/tail?service=${service}`, headers && { headers });
      expect(response.headers.get("content-type")).toBe("text/event-stream");
      reader.open(response.body as ReadableStream<Uint8Array>);
    };
    await open();
    await reader.read();
    const sent: string[] = [];
    for (let visit = 0; visit < 4; visit++) {
      for (let i = 0; i < 5; i++) sent.push(await happen(service, `${visit}.${i}`));
      await reader.readEvents(sent.length - 2);
      await reader.close();
      if (visit === 2) {
        await tower.kill();
        tower = await tower.restart();
      }
      await open();
    }
    await reader.readEvents(sent.length);
    await reader.close();
    expect(reader.events.map(({ id }) => id)).toEqual([...sent].sort());
  });
});

describe("an alert rule", () => {
  it("tells of an event that was acknowledged, also when all is killed right after that", async () => {
    const target = { alertType: "webhook", alertTarget: `${stub.url}/rules` };
    const rule = { q: "level:>=error disk", count: 3, seconds: 600, quiet: 600, ...target };
    const written = await tower.fetch("/rules/disk%20errors", { method: "PUT", body: JSON.stringify(rule) });
    expect(written.status).toBe(200);
    for (const message of ["disk 1", "paper", "disk 2"]) await happen("printer", message, 4);
    await tower.kill();
    tower = await tower.restart();
    await happen("printer", "disk 3", 4);
    await tower.kill();
    tower = await tower.restart();
    const { title, message } = alertIn(await stub.waitFor(tells("printer", "event"), { timeoutMs: 60_000 }));
    expect(title).toBe("Rule disk errors: 3 events");
    expect(message.split("\n").map((line) => line.replace(/^.*?printer, /, ""))).toEqual([
      expect.stringMatching(/^3 events matched the rule disk errors within 10 min\./),
      "error: disk 3",
      "error: disk 2",
      "error: disk 1",
    ]);
  });
});
