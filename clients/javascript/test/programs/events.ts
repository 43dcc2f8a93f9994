import { Client, EventQueue } from "../../src/index.ts";

// Queues so many events, one after the other, and ends when all of them are sent.
const [service = "", count = ""] = process.argv.slice(2);
const client = new Client(process.env.WATCHTOWER_URL ?? "", process.env.WATCHTOWER_PASSWORD ?? "", {
  timeoutMs: 2_000,
});
const queue = new EventQueue(client, { capacity: Number(count) });
for (let i = 0; i < Number(count); i++) {
  queue.event(service, `event ${i}`, i % 5, { fields: { number: i } });
  if (i % 20 === 0) await new Promise((done) => setTimeout(done, 10));
}
console.log("queued");
while (!(await queue.flush(1_000)));
console.log(`dropped ${queue.dropped}`);
