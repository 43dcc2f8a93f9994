import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Refusal } from "./refusal.ts";

// A process that was killed a moment ago may still hold the port.
const ATTEMPTS = 10;
const PAUSE_MS = 100;

/** Refuses an address that can't be listened on, before anything is written. */
export async function checkAddress(host: string, port: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const code = await tryToListen(host, port);
    if (code === undefined) return;
    if (code === "EADDRINUSE" && attempt < ATTEMPTS) await delay(PAUSE_MS);
    else throw addressRefusal(host, port, code);
  }
}

/** Says why an address can't be listened on. */
export function addressRefusal(host: string, port: number, code: string): Refusal {
  if (code === "EADDRINUSE") {
    return new Refusal(
      `PORT ${port} on ${host} is taken, perhaps by another watchTower. ` +
        "Stop that program, or choose another port: PORT=8788 npm start",
    );
  }
  if (code === "EACCES") return new Refusal(`PORT ${port} on ${host} is not allowed to this user.`);
  return new Refusal(`HOST ${host} can't be listened on (${code}).`);
}

/** The error code of an attempt to listen, undefined where it succeeds. */
function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
