import { Client, EventQueue } from "../../src/index.ts";

// Ends with a code of its own while its queue is full.
const client = new Client(process.env.WATCHTOWER_URL ?? "", "secret", { timeoutMs: 500 });
const queue = new EventQueue(client, { capacity: 3, exitTimeoutMs: 500 });
for (let i = 0; i < 10; i++) queue.event("full", `event ${i}`);
process.exitCode = 7;
process.on("exit", () => console.log(`dropped ${queue.dropped}`));
