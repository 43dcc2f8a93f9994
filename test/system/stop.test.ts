import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { waitUntilGone } from "./support/processes.ts";
import { copyProjectWithFixture } from "./support/project.ts";
import { startProviderStub } from "./support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

const nodeOf = (tower: WatchTower) => tower.process(/^node scripts\/start\.ts/).pid;

describe("a stop by SIGTERM", () => {
  test("Requests under way are answered, nobody listens afterwards, and the exit code is 0.", async () => {
    await using outside = await startProviderStub();
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    outside.hold("/slow", released);
    const answer = tower.fetch("/wait-for", { method: "POST", body: `${outside.url}/slow` });
    await outside.waitFor(({ path }) => path === "/slow");

    process.kill(nodeOf(tower), "SIGTERM");
    await tower.waitForOutput(/watchTower stops \(SIGTERM\)\./);
    release();
    expect((await answer).status).toBe(200);
    expect(await tower.exited).toBe(0);
    await expect(fetch(tower.baseUrl)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
    await waitUntilGone(tower.group, 3_000);
    await using next = await tower.restart();
    expect((await next.fetch("/")).status).toBe(200);
  });

  test("Who waits is let go at once, and who connects meanwhile is reset when it is over, unread.", async () => {
    await using outside = await startProviderStub();
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    let release = (): void => undefined;
    outside.hold("/slow", new Promise<void>((resolve) => (release = resolve)));
    const answer = tower.fetch("/wait-for", { method: "POST", body: `${outside.url}/slow` });
    await outside.waitFor(({ path }) => path === "/slow");
    const idle = await connectTo(tower);
    const isClosed = once(idle.resume(), "end");
    process.kill(nodeOf(tower), "SIGTERM");
    // As soon as the runtime knows that it is to end, it closes what waits.
    await isClosed;

    const late = await connectTo(tower);
    late.write("POST /count HTTP/1.1\r\nhost: tower\r\ncontent-length: 0\r\n\r\n");
    const lateEnded = once(late, "error");
    release();
    expect((await answer).status).toBe(200);
    expect(await lateEnded).toMatchObject([{ code: "ECONNRESET" }]);
    expect(await tower.exited).toBe(0);
    await using next = await tower.restart();
    expect(await (await next.fetch("/count")).json()).toBe(1);
  });

  test("A request that never ends does not hold it up for ever.", async () => {
    await using outside = await startProviderStub();
    outside.answer("/never", { instead: "hang" });
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    const answer = tower.fetch("/wait-for", { method: "POST", body: `${outside.url}/never` }).catch(() => "cut off");
    await outside.waitFor(({ path }) => path === "/never");
    process.kill(nodeOf(tower), "SIGTERM");
    expect(await tower.exited).toBe(0);
    expect(await answer).toBe("cut off");
    await waitUntilGone(tower.group, 3_000);
  });

  test("Pulses that were acknowledged before it and during it are there after it.", async () => {
    await using tower = await startWatchTower();
    const acknowledged: string[] = [];
    let isOver = false;
    async function pulse(sender: number) {
      for (let i = 0; !isOver; i++) {
        const service = `service ${sender}.${i}`;
        const response = await tower.post("/heartbeat", { service, nextIn: 3_600 }).catch(() => undefined);
        if (response?.status === 200) acknowledged.push(service);
        else isOver = true;
      }
    }
    const senders = [pulse(0), pulse(1), pulse(2), pulse(3)];
    while (acknowledged.length < 20) await delay(10);
    process.kill(nodeOf(tower), "SIGTERM");
    expect(await tower.exited).toBe(0);
    await Promise.all(senders);

    await using next = await tower.restart();
    const { heartBeats } = (await (await next.fetch("/heartbeats?limit=1000")).json()) as {
      heartBeats: { service: string; status: string }[];
    };
    const alive = heartBeats.filter(({ status }) => status === "alive").map(({ service }) => service);
    expect(alive).toEqual(expect.arrayContaining(acknowledged));
  });

  test("npm hands the signal on, and waits for the end.", async () => {
    using project = copyProjectWithFixture();
    await using tower = await startWatchTower({ project });
    process.kill(tower.group, "SIGTERM");
    expect(await tower.exited).toBe(0);
    expect(tower.output()).toContain("watchTower stops (SIGTERM).");
    await waitUntilGone(tower.group, 3_000);
  });
});

async function connectTo({ baseUrl }: WatchTower): Promise<Socket> {
  const socket = connect(Number(new URL(baseUrl).port), "127.0.0.1");
  await once(socket, "connect");
  return socket;
}
