import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ulidTimeMs } from "../src/domain/ulid.ts";

/** A death that was told. */
export interface ToldDeath {
  service: string;
  /** When the provider had the whole message. */
  receivedMs: number;
  /** When the service had promised to pulse, its grace included. */
  deadlineMs: number;
  /** Whether others were in the same message. */
  isDigest: boolean;
}

interface Told {
  id: string;
  kind: string;
  service: string;
}

/** A provider that takes every alert, and notes the deaths. */
export async function startProvider() {
  const deaths: ToldDeath[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const receivedMs = Date.now();
    const said = JSON.parse(body) as Told & { alerts?: Told[] };
    for (const { id, kind, service } of said.alerts ?? [said]) {
      // A death's id is made of its deadline.
      if (kind === "dead")
        deaths.push({ service, receivedMs, deadlineMs: ulidTimeMs(id), isDigest: said.alerts !== undefined });
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deaths,
    /** Waits until so many deaths were told; rejects where that takes too long. */
    async told(count: number, withinMs: number) {
      for (const endMs = Date.now() + withinMs; deaths.length < count; await delay(100)) {
        if (Date.now() > endMs) throw new Error(`Only ${deaths.length} of ${count} deaths were told.`);
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
