import { SECOND_MS } from "./domain/time.ts";

/**
 * Calls back when so much time is over, counted by the second, so that a second which took longer counts as one: where the
 * machine is so busy that timers come late, what was answered in time could not be heard either, and is about to be.
 * @returns what stops it
 */
export function countDown(ms: number, end: () => void): () => void {
  let leftMs = ms;
  const step = (): ReturnType<typeof setTimeout> => {
    const stepMs = Math.min(leftMs, SECOND_MS);
    leftMs -= stepMs;
    return setTimeout(() => {
      if (leftMs > 0) timer = step();
      else end();
    }, stepMs);
  };
  let timer = step();
  return () => clearTimeout(timer);
}
