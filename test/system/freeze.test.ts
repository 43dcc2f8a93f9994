import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { offerFreezing, whileFrozen } from "../../scripts/local/freeze.ts";
import { Refusal } from "../../scripts/local/refusal.ts";

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "watchtower-freeze-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(stateDir, { recursive: true, force: true });
});

/** A program to which a file that was left behind leads; resolves with its connection when it has read the token. */
async function leadTo(answer?: string): Promise<{ server: Server; asked: Promise<Socket> }> {
  const server = createServer();
  const asked = new Promise<Socket>((resolve) => {
    server.once("connection", (socket: Socket) => {
      socket.once("data", () => {
        if (answer !== undefined) socket.write(answer);
        resolve(socket);
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(stateDir, "freezer.json"), JSON.stringify({ port, token: "stale" }));
  return { server, asked };
}

describe("work while the runtime stands still", () => {
  it("is not begun where whoever is asked does not answer, and that is said after ten seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { server, asked } = await leadTo();
    const work = vi.fn(async () => undefined);
    const outcome = whileFrozen(stateDir, work).catch((error: unknown) => error);
    const closed = once(await asked, "close");
    vi.advanceTimersByTime(9_999);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1);
    const refusal = await outcome;
    expect(refusal).toBeInstanceOf(Refusal);
    expect((refusal as Refusal).message).toContain("did not stand still within 10 seconds");
    expect(work).not.toHaveBeenCalled();
    // Whoever it was, is let go.
    await closed;
    server.close();
  });

  it("is not begun where somebody else answers", async () => {
    const { server } = await leadTo("HTTP/1.1 400 Bad Request\r\n\r\n");
    const work = vi.fn(async () => undefined);
    await expect(whileFrozen(stateDir, work)).rejects.toThrow("is no watchTower");
    expect(work).not.toHaveBeenCalled();
    server.close();
  });

  it("is not begun where nobody listens any more", async () => {
    const { server } = await leadTo();
    await new Promise((resolve) => server.close(resolve));
    const work = vi.fn(async () => undefined);
    const refusal = await whileFrozen(stateDir, work).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect((refusal as Refusal).message).toMatch(/can't be reached: .*ECONNREFUSED/);
    expect(work).not.toHaveBeenCalled();
  });

  it("has come to its end when it is told that the runtime went on", async () => {
    const { server, asked } = await leadTo("frozen\n");
    let isOver = false;
    const outcome = whileFrozen(stateDir, async () => {
      const socket = await asked;
      const closed = once(socket, "close");
      socket.end();
      await closed;
      isOver = true;
    });
    await expect(outcome).rejects.toThrow("did not wait until all was copied");
    expect(isOver).toBe(true);
    server.close();
  });

  it("is done as soon as it stands still, by one at a time, and has only the freezer's time limit then", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const runtime = spawn("sleep", ["3600"], { stdio: "ignore" });
    await once(runtime, "spawn");
    const end = await offerFreezing(stateDir, runtime.pid as number);
    try {
      const done = await whileFrozen(stateDir, async () => {
        expect(vi.getTimerCount()).toBe(1);
        await expect(whileFrozen(stateDir, async () => "twice")).rejects.toThrow("Another backup is under way.");
        return "done";
      });
      expect(done).toBe("done");
    } finally {
      end();
      runtime.kill("SIGKILL");
    }
  });
});
