import { createInterface } from "node:readline";
import { Client, Pulser } from "../../src/index.ts";

// Pulses until a line arrives: `exit` ends it cleanly, `crash` by an error that nobody catches.
const [service = "", interval, nextIn] = process.argv.slice(2);
const client = new Client(process.env.WATCHTOWER_URL ?? "", process.env.WATCHTOWER_PASSWORD ?? "");
let hasPulsed = false;
new Pulser(client, service, {
  interval: Number(interval),
  nextIn: Number(nextIn),
  onPulse() {
    if (!hasPulsed) console.log("pulsing");
    hasPulsed = true;
  },
  onError: (error) => console.log(`failed: ${error}`),
}).start();

const input = createInterface(process.stdin);
input.on("line", (line) => {
  if (line === "crash") throw new Error("crash");
  input.close();
});
