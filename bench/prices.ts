/*
 * What Cloudflare bills, from its documentation of November 2026: Workers, Durable Objects and D1 pricing and limits
 * (developers.cloudflare.com/workers/platform/pricing, /durable-objects/platform/pricing, /d1/platform/pricing).
 */

/** What is billed on the paid plan. */
export interface Price {
  /** Included in a month. */
  included: number;
  /** Dollars for each million beyond that; for storage, for each gigabyte in a month. */
  dollars: number;
}

/** What the paid plan costs in a month, whatever is used. */
export const BASE_DOLLARS = 5;

/** The prices of the paid plan. */
export const PRICES = {
  workerRequests: { included: 10e6, dollars: 0.3 },
  workerCpuMs: { included: 30e6, dollars: 0.02 },
  objectRequests: { included: 1e6, dollars: 0.15 },
  objectGbSeconds: { included: 400e3, dollars: 12.5 },
  objectRowsWritten: { included: 50e6, dollars: 1 },
  d1RowsRead: { included: 25e9, dollars: 0.001 },
  d1RowsWritten: { included: 50e6, dollars: 1 },
} satisfies Record<string, Price>;

/** The price of what is stored, by the gigabyte and month. */
export const STORAGE_PRICES = {
  objectGb: { included: 5, dollars: 0.2 },
  d1Gb: { included: 5, dollars: 0.75 },
} satisfies Record<string, Price>;

/** An object is billed as if it had this memory, in gigabytes. */
export const OBJECT_GB = 0.128;

/** What of it some use costs in a month, in dollars. */
export function dollarsOf(price: Price, used: number, unit = 1e6): number {
  return (Math.max(0, used - price.included) / unit) * price.dollars;
}
