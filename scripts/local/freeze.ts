import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Refusal } from "./refusal.ts";

/*
 * A backup has to be of one moment, and state is in thousands of files. So the runtime is stopped in its tracks (SIGSTOP)
 * while they are copied: what is on the disk then is what a kill at that moment would have left, and from that
 * watchTower starts again. Requests wait meanwhile.
 */

/** Where a running service says how to reach it; only its user can read that. */
const FILE = "freezer.json";
/** Nobody may be kept waiting for longer, whatever the one who copies does. */
const LONGEST_FREEZE_MS = 120_000;
/** What was left behind may lead to a program that takes connections and never speaks. */
const ANSWER_TIMEOUT_MS = 10_000;
const TOKEN_BYTES = 24;

interface Address {
  port: number;
  token: string;
}

/** Lets a backup freeze the runtime, one at a time; returns how to end that. */
export async function offerFreezing(stateDir: string, runtimePid: number): Promise<() => void> {
  const token = randomBytes(TOKEN_BYTES).toString("hex");
  let holder: Socket | undefined;

  const server = createServer((socket) => {
    socket.setEncoding("utf8").on("error", () => undefined);
    socket.once("data", (line) => {
      if (holder !== undefined || !isSame(String(line).trim(), token)) return void socket.end("refused\n");
      holder = socket;
      process.kill(runtimePid, "SIGSTOP");
      const timer = setTimeout(() => socket.destroy(), LONGEST_FREEZE_MS);
      // However its holder ends, also killed: the runtime goes on.
      socket.once("close", () => {
        clearTimeout(timer);
        holder = undefined;
        thaw(runtimePid);
      });
      socket.write("frozen\n");
    });
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  server.unref();
  const file = join(stateDir, FILE);
  const { port } = server.address() as AddressInfo;
  rmSync(file, { force: true });
  writeFileSync(file, JSON.stringify({ port, token } satisfies Address), { mode: 0o600 });
  return () => {
    holder?.destroy();
    server.close();
    rmSync(file, { force: true });
  };
}

/**
 * Does work while the service that runs on a state folder stands still.
 * @throws Refusal where it can't be reached or does not stand still, of which the work is not begun; or where it went on
 * before the work was done, which is told when the work has come to its end
 */
export async function whileFrozen<T>(stateDir: string, work: () => Promise<T>): Promise<T> {
  const { port, token } = readAddress(stateDir);
  const socket = connect({ host: "127.0.0.1", port });
  const ended = new Promise<never>((_, reject) => {
    socket.once("error", (error) => reject(new Refusal(`The running watchTower can't be reached: ${error.message}`)));
    socket.once("close", () => reject(new Refusal("The running watchTower did not wait until all was copied.")));
  });
  ended.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  try {
    const answered = new Promise<string>((resolve, reject) => {
      // It hands on the socket's errors, of which `ended` tells.
      createInterface({ input: socket })
        .on("error", () => undefined)
        .once("line", resolve);
      const text = `The running watchTower did not stand still within ${ANSWER_TIMEOUT_MS / 1_000} seconds.`;
      timer = setTimeout(() => reject(new Refusal(`${text} Try again, or stop it.`)), ANSWER_TIMEOUT_MS);
    });
    socket.write(`${token}\n`);
    const answer = await Promise.race([answered, ended]);
    clearTimeout(timer);
    if (answer === "refused") throw new Refusal("Another backup is under way.");
    if (answer !== "frozen") {
      throw new Refusal(`What answers on port ${port} is no watchTower. Try again, or restart yours.`);
    }
    const working = work();
    try {
      return await Promise.race([working, ended]);
    } finally {
      // Whoever is told that it failed may clear away what it has made.
      await Promise.allSettled([working]);
    }
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function readAddress(stateDir: string): Address {
  try {
    return JSON.parse(readFileSync(join(stateDir, FILE), "utf8"));
  } catch (error) {
    throw new Refusal(`The watchTower that uses ${stateDir} can't be reached: ${(error as Error).message}`);
  }
}

function isSame(given: string, token: string): boolean {
  return given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));
}

function thaw(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // It has ended meanwhile.
  }
}
