import { statSync } from "node:fs";
import { join } from "node:path";
import { findD1File } from "../../scripts/local/d1-file.ts";
import { ulid } from "../../src/domain/ulid.ts";
import type { Said } from "../client.ts";
import { compare, digits, type Figures, type Run } from "../figures.ts";
import { sendLoad } from "../load.ts";
import { type LocalWorker, startLocal } from "../local.ts";
import { HEADERS, ROOTS, VARIABLES } from "../worker.ts";

const SIZES = [
  { name: "single events", events: 1, connections: 16 },
  { name: "batches of 100 events", events: 100, connections: 4 },
  { name: "batches of 1,000 events", events: 1_000, connections: 4 },
];

/** An event with a message of about 100 bytes. */
function eventOf(i: number) {
  return {
    service: `service-${i % 100}`,
    level: i % 20 === 0 ? 4 : i % 4,
    message: `GET /api/items/${i * 7_919} answered 200 in ${i % 900} ms for user ${i % 99_991} of tenant ${i % 50}, region eu-3`,
  };
}

/** Bodies are made before they are sent: to make one takes longer than to store it. */
const READY = 40;
/** So many times as many are made for a round as the fastest one before it took. */
const SPARE = 1.5;

/** What a client sends to store so many events. */
function toProduct(count: number): (i: number) => Said {
  const path = count === 1 ? "/event" : "/events";
  const ready = Array.from({ length: READY }, (_, i): Said => {
    const list = listOf(i, count);
    return { path, headers: HEADERS, body: JSON.stringify(count === 1 ? list[0] : list) };
  });
  return (i) => ready[i % READY] as Said;
}

/** The same rows, ready to be stored, with ids that are new in each request. */
function toFloor(count: number): (i: number) => Said {
  const now = ulid(Date.now()).slice(0, 10);
  const place = "@".repeat(8);
  const ready = Array.from({ length: READY }, (_, i) =>
    JSON.stringify(
      listOf(i, count).map((event, j) => ({
        id: `${now}${place}${String(j).padStart(8, "0")}`,
        ...event,
        alert: false,
      })),
    ),
  );
  return (i) => ({ body: (ready[i % READY] as string).replaceAll(place, String(i).padStart(8, "0")) });
}

function listOf(first: number, count: number) {
  return Array.from({ length: count }, (_, i) => eventOf(first * count + i));
}

/** Events stored in D1, against a Worker that makes the same statement of what is ready, and nothing else. */
export async function events({ dir, print }: Run): Promise<Figures> {
  const start = (root: string, name: string) => startLocal({ root, stateDir: join(dir, name), variables: VARIABLES });
  const floor = await start(ROOTS.event, "floor");
  const product = await start(ROOTS.product, "product");
  const rows: (string | number)[][] = [];
  const ratios: Record<string, number> = {};
  const times = { rounds: 5, durationMs: 1_500, warmUpMs: 1_000 };
  try {
    for (const { name, events: count, connections } of SIZES) {
      const sideOf = ({ url, pid }: LocalWorker, make: (i: number) => Said) => {
        let made = 0;
        let perMs = 0;
        return {
          pid,
          load: async (durationMs: number) => {
            // What is made while it is measured takes time from both the client and the Worker.
            const ready = Array.from({ length: Math.ceil(perMs * durationMs) }, () => make(made++));
            const request = (i: number) => ready[i] ?? make(made++);
            const found = await sendLoad({ url, connections, durationMs, request });
            perMs = Math.max(perMs, (SPARE * found.requests) / durationMs);
            return found;
          },
        };
      };
      const found = await compare(
        { floor: sideOf(floor, toFloor(count)), product: sideOf(product, toProduct(count)) },
        times,
      );
      const of = (round: typeof found.floor) => [
        round.perSecond * count,
        round.p50Ms,
        round.p99Ms,
        round.cpuMs / count,
      ];
      rows.push([name, String(connections), ...of(found.floor), ...of(found.product), found.ratio]);
      ratios[name] = found.ratio;
      print(`  ${name}: ${digits(found.product.perSecond * count)} events/s, ratio ${digits(found.ratio)}`);
    }
    const [{ count } = { count: 0 }] = await product.query("select count(*) as count from events");
    const bytes = statSync(findD1File(join(dir, "product")) as string).size;
    return {
      tables: [
        {
          title: "Events stored under npm start",
          columns: [
            "what",
            "connections",
            "floor: events/s",
            "p50 ms",
            "p99 ms",
            "CPU ms per event",
            "events/s",
            "p50 ms",
            "p99 ms",
            "CPU ms per event",
            "ratio",
          ],
          rows,
        },
        {
          title: "Events on disk",
          columns: ["events", "bytes per event, of which the message has about 100"],
          rows: [[Number(count).toLocaleString("en"), bytes / Number(count)]],
        },
      ],
      ratios,
    };
  } finally {
    await floor.stop();
    await product.stop();
  }
}
