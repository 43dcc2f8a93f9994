import fc from "fast-check";

/** How often a property is tried, and from which seed on. */
export interface Runs {
  numRuns: number;
  seed?: number;
}

/** `FC_RUNS` in the environment makes it the long form, `FC_SEED` tries again what a failure has printed. */
export function runs(usual: number): Runs {
  const { FC_RUNS, FC_SEED } = process.env;
  return { numRuns: Number(FC_RUNS) || usual, ...(FC_SEED ? { seed: Number(FC_SEED) } : {}) };
}

/** Time enough for as many runs on a slow machine, in milliseconds. */
export function timeoutOf({ numRuns }: Runs): number {
  return 30_000 + 60 * numRuns;
}

// Properties that name no number of runs of their own follow the long form, too.
if (process.env.FC_RUNS) fc.configureGlobal({ ...fc.readConfigureGlobal(), ...runs(100) });
