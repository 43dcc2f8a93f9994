import { countDown } from "../countdown.ts";
import { SECOND_MS } from "../domain/time.ts";

/** Waits for some work for so long; rejects when it takes longer, while the work itself goes on. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = countDown(ms, () => reject(new Error(`no answer within ${ms / SECOND_MS} s`)));
    work.then(resolve, reject).finally(stop);
  });
}
