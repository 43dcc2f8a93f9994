import { Connection, encode, type Said } from "./client.ts";

/** What to send over some connections: request number `i` of all, counted from 0; for some time, or so many of them. */
export interface Load {
  url: URL;
  connections: number;
  durationMs?: number;
  requests?: number;
  request: (i: number) => Said;
}

/** What came of it; times are in milliseconds. */
export interface Throughput {
  /** How many were answered. */
  requests: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Sends requests as fast as they are answered, each connection waiting for its answer; any answer but 200 is an error. */
export async function sendLoad({
  url,
  connections,
  durationMs = Number.POSITIVE_INFINITY,
  requests = Number.POSITIVE_INFINITY,
  request,
}: Load): Promise<Throughput> {
  const latencies: number[] = [];
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(url)));
  let sent = 0;
  const startMs = performance.now();
  await Promise.all(
    open.map(async (connection) => {
      while (sent < requests && performance.now() - startMs < durationMs) {
        const { status, ms, body } = await connection.send(encode(url.host, request(sent++)));
        if (status !== 200) throw new Error(`a request was answered ${status}: ${body}`);
        latencies.push(ms);
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  for (const connection of open) connection.close();
  return {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

/** A quantile of some numbers, from 0 to 1; the median is the quantile 0.5. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN;
}

/** The middle one of some numbers. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
