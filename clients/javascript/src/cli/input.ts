import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/** Everything that comes from stdin, without the last end of line. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

/** Asks for the password in a terminal, without showing it; elsewhere it comes from stdin. */
export async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) return (await readStdin()).trim();
  process.stderr.write("Password: ");
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const asking = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return (await asking.question("")).trim();
  } finally {
    asking.close();
    process.stderr.write("\n");
  }
}
