import { spawnSync } from "node:child_process";

/** What the Worker may weigh, compressed: it starts within the free plan's limits, with room to spare. */
const MOST_KIB = 116;

const { stdout, stderr, status } = spawnSync("wrangler", ["deploy", "--dry-run"], { encoding: "utf8" });
process.stdout.write(stdout);
process.stderr.write(stderr);
const kib = Number(stdout.match(/gzip: ([\d.]+) KiB/)?.[1]);
if (status !== 0 || !(kib <= MOST_KIB)) {
  console.error(`The Worker can't be bundled into ${MOST_KIB} KiB, compressed.`);
  process.exit(1);
}
