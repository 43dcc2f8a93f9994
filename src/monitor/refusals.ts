const MOST_REFUSALS = 10_000;

/**
 * When a pulse of a service was refused last, by the service's name: the object that refused it is gone, its isolate is
 * not. What is lost of this is known by nobody.
 */
const refusals = new Map<string, number>();

/** The pulse that was not stored was a sign of life all the same. */
export function rememberRefusal(service: string, pulsedMs: number): void {
  const [oldest] = refusals.keys();
  if (refusals.size >= MOST_REFUSALS && oldest !== undefined) refusals.delete(oldest);
  refusals.set(service, pulsedMs);
}

/** When a pulse of a service was refused last; undefined where that is not known. */
export function refusedMs(service: string): number | undefined {
  return refusals.get(service);
}

/** What was refused has had its effect. */
export function forgetRefusal(service: string): void {
  refusals.delete(service);
}
