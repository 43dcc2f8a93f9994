import { Agent, request } from "node:http";

/** What to send: pulses of some services, over some connections, for some time. */
export interface Load {
  url: URL;
  headers: Record<string, string>;
  services: number;
  connections: number;
  durationMs: number;
}

/** What came of it. */
export interface Throughput {
  pulsesPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Sends pulses as fast as they are answered, each connection waiting for its answer; any answer but 200 is an error. */
export async function sendPulses({ url, headers, services, connections, durationMs }: Load): Promise<Throughput> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencies: number[] = [];
  const startMs = performance.now();
  let sent = 0;
  async function connection(): Promise<void> {
    while (performance.now() - startMs < durationMs) {
      const pulse = { service: `service-${sent++ % services}`, nextIn: 3_600 };
      const beganMs = performance.now();
      await post(url, agent, headers, JSON.stringify(pulse));
      latencies.push(performance.now() - beganMs);
    }
  }
  await Promise.all(Array.from({ length: connections }, connection));
  const seconds = (performance.now() - startMs) / 1_000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.floor(q * (latencies.length - 1))] ?? Number.NaN;
  return { pulsesPerSecond: latencies.length / seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

function post(url: URL, agent: Agent, headers: Record<string, string>, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`a pulse was answered ${response.statusCode}`)),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
