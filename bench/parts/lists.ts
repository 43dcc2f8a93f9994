import { join } from "node:path";
import { Connection, encode, type Said } from "../client.ts";
import type { Figures, Run } from "../figures.ts";
import { quantile, sendLoad } from "../load.ts";
import { type LocalWorker, startLocal } from "../local.ts";
import { HEADERS, ROOTS, VARIABLES } from "../worker.ts";
import { pulseOf } from "./pulses.ts";

const SIZES = [10, 100, 1_000, 10_000];
/** So many are born; of the others the directory alone knows, in rows such as a birth writes. */
const MOST_BORN = 1_000;
const TIMES = 12;
const COLUMNS = [
  "services",
  "GET /, in time: p50 ms",
  "worst",
  "GET /, overdue: p50 ms",
  "worst",
  "GET /gui, in time: p50 ms",
  "worst",
  "GET /gui, overdue: p50 ms",
  "worst",
  "KB of GET /gui",
];

/** The list of all services, and the overview, while they grow: with rows that can be shown, and with rows that are overdue. */
export async function lists({ dir, print }: Run): Promise<Figures> {
  const worker = await startLocal({ root: ROOTS.product, stateDir: join(dir, "product"), variables: VARIABLES });
  const rows: (string | number)[][] = [];
  try {
    const cookie = await login(worker);
    const asked: Said[] = [
      { method: "GET", headers: HEADERS },
      { method: "GET", path: "/gui", headers: { cookie } },
    ];
    for (const [i, size] of SIZES.entries()) {
      const before = SIZES[i - 1] ?? 0;
      if (size <= MOST_BORN) {
        const requests = { url: worker.url, connections: 64, requests: size - before };
        await sendLoad({ ...requests, request: (i) => pulseOf(before + i) });
      } else for (const sql of listMore(size - before)) await worker.query(sql);
      const row: (string | number)[] = [size.toLocaleString("en")];
      for (const said of asked) {
        for (const isOverdue of [false, true]) row.push(...(await ask(worker, said, isOverdue)));
      }
      row.push((await sizeOf(worker, asked[1] as Said)) / 1_000);
      rows.push(row);
      print(`  ${size} services`);
    }
  } finally {
    await worker.stop();
  }
  return { tables: [{ title: "Lists under npm start", columns: COLUMNS, rows }], ratios: {} };
}

/** Those that were born are overdue the longest, so that they are asked: the others have no objects. */
const OVERDUE = "update services set last = unixepoch() - next_in - 10 - (service not like 'listed-%')";

/** Puts more services into the directory, with their births: as many times as there are of those that were born. */
function listMore(count: number): string[] {
  const copies = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count / MOST_BORN})`;
  const columns = [
    ...["status", "since", "last", "next_in", "grace", "grace_is_own", "alert_type", "alert_target", "revision"],
    ...["as_of", "alerts", "remind_every", "pause_until", "written_ms"],
  ].join(", ");
  const name = "'listed-' || i || '-' || service";
  return [
    `insert into transitions (id, service, status, last, expected)
     ${copies} select substr(id, 1, 20) || substr('000000' || (i * ${MOST_BORN} + row_number() over (order by i, id)), -6),
     ${name}, status, last, expected from transitions, n`,
    `insert into services (service, ${columns}) ${copies} select ${name}, ${columns} from services, n`,
  ];
}

/** Asks for a page some times; returns the median and the worst, in milliseconds. */
async function ask(worker: LocalWorker, said: Said, isOverdue: boolean): Promise<number[]> {
  const times: number[] = [];
  const connection = await Connection.open(worker.url);
  const request = encode(worker.url.host, said);
  for (let i = 0; i <= TIMES; i++) {
    // The rows say that they were promised to be back ten seconds ago: whoever asks the objects finds them in time.
    if (isOverdue) await worker.query(OVERDUE);
    const { status, ms } = await connection.send(request);
    if (status !== 200) throw new Error(`${said.path ?? "/"} was answered ${status}`);
    // The first one of its kind compiles.
    if (i > 0) times.push(ms);
  }
  connection.close();
  if (isOverdue) await worker.query("update services set last = unixepoch()");
  return [quantile(times, 0.5), Math.max(...times)];
}

/** How long a page is, in bytes. */
async function sizeOf({ url }: LocalWorker, said: Said): Promise<number> {
  const connection = await Connection.open(url);
  const { body } = await connection.send(encode(url.host, said));
  connection.close();
  return body.length;
}

async function login(worker: LocalWorker): Promise<string> {
  const connection = await Connection.open(worker.url);
  const headers = { "content-type": "application/x-www-form-urlencoded", origin: worker.url.origin };
  const body = `password=${encodeURIComponent(HEADERS.password)}`;
  const { head, status } = await connection.send(encode(worker.url.host, { path: "/gui/login", headers, body }));
  connection.close();
  const cookie = head.match(/\r\nset-cookie: *([^;]+)/i)?.[1];
  if (cookie === undefined) throw new Error(`The login was answered ${status}`);
  return cookie;
}
