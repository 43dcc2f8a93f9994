import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Client } from "../client.ts";
import type { PulseOptions } from "../types.ts";

/** How much of the end of the output is kept for the event of a failure, in bytes. */
const MOST_KEPT_BYTES = 16_384;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What a command did: its exit code as a shell has it, and the end of what it printed. */
interface Outcome {
  code: number;
  how: string;
  tail: string;
}

/**
 * Runs a command, its output passed through as it is. Then it pulses, or sends an event with the end of the output where
 * the command failed; `report` hears what went wrong with that.
 * @returns the command's own exit code, whatever watchTower says
 */
export async function runCommand(
  client: Client,
  service: string,
  said: PulseOptions & { nextIn: number },
  command: string[],
  report: (error: unknown) => void,
): Promise<number> {
  const { code, how, tail } = await outcomeOf(command);
  try {
    if (code === 0) await client.pulse(service, said);
    else await client.event(service, tail === "" ? `The command ${how}.` : `The command ${how}:\n${tail}`, "error");
  } catch (error) {
    report(error);
  }
  return code;
}

function outcomeOf([command = "", ...args]: string[]): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ["inherit", "pipe", "pipe"] });
    const tail = new Tail();
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      from.on("data", (chunk: Buffer) => tail.add(chunk));
      from.pipe(to, { end: false });
      // Nobody reads any more: the command is told by its own pipe.
      to.on("error", () => from.destroy());
    }
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, forward);
    child.on("error", (error: NodeJS.ErrnoException) => {
      const code = error.code === "ENOENT" ? 127 : 126;
      process.stderr.write(`watchtower: ${command}: ${code === 127 ? "command not found" : error.message}\n`);
      done({ code, how: code === 127 ? "was not found" : "could not be started", tail: "" });
    });
    child.on("close", (code, signal) => {
      for (const name of SIGNALS) process.off(name, forward);
      const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
      done({ code: signal ? 128 + constants.signals[signal] : (code ?? 1), how, tail: tail.text() });
    });
  });
}

/** The last bytes of a stream. */
class Tail {
  #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) >= MOST_KEPT_BYTES) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
    }
  }

  /** From the first whole character on; NUL, which no event may hold, is replaced. */
  text(): string {
    const bytes = Buffer.concat(this.#chunks).subarray(-MOST_KEPT_BYTES);
    const start = bytes.length < MOST_KEPT_BYTES ? 0 : bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
    return bytes.subarray(Math.max(start, 0)).toString("utf8").replaceAll("\0", "\ufffd").trimEnd();
  }
}
