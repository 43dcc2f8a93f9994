import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { WatchTower } from "../system/support/watchtower.ts";

/** What the Workers runtime has in memory, in MiB, once it has collected its garbage. */
export interface Memory {
  /** What all Workers in it, ours and those of the local runtime, keep on their heaps. */
  heap: number;
  /** The whole process. */
  process: number;
}

/** Looks into the memory of a runtime, which would let its heaps grow for hundreds of MiB before it collects anything. */
export interface MemoryMeter extends Disposable {
  /** What `npm start` has to have in its environment. */
  env: Record<string, string>;
  measure(tower: WatchTower): Promise<Memory>;
}

const MIB = 1024 * 1024;
const MOST_TRIES = 50;
const AGAIN_AFTER_MS = 100;

/** Makes a meter for the next watchTower that is started with its environment. */
export async function memoryMeter(): Promise<MemoryMeter> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), "workerd-"));
  // Miniflare takes a workerd of one's own: this one is the same, and can be inspected.
  const wrapper = join(dir, "workerd");
  writeFileSync(wrapper, `#!/bin/sh\nexec "${workerdPath()}" "$@" --inspector-addr=127.0.0.1:${port}\n`, {
    mode: 0o755,
  });
  return {
    env: { MINIFLARE_WORKERD_PATH: wrapper },
    async measure(tower) {
      const isolates = (await (await insist(`http://127.0.0.1:${port}/json`)).json()) as {
        webSocketDebuggerUrl: string;
      }[];
      let heap = 0;
      for (const { webSocketDebuggerUrl } of isolates) heap += await heapOf(webSocketDebuggerUrl);
      return { heap: Math.round(heap / MIB), process: residentOf(tower) };
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** The inspector may listen a little later than the runtime serves. */
async function insist(url: string): Promise<Response> {
  for (let tries = 1; ; tries++) {
    try {
      return await fetch(url);
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
      await delay(AGAIN_AFTER_MS);
    }
  }
}

function workerdPath(): string {
  const { resolve } = createRequire(createRequire(import.meta.url).resolve("miniflare"));
  return createRequire(resolve("workerd"))("workerd").default;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What one isolate keeps after a collection, in bytes: objects, and what they hold outside of the heap. */
async function heapOf(url: string): Promise<number> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`${url} can't be inspected`));
  });
  const answers = new Map<number, (result: Record<string, number>) => void>();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    answers.get(id)?.(result);
  };
  const ask = (id: number, method: string) =>
    new Promise<Record<string, number>>((resolve) => {
      answers.set(id, resolve);
      socket.send(JSON.stringify({ id, method }));
    });
  // What is asked for is the collection before it: workerd does not know HeapProfiler.collectGarbage.
  await ask(1, "HeapProfiler.takeHeapSnapshot");
  const { usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = await ask(2, "Runtime.getHeapUsage");
  socket.close();
  return usedSize + embedderHeapUsedSize + backingStorageSize;
}

function residentOf(tower: WatchTower): number {
  const sizes = tower.processes().map(({ pid, command }) => {
    if (!/workerd.* serve /.test(command)) return 0;
    const [, kilobytes] = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB/m) ?? [];
    return Math.round(Number(kilobytes) / 1024);
  });
  return Math.max(...sizes);
}
