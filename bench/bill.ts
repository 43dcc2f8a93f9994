import { readFileSync } from "node:fs";
import { join } from "node:path";
import { QUOTAS } from "../src/domain/budget.ts";
import type { Table } from "./figures.ts";
import { BASE_DOLLARS, dollarsOf, OBJECT_GB, PRICES, STORAGE_PRICES } from "./prices.ts";
import { ROOTS } from "./worker.ts";

/** What something costs, in the numbers that Cloudflare counts. */
export interface Cost {
  queries: number;
  rowsRead: number;
  rowsWritten: number;
  objectCalls: number;
  objectRows: number;
}

/** What is measured on this machine, for the bill. */
export interface Measured {
  /** CPU time of a steady pulse, in the Worker and its object, in milliseconds. */
  cpuMs: number;
  /** How long its object is busy with it, in milliseconds. */
  objectMs: number;
  /** What a service takes on disk, in its object, in bytes. */
  objectBytes: number;
  /** The same in D1. */
  d1Bytes: number;
}

const SERVICES = [1_000, 10_000, 100_000, 1_000_000];
const PULSES_PER_DAY = 24 * 60;
const DAYS = 30;
/** A service's row in the directory is written so often. */
const REFRESHES_PER_DAY = 24 * 6;
/** The cron trigger runs so often, and its sweep reads each row. */
const SWEEPS_PER_DAY = 24 * 6;
/** Of each thing counted on the free plan, one in so many is reported, by a call and a row of the sentinel. */
const REPORTED = 1 / 100;

/** A line of the table of costs in docs/deploy.md, which tests hold to: what it is, and when. */
export function costOf(what: string, when: string): Cost {
  const page = readFileSync(join(ROOTS.product, "docs", "deploy.md"), "utf8");
  const line = page.split("\n").find((line) => line.startsWith(`| ${what} | ${when} |`));
  const numbers = line
    ?.split("|")
    .slice(3, 8)
    .map((cell) => Number(cell.replaceAll(",", "")));
  if (numbers?.length !== 5 || numbers.some(Number.isNaN)) throw new Error(`docs/deploy.md has no ${what}, ${when}`);
  const [queries, rowsRead, rowsWritten, objectCalls, objectRows] = numbers as [number, number, number, number, number];
  return { queries, rowsRead, rowsWritten, objectCalls, objectRows };
}

/** What services that pulse every minute use in a day, by what Cloudflare counts. */
function usedPerDay(services: number) {
  const steady = costOf("`POST /`", "a pulse as promised");
  const refresh = costOf("`POST /`", "the first in ten minutes");
  const cron = costOf("the cron trigger", "nothing is too old");
  const pulses = services * PULSES_PER_DAY;
  const refreshes = services * REFRESHES_PER_DAY;
  return {
    workerRequests: pulses + SWEEPS_PER_DAY,
    objectRequests: pulses * steady.objectCalls + SWEEPS_PER_DAY * cron.objectCalls,
    objectRowsWritten: pulses * steady.objectRows + SWEEPS_PER_DAY * cron.objectRows,
    d1RowsRead: refreshes * refresh.rowsRead + SWEEPS_PER_DAY * (cron.rowsRead + services),
    d1RowsWritten: refreshes * refresh.rowsWritten + SWEEPS_PER_DAY * cron.rowsWritten,
  };
}

/** The bill of a month on the paid plan, for services that pulse every minute and neither die nor send events. */
export function billTable({ cpuMs, objectMs, objectBytes, d1Bytes }: Measured): Table {
  const rows = SERVICES.map((services) => {
    const day = usedPerDay(services);
    const month = (name: keyof typeof day) => day[name] * DAYS;
    const parts = {
      workers:
        dollarsOf(PRICES.workerRequests, month("workerRequests")) +
        dollarsOf(PRICES.workerCpuMs, month("workerRequests") * cpuMs),
      calls: dollarsOf(PRICES.objectRequests, month("objectRequests")),
      duration: dollarsOf(PRICES.objectGbSeconds, ((month("objectRequests") * objectMs) / 1_000) * OBJECT_GB),
      rows: dollarsOf(PRICES.objectRowsWritten, month("objectRowsWritten")),
      storage: dollarsOf(STORAGE_PRICES.objectGb, (services * objectBytes) / 1e9, 1),
      d1:
        dollarsOf(PRICES.d1RowsRead, month("d1RowsRead")) +
        dollarsOf(PRICES.d1RowsWritten, month("d1RowsWritten")) +
        dollarsOf(STORAGE_PRICES.d1Gb, (services * d1Bytes) / 1e9, 1),
    };
    const sum = BASE_DOLLARS + Object.values(parts).reduce((sum, dollars) => sum + dollars, 0);
    const { workers, calls, duration, rows, storage, d1 } = parts;
    const money = (dollars: number) => `$${Math.round(dollars).toLocaleString("en")}`;
    return [
      services.toLocaleString("en"),
      ...[workers, calls, duration, rows, storage, d1, sum].map(money),
      `$${(sum / services).toFixed(3)}`,
    ];
  });
  return {
    title: "The bill of a month, for services that pulse every minute",
    columns: [
      "services",
      "Worker: requests and CPU",
      "objects: calls",
      "objects: duration",
      "objects: rows",
      "objects: storage",
      "D1",
      "with the plan's $5",
      "a service",
    ],
    rows,
  };
}

/** How many services that pulse every minute the free plan carries, and what stops it. */
export function freePlanTable(): Table {
  const names = { objectRowsWritten: "objectRows" } as const;
  const most = (services: number) => {
    const day = usedPerDay(services);
    // What is counted is reported by samples.
    const reports = (day.workerRequests + day.objectRequests + day.objectRowsWritten + day.d1RowsWritten) * REPORTED;
    day.objectRequests += reports;
    day.objectRowsWritten += reports;
    return Object.entries(day).map(([name, used]) => {
      const quota = QUOTAS[(names[name as keyof typeof names] ?? name) as keyof typeof QUOTAS];
      return { name: quota.name, share: used / quota.perDay };
    });
  };
  let services = 0;
  while (most(services + 1).every(({ share }) => share <= 1)) services++;
  return {
    title: `The free plan carries ${services} services that pulse every minute`,
    columns: ["of a day's quota", `used by ${services} services`],
    rows: most(services)
      .toSorted((a, b) => b.share - a.share)
      .map(({ name, share }) => [name, `${(share * 100).toFixed(0)} %`]),
  };
}
